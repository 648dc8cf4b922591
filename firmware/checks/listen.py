# SPDX-License-Identifier: Apache-2.0
# Runs on a board, without its application: listens for a second with the microphone of board.py and
# prints what came, as JSON; the workbench judges it. LENGTH_MS may be set before.

import json
import time

import board
import micdsp

HOP_BYTES = 320
try:
    LENGTH_MS
except NameError:
    LENGTH_MS = 1000
# A microphone that wakes gives nothing, or a thump, for so long: an INMP441 for 2 ** 18 clocks,
# which are 256 ms at 16 kHz (DS-INMP441-00 rev. 1.1, "Normal Operation").
WAKING_MS = 300


def take(mic, length_ms, each):
    """Reads all that comes in this time; returns the milliseconds of sound."""
    hop = bytearray(HOP_BYTES)
    start = time.ticks_ms()
    hops = 0
    while time.ticks_diff(time.ticks_ms(), start) < length_ms:
        if mic.any() < HOP_BYTES:
            time.sleep_ms(2)
            continue
        mic.readinto(hop)
        hops += 1
        each(hop)
    return hops * 10


def listen(mic):
    squares, hops, peak, low, high = 0, 0, 0, 32767, -32768
    ones, bits = 0, 0

    def each(hop):
        nonlocal squares, hops, peak, low, high, ones, bits
        rms = micdsp.rms(hop)
        squares += rms * rms
        hops += 1
        peak = max(peak, micdsp.peak(hop))
        for i in (0, 106, 212):  # three samples a hop tell whether it is stuck
            sample = hop[i] | hop[i + 1] << 8
            sample -= sample >> 15 << 16
            low, high = min(low, sample), max(high, sample)
        raw = getattr(mic, "raw_bits", None)
        if raw and hops % 10 == 0:
            for byte in raw[:256]:
                bits += 8
                while byte:
                    ones += byte & 1
                    byte >>= 1

    mic.start()
    waking_ms = take(mic, WAKING_MS, lambda hop: None)
    heard_ms = take(mic, LENGTH_MS, each)
    stop = getattr(mic, "stop", None)
    if stop:
        stop()
    said = {"waking_ms": waking_ms, "heard_ms": heard_ms, "length_ms": LENGTH_MS}
    if hops:
        said["rms"] = int((squares / hops) ** 0.5)
        said["peak"] = peak
        said["spread"] = high - low
    if bits:
        said["ones_percent"] = 100 * ones // bits
    return said


report = listen(board.mic)
report["camera"] = board.camera is not None
print(json.dumps(report))
