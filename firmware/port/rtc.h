// SPDX-License-Identifier: Apache-2.0
// The time of day.
#ifndef GLINT_PORT_RTC_H
#define GLINT_PORT_RTC_H

#include <stdint.h>

// Reads the board's clock once; after it, SysTick counts.
void rtc_init(void);
// Microseconds since 1970-01-01.
int64_t rtc_time_us(void);
// Sets the time; kept until the power goes.
void rtc_set_us(int64_t us);

#endif
