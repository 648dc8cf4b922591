// SPDX-License-Identifier: Apache-2.0
// Console and delays.

#include "rtc.h"
#include "uart.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"

uintptr_t mp_hal_stdio_poll(uintptr_t flags) {
    uintptr_t ready = 0;
    if ((flags & MP_STREAM_POLL_RD) && console_available()) {
        ready |= MP_STREAM_POLL_RD;
    }
    if (flags & MP_STREAM_POLL_WR) {
        ready |= MP_STREAM_POLL_WR;
    }
    return ready;
}

int mp_hal_stdin_rx_chr(void) {
    while (!console_available()) {
        mp_event_wait_indefinite();
    }
    return console_read();
}

mp_uint_t mp_hal_stdout_tx_strn(const char *text, size_t size) {
    console_write(text, size);
    return size;
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint32_t start = timebase_ms();
    mp_event_handle_nowait();
    for (uint32_t elapsed; (elapsed = timebase_ms() - start) < ms;) {
        mp_event_wait_ms(ms - elapsed);
    }
}

void mp_hal_delay_us(mp_uint_t us) {
    for (uint64_t end = timebase_us() + us; timebase_us() < end;) {
    }
}

uint64_t mp_hal_time_ns(void) {
    return (uint64_t)rtc_time_us() * 1000;
}
