// SPDX-License-Identifier: Apache-2.0
// The product of 64-bit integers from 16-bit pieces, as this core has no instruction for the upper
// half of a product.
#include <stdint.h>

uint64_t __muldi3(uint64_t a, uint64_t b);

uint64_t __muldi3(uint64_t a, uint64_t b) {
    uint32_t a0 = (uint16_t)a, a1 = (uint16_t)(a >> 16), low_a = (uint32_t)a;
    uint32_t b0 = (uint16_t)b, b1 = (uint16_t)(b >> 16), low_b = (uint32_t)b;
    uint32_t low = a0 * b0;
    uint32_t middle = a1 * b0 + (low >> 16); // It fits: 65535 * 65535 + 65535.
    uint32_t other = a0 * b1 + (uint16_t)middle;
    uint32_t high = a1 * b1 + (middle >> 16) + (other >> 16);
    high += low_a * (uint32_t)(b >> 32) + (uint32_t)(a >> 32) * low_b;
    return (uint64_t)high << 32 | (other << 16 | (uint16_t)low);
}
