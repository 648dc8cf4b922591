# SPDX-License-Identifier: Apache-2.0
# Runs on a board: hops.py FOLDER HOPS RUN_HOPS NAME... Standard input holds 16 kHz int16 samples,
# which the perception loop hears again and again, as many at once as it takes; prints what HOPS
# hops took and allocated, and what RUN_HOPS more took with asyncio, as JSON.

import asyncio
import gc
import io
import json
import sys
import time

from glasses.perception import wake
from glasses.perception.loop import HOP_BYTES, HOP_MS, PIECE_HOPS, Perception

PIECE_BYTES = PIECE_HOPS * HOP_BYTES


class Tape:
    """A microphone that plays the same samples for ever, a piece as soon as it is polled."""

    paced = True  # so that the hops are compared with the clock, too

    def __init__(self, samples):
        self._tape = io.BytesIO(samples[: len(samples) // PIECE_BYTES * PIECE_BYTES])
        self._arrived = Arrival(self)
        self.waiting_bytes = 0
        self.pieces = 0

    def start(self):
        pass

    def any(self):
        return self.waiting_bytes

    def readinto(self, buf):
        if not self._tape.readinto(buf):
            self._tape.seek(0)
            self._tape.readinto(buf)
        self.waiting_bytes = 0
        return PIECE_BYTES

    async def wait(self):
        if not self.pieces:
            raise OSError("the tape has ended")
        self.pieces -= 1
        await self._arrived.wait()


class Arrival(asyncio.ThreadSafeFlag):
    """Is set just before asyncio polls it, as by an interrupt."""

    def __init__(self, tape):
        super().__init__()
        self._tape = tape

    def ioctl(self, request, flags):
        self._tape.waiting_bytes = PIECE_BYTES
        return flags


class Loop:
    """The perception loop on a tape."""

    def __init__(self, samples, detectors):
        self._tape = Tape(samples)
        self._heard = Perception(self._tape, detectors)
        self._heard.on_word = lambda detector, at_ms: None

    def hear(self, hops):
        """Without asyncio; returns the bytes allocated and the time spent in hops."""
        start_us = self._heard.counts()["busy_us"]
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        for _ in range(hops // PIECE_HOPS):
            self._tape.waiting_bytes = PIECE_BYTES
            while self._tape.waiting_bytes:
                self._heard.hear()
        allocated = gc.mem_alloc() - before
        gc.enable()
        return allocated, self._heard.counts()["busy_us"] - start_us

    def run(self, hops):
        """With asyncio; returns the time that all of it took."""
        self._tape.pieces = hops // PIECE_HOPS
        gc.collect()
        start_us = time.ticks_us()
        try:
            asyncio.run(self._heard.run())
        except OSError:
            pass  # the tape has ended
        return time.ticks_diff(time.ticks_us(), start_us)


def main(folder, hops, run_hops, *names):
    loop = Loop(sys.stdin.buffer.read(), [wake.load(folder, name) for name in names])
    loop.hear(100)
    allocated, took_us = loop.hear(hops)
    result = {"hops": hops, "busy_us": took_us, "allocated_bytes": allocated}
    result["share_of_real_time"] = took_us / ((hops or 1) * HOP_MS * 1000)
    result["run_us"] = loop.run(run_hops)
    print(json.dumps(result))


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
