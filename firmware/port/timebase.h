// SPDX-License-Identifier: Apache-2.0
// Time since the chip's reset, from SysTick.
#ifndef GLINT_PORT_TIMEBASE_H
#define GLINT_PORT_TIMEBASE_H

#include <stdint.h>

void timebase_init(void);
uint32_t timebase_ms(void);
uint64_t timebase_us(void);
// Cycles of the core's clock; BOARD_CLOCK_HZ of them a second.
uint64_t timebase_cycles(void);

#endif
