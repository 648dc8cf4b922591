// SPDX-License-Identifier: Apache-2.0
// Instructions of ESP32-S3's vector unit for inline assembly, as Debian's LLVM 22 has no names for
// them. Their bits are from Espressif's "ESP32-S3 Technical Reference Manual", version 1.7, chapter
// 1, "Processor Instruction Extensions": the "Instruction Word" of the section behind each.
// Registers are numbers: 3 is q3, or a3. tests/tflm/test_esp32s3_vectors.py compares them with
// LLVM's tables.
#ifndef TFLM_ESP32S3_H
#define TFLM_ESP32S3_H

#define EE_TEXT(word) #word
#define EE_BYTE(word, at) "((" EE_TEXT(word) ")>>" #at ")&255"
// Bytes, as a word would be aligned.
#define EE_24(word) ".byte " EE_BYTE(word, 0) "," EE_BYTE(word, 8) "," EE_BYTE(word, 16) "\n\t"
#define EE_32(word)                                                                                \
    ".byte " EE_BYTE(word, 0) "," EE_BYTE(word, 8) "," EE_BYTE(word, 16) "," EE_BYTE(word,         \
                                                                                     24) "\n\t"

// Register q in bits 21, 20 and 15; an offset in units of 16 bytes in bits 22 and 14 to 8.
#define EE_Q(q) ((((q) & 6) << 19) | (((q) & 1) << 15))
#define EE_AS(as) ((as) << 4)
#define EE_AD(ad) ((ad) << 8)
#define EE_OFFSET(bytes) ((((bytes) & 0x800) << 11) | (((bytes) & 0x7f0) << 4))
// Registers of products: qx in bits 10 to 8; qy in 14, 12 and 11.
#define EE_XY(qx, qy) (((qx) << 8) | (((qy) & 4) << 12) | (((qy) & 3) << 11))
#define EE_SHIFT(qa, qs0, qs1) (EE_Q(qs1) | ((qs0) << 12) | ((qa) << 4))

// Loads of 16 bytes at the address in `as`, whose lowest four bits are ignored; then `as` moves on.
// USAR keeps these bits in SAR_BYTE.
#define EE_LD_128_USAR_IP(qu, as, bytes)                                                           \
    EE_24(0x810004 | EE_Q(qu) | EE_AS(as) | EE_OFFSET(bytes))                            // 1.8.17
#define EE_LD_128_USAR_XP(qu, as, ad) EE_24(0x8d0004 | EE_Q(qu) | EE_AS(as) | EE_AD(ad)) // 1.8.18
#define EE_VLD_128_IP(qu, as, bytes)                                                               \
    EE_24(0x830004 | EE_Q(qu) | EE_AS(as) | EE_OFFSET(bytes))                        // 1.8.88
#define EE_VLD_128_XP(qu, as, ad) EE_24(0x8d2004 | EE_Q(qu) | EE_AS(as) | EE_AD(ad)) // 1.8.89
#define EE_VST_128_IP(qv, as, bytes)                                                               \
    EE_24(0x8a0004 | EE_Q(qv) | EE_AS(as) | EE_OFFSET(bytes)) // 1.8.192
// One byte, 16 times.
#define EE_VLDBC_8_XP(qu, as, ad) EE_24(0x8d5004 | EE_Q(qu) | EE_AS(as) | EE_AD(ad)) // 1.8.102

// 16 bytes of two registers, from byte SAR_BYTE of qs0 on; QUP then moves qs1 to qs0.
#define EE_SRC_Q(qa, qs0, qs1) EE_24(0xcc0304 | EE_SHIFT(qa, qs0, qs1))     // 1.8.49
#define EE_SRC_Q_QUP(qa, qs0, qs1) EE_24(0xcc0704 | EE_SHIFT(qa, qs0, qs1)) // 1.8.52

// Sums of 16 products: all in ACCX, which has 40 bits, or each in 20 bits of its own of QACC. LD
// loads after that.
#define EE_ZERO_ACCX EE_24(0x250804)                              // 1.8.215
#define EE_ZERO_QACC EE_24(0x250844)                              // 1.8.217
#define EE_VMULAS_S8_ACCX(qx, qy) EE_24(0x1a00c4 | EE_XY(qx, qy)) // 1.8.146
#define EE_VMULAS_S8_QACC(qx, qy) EE_24(0x1a20c4 | EE_XY(qx, qy)) // 1.8.151
#define EE_VMULAS_S8_ACCX_LD_IP(qu, as, bytes, qx, qy)                                             \
    EE_32(0xf002000e | (((bytes) & 0x300) << 18) | (((qu) & 6) << 23) | (((qy) & 1) << 23) |       \
          (((qu) & 1) << 19) | (((qx) & 3) << 14) | (((qy) & 6) << 11) | (((bytes) & 0xf0) << 4) | \
          EE_AS(as) | (((qx) & 4) >> 2)) // 1.8.147

// User registers (section 1.4.2): the lower 32 bits of ACCX, and 32 bits each of QACC_H and QACC_L.
#define EE_RUR(ar, number) EE_24(0xe30000 | ((ar) << 12) | ((number) << 4))
#define EE_ACCX_0 0
#define EE_QACC_H(i) (2 + (i))
#define EE_QACC_L(i) (7 + (i))

// The register of Xtensa cores that identifies the chip: ESP-IDF v5.4's
// components/xtensa/esp32s3/include/xtensa/config/core-isa.h, XCHAL_HW_CONFIGID0. An ESP32's is
// 0xc2bcfffe, an ESP32-S2's 0xc2ecfafe.
#define EE_RSR_CONFIGID0(ar) EE_24(0x03b000 | ((ar) << 4))
#define EE_ESP32S3 0xc2f0fffeu

#endif
