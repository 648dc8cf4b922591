// SPDX-License-Identifier: Apache-2.0
// Instructions of ESP32-S3's vector unit, written from Espressif's "ESP32-S3 Technical Reference
// Manual", version 1.7, chapter 1, "Processor Instruction Extensions". The section of each is given
// below; its bits are those of the "Instruction Word" there.
#include <stddef.h>

#include "lacking.h"

enum { REGISTERS = 8, BYTES = 16, LANES = 16, LANE_BITS = 20, LANE_MAX = (1 << 19) - 1 };

static uint8_t q[REGISTERS][BYTES];
static int64_t accx;        // 40 bits.
static int32_t qacc[LANES]; // 20 bits each: QACC_L is lanes 0 to 7, QACC_H lanes 8 to 15.
static uint32_t sar_byte;
bool vectors_damaged;

static uint32_t bits(uint32_t word, unsigned high, unsigned low) {
    return word >> low & ((2u << (high - low)) - 1);
}

// "forces the lower 4 bits of the access address in register as to 0".
static uint8_t *aligned(uint32_t address) {
    return (uint8_t *)(address & ~15u);
}

static void load(uint32_t to, uint32_t address) {
    for (int i = 0; i < BYTES; i++) {
        q[to][i] = aligned(address)[i];
    }
}

// "{qs1[127:0], qs0[127:0]} >> {SAR_BYTE[3:0] << 3}", its lower half.
static void shift_pair(uint32_t to, uint32_t low, uint32_t high) {
    uint8_t pair[2 * BYTES];
    for (int i = 0; i < BYTES; i++) {
        pair[i] = q[low][i];
        pair[BYTES + i] = q[high][i];
    }
    for (int i = 0; i < BYTES; i++) {
        q[to][i] = pair[i + sar_byte];
    }
}

static int32_t product(uint32_t x, uint32_t y, int lane) {
    return (int32_t)(int8_t)q[x][lane] * (int8_t)q[y][lane];
}

// ACCX, saturated to 40 bits.
static void add_to_accx(uint32_t x, uint32_t y) {
    const int64_t most = ((int64_t)1 << 39) - 1;
    accx += vectors_damaged;
    for (int i = 0; i < LANES; i++) {
        accx += product(x, y, i);
    }
    accx = accx > most ? most : accx < -most - 1 ? -most - 1 : accx;
}

// Each lane saturated to 20 bits.
static void add_to_qacc(uint32_t x, uint32_t y) {
    for (int i = 0; i < LANES; i++) {
        int32_t sum = qacc[i] + product(x, y, i);
        qacc[i] = sum > LANE_MAX ? LANE_MAX : sum < -LANE_MAX - 1 ? -LANE_MAX - 1 : sum;
    }
}

// Returns 32 of the bits of QACC_H (user registers 2 to 6) or QACC_L (7 to 11), section 1.4.2.
static uint32_t qacc_word(uint32_t number) {
    const int32_t *lanes = number < 7 ? qacc + LANES / 2 : qacc;
    uint32_t first = (number < 7 ? number - 2 : number - 7) * 32, word = 0;
    for (uint32_t i = 0; i < 32; i++) {
        uint32_t bit = first + i;
        word |= ((uint32_t)lanes[bit / LANE_BITS] >> bit % LANE_BITS & 1) << i;
    }
    return word;
}

// "an 8-bit sign-extended constant in the instruction code segment left-shifted by 4".
static uint32_t offset(uint32_t high, uint32_t low) {
    return (uint32_t)((int32_t)(int8_t)(high << 7 | low) * 16);
}

// Runs the only 32-bit one: EE.VMULAS.S8.ACCX.LD.IP (1.8.147).
static uint32_t run_wide(uint32_t word, uint32_t *a) {
    if (bits(word, 31, 28) != 15 || bits(word, 22, 20) || bits(word, 18, 16) != 2) {
        return 0;
    }
    uint32_t to = bits(word, 25, 24) << 1 | bits(word, 19, 19), *as = &a[bits(word, 7, 4)];
    uint32_t x = bits(word, 0, 0) << 2 | bits(word, 15, 14);
    uint32_t y = bits(word, 13, 12) << 1 | bits(word, 23, 23);
    uint32_t constant = bits(word, 27, 26) << 4 | bits(word, 11, 8); // 6 bits, sign-extended.
    add_to_accx(x, y);
    load(to, *as);
    *as += (uint32_t)((int32_t)(constant ^ 32) - 32) * 16;
    return 4;
}

