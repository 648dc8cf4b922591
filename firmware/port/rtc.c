// SPDX-License-Identifier: Apache-2.0
// The time of day: the board's clock at start, SysTick after it.

#include "board.h"
#include "cortexm.h"
#include "retained.h"
#include "rtc.h"
#include "timebase.h"

static int64_t at_start_us;

void rtc_init(void) {
#ifdef BOARD_RTC_BASE
    at_start_us = (int64_t)REG32(BOARD_RTC_BASE) * 1000000; // PL031 RTCDR: seconds since 1970
#endif
    at_start_us -= (int64_t)timebase_us();
}

int64_t rtc_time_us(void) {
    return at_start_us + retained.clock_offset_us + (int64_t)timebase_us();
}

void rtc_set_us(int64_t us) {
    retained.clock_offset_us += us - rtc_time_us();
}
