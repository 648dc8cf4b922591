// SPDX-License-Identifier: Apache-2.0
// Division of 64-bit integers, which LLVM's code for Xtensa calls.
#include <stdbool.h>
#include <stdint.h>

uint64_t __udivdi3(uint64_t left, uint64_t right);
int64_t __divdi3(int64_t left, int64_t right);

uint64_t __udivdi3(uint64_t left, uint64_t right) {
    uint64_t quotient = 0, rest = 0;
    for (int bit = 63; bit >= 0; bit--) {
        bool carry = rest >> 63;
        rest = rest << 1 | (left >> bit & 1);
        if (carry || rest >= right) {
            rest -= right;
            quotient |= 1ull << bit;
        }
    }
    return quotient;
}

int64_t __divdi3(int64_t left, int64_t right) {
    uint64_t a = left < 0 ? -(uint64_t)left : (uint64_t)left;
    uint64_t b = right < 0 ? -(uint64_t)right : (uint64_t)right;
    uint64_t quotient = __udivdi3(a, b);
    return (int64_t)((left ^ right) < 0 ? -quotient : quotient);
}