// Runs those with qu[2:1] in bits 21 and 20, qu[0] in bit 15 and a register `as`.
static uint32_t run_memory(uint32_t word, uint32_t *a) {
    uint32_t qu = bits(word, 21, 20) << 1 | bits(word, 15, 15), *as = &a[bits(word, 7, 4)];
    uint32_t ad = a[bits(word, 11, 8)], step = offset(bits(word, 22, 22), bits(word, 14, 8));
    uint32_t kind = bits(word, 19, 16);
    if (bits(word, 23, 23) && kind == 3) { // EE.VLD.128.IP (1.8.88)
        load(qu, *as);
        *as += step;
    } else if (bits(word, 23, 23) && kind == 1) { // EE.LD.128.USAR.IP (1.8.17)
        sar_byte = *as & 15;
        load(qu, *as);
        *as += step;
    } else if (bits(word, 23, 23) && kind == 10) { // EE.VST.128.IP (1.8.192)
        for (int i = 0; i < BYTES; i++) {
            aligned(*as)[i] = q[qu][i];
        }
        *as += step;
    } else if (bits(word, 23, 22) == 2 && kind == 13 && bits(word, 14, 12) == 2) {
        load(qu, *as); // EE.VLD.128.XP (1.8.89)
        *as += ad;
    } else if (bits(word, 23, 22) == 2 && kind == 13 && bits(word, 14, 12) == 0) {
        sar_byte = *as & 15; // EE.LD.128.USAR.XP (1.8.18)
        load(qu, *as);
        *as += ad;
    } else if (bits(word, 23, 22) == 2 && kind == 13 && bits(word, 14, 12) == 5) {
        for (int i = 0; i < BYTES; i++) { // EE.VLDBC.8.XP (1.8.102)
            q[qu][i] = *(const uint8_t *)*as;
        }
        *as += ad;
    } else {
        return 0;
    }
    return 3;
}

uint32_t vectors_run(uint32_t word, uint32_t *a) {
    uint32_t qs1 = bits(word, 21, 20) << 1 | bits(word, 15, 15);
    uint32_t qs0 = bits(word, 14, 12), qa = bits(word, 6, 4);
    uint32_t x = bits(word, 10, 8), y = bits(word, 14, 14) << 2 | bits(word, 12, 11);
    uint32_t number = bits(word, 11, 4);
    if ((word & 14) == 14) {
        return run_wide(word, a);
    }
    word &= 0xffffff;
    if (word == 0x250804) { // EE.ZERO.ACCX (1.8.215)
        accx = 0;
    } else if (word == 0x250844) { // EE.ZERO.QACC (1.8.217)
        for (int i = 0; i < LANES; i++) {
            qacc[i] = 0;
        }
    } else if ((word & 0xffa0ff) == 0x1a00c4) { // EE.VMULAS.S8.ACCX (1.8.146)
        add_to_accx(x, y);
    } else if ((word & 0xffa0ff) == 0x1a20c4) { // EE.VMULAS.S8.QACC (1.8.151)
        add_to_qacc(x, y);
    } else if ((word & 0xcf0f8f) == 0xcc0304) { // EE.SRC.Q (1.8.49)
        shift_pair(qa, qs0, qs1);
    } else if ((word & 0xcf0f8f) == 0xcc0704) { // EE.SRC.Q.QUP (1.8.52): also qs0 = qs1.
        uint8_t kept[BYTES];
        for (int i = 0; i < BYTES; i++) {
            kept[i] = q[qs1][i];
        }
        shift_pair(qa, qs0, qs1);
        for (int i = 0; i < BYTES; i++) {
            q[qs0][i] = kept[i];
        }
    } else if ((word & 0xff000f) == 0xe30000 && number == 0) { // RUR.ACCX_0
        a[bits(word, 15, 12)] = (uint32_t)accx;
    } else if ((word & 0xff000f) == 0xe30000 && number >= 2 && number <= 11) { // RUR.QACC_*
        a[bits(word, 15, 12)] = qacc_word(number);
    } else {
        return (word & 15) == 4 ? run_memory(word, a) : 0;
    }
    return 3;
}
