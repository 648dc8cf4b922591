// SPDX-License-Identifier: Apache-2.0
// Included by MicroPython's extmod/modos.c.
//
// The emulated chip has no noise source. The emulator's loader puts 64 random bits into
// `retained.seed`; mixed with the count of boots and the time they seed SHA-256 in counter mode.
// On silicon this file is where the chip's TRNG goes.

#include "retained.h"
#include "timebase.h"
#include "lib/crypto-algorithms/sha256.h"

static void random_block(uint8_t out[SHA256_BLOCK_SIZE]) {
    static uint32_t counter;
    struct {
        struct retained retained;
        uint64_t cycles;
        uint32_t counter;
    } state = {retained, timebase_cycles(), ++counter};
    CRYAL_SHA256_CTX hash;
    sha256_init(&hash);
    sha256_update(&hash, (const BYTE *)&state, sizeof(state));
    sha256_final(&hash, out);
}

uint32_t random_seed(void) {
    uint8_t block[SHA256_BLOCK_SIZE];
    random_block(block);
    uint32_t seed;
    memcpy(&seed, block, sizeof(seed));
    return seed;
}

static mp_obj_t mp_os_urandom(mp_obj_t size_in) {
    mp_int_t size = mp_obj_get_int(size_in);
    vstr_t bytes;
    vstr_init_len(&bytes, size);
    uint8_t block[SHA256_BLOCK_SIZE];
    for (mp_int_t i = 0; i < size; i++) {
        if (i % SHA256_BLOCK_SIZE == 0) {
            random_block(block);
        }
        bytes.buf[i] = (char)block[i % SHA256_BLOCK_SIZE];
    }
    return mp_obj_new_bytes_from_vstr(&bytes);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, mp_os_urandom);
