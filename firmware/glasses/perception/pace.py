# SPDX-License-Identifier: Apache-2.0
"""Detects lost sound: samples that the microphone should have given by the clock, and did not."""

import asyncio
import time

HOP_MS = 10
BYTES_A_MS = 32
CHECK_MS = 1000
# Sound comes in pieces and is asked for at times: so much is no loss.
LOST_MIN_MS = 8
SILENT_MS = 2000
# Losses that follow each other are told of together.
TELL_MS = 10000
# More than any hop is late by.
NO_HOP = 1 << 29


class Pace:
    """Compares hops with ticks, for a microphone whose sound comes at its own pace.

    Whatever held interrupts up or filled a buffer, the least that any hop of a second was late by
    grows by what was lost; what was only late comes after all, and crystals drift far less.

    Attributes:
        lost_ms: Sound lost since boot.
        silent: Whether no sound comes at all.
        on_change: Called when either has changed, every TELL_MS at most for losses.
    """

    def __init__(self, mic):
        self.lost_ms = 0
        self.silent = False
        self.on_change = None
        self._mic = mic
        self._paced = getattr(mic, "paced", False)
        self._due_ms = 0
        self._late_ms = NO_HOP
        self._usual_ms = None
        self._quiet_ms = 0
        self._told_ms = 0
        self._since_told_ms = TELL_MS

    def start(self):
        """The microphone starts."""
        self._due_ms = time.ticks_ms()

    def hops(self, count, waiting_bytes):
        """So many hops were taken from the microphone, of what waited there. Allocates nothing."""
        if not self._paced:
            return
        clock = time
        self._due_ms = due_ms = clock.ticks_add(self._due_ms, count * HOP_MS)
        waiting_ms = waiting_bytes // BYTES_A_MS - count * HOP_MS
        late_ms = clock.ticks_diff(clock.ticks_ms(), due_ms) - waiting_ms
        if late_ms < self._late_ms:
            self._late_ms = late_ms

    def check(self):
        """Called every CHECK_MS; see `run`."""
        late_ms, self._late_ms = self._late_ms, NO_HOP
        silent = late_ms == NO_HOP
        if silent:
            self._quiet_ms += CHECK_MS
            silent = self._quiet_ms >= SILENT_MS
        else:
            self._quiet_ms = 0
            if self._usual_ms is not None and late_ms - self._usual_ms >= LOST_MIN_MS:
                self.lost_ms += late_ms - self._usual_ms
            self._usual_ms = late_ms
        self._since_told_ms += CHECK_MS
        news = self.lost_ms > self._told_ms and self._since_told_ms >= TELL_MS
        if silent != self.silent or news:
            self.silent = silent
            self._told_ms = self.lost_ms
            self._since_told_ms = 0
            if self.on_change:
                self.on_change()

    async def run(self):
        """Checks for ever, if there is something to check."""
        while self._paced:
            await asyncio.sleep_ms(CHECK_MS)
            self.check()
