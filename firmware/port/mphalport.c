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

// Never less than asked for: whole ticks would end up to one of them early.
void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = timebase_us() + (uint64_t)ms * 1000;
    mp_event_handle_nowait();
    for (uint64_t now; (now = timebase_us()) < end;) {
        mp_event_wait_ms((mp_uint_t)((end - now) / 1000 + 1));
    }
}

void mp_hal_delay_us(mp_uint_t us) {
    for (uint64_t end = timebase_us() + us; timebase_us() < end;) {
    }
}

uint64_t mp_hal_time_ns(void) {
    return (uint64_t)rtc_time_us() * 1000;
}
