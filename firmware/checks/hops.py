# SPDX-License-Identifier: Apache-2.0
# Runs on a board: hops.py FOLDER HOPS NAME... Standard input holds 16 kHz int16 samples, which the
# perception loop hears again and again; prints what HOPS hops took and allocated, as JSON.

import gc
import io
import json
import sys

from glasses.perception import wake
from glasses.perception.loop import HOP_BYTES, HOP_MS, Perception


class Tape:
    """A microphone that plays the same samples for ever."""

    paced = True  # so that the hops are compared with the clock, too

    def __init__(self, samples):
        self._tape = io.BytesIO(samples[: len(samples) // HOP_BYTES * HOP_BYTES])

    def any(self):
        return 0

    def readinto(self, buf):
        if self._tape.readinto(buf) == 0:
            self._tape.seek(0)
            self._tape.readinto(buf)
        return HOP_BYTES


def main(folder, hops, *names):
    samples = sys.stdin.buffer.read()
    heard = Perception(Tape(samples), [wake.load(folder, name) for name in names])
    for _ in range(100):
        heard.hop()
    start_us = heard.busy_s * 1000000 + heard.busy_us
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(hops):
        heard.hop()
    allocated = gc.mem_alloc() - before
    gc.enable()
    took_us = heard.busy_s * 1000000 + heard.busy_us - start_us
    result = {"hops": hops, "busy_us": took_us, "allocated_bytes": allocated}
    result["share_of_real_time"] = took_us / (hops * HOP_MS * 1000)
    print(json.dumps(result))


main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
