// SPDX-License-Identifier: Apache-2.0
// There are no pins, and the clock stands still: instructions are counted here, not timed.
#include <stdint.h>

static inline unsigned int mp_hal_ticks_ms(void) {
    return 0;
}

static inline unsigned int mp_hal_ticks_us(void) {
    return 0;
}

static inline unsigned int mp_hal_ticks_cpu(void) {
    return 0;
}

static inline uint64_t mp_hal_time_ns(void) {
    return 0;
}

static inline void mp_hal_delay_ms(unsigned int length_ms) {
    (void)length_ms;
}

static inline void mp_hal_delay_us(unsigned int length_us) {
    (void)length_us;
}
