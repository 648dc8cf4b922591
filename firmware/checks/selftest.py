# SPDX-License-Identifier: Apache-2.0
# Runs on a board: computes what selftest.json holds, from noise that needs no file, and prints it
# as JSON. What differs there means wrong code for that board's chip.

import array
import binascii
import gc
import hashlib
import json
import time

HOPS = 200


def noise(seed, count):
    """int16 samples that get louder and quieter, from a linear congruential generator."""
    samples = array.array("h", bytes(2 * count))
    state = seed
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        samples[i] = ((state >> 16) - 32768) >> (i // 1600 % 12)
    return samples


def digest(hashed):
    return binascii.hexlify(hashed.digest()).decode()


def micdsp_values():
    import micdsp

    samples = memoryview(noise(1, HOPS * micdsp.HOP_SAMPLES))
    frontend, encoder = micdsp.Frontend(), micdsp.AdpcmEncoder()
    features, row, encoded = bytearray(160), bytearray(40), bytearray(80)
    rows, sound, levels = hashlib.sha256(), hashlib.sha256(), []
    started = time.ticks_us()
    for start in range(0, len(samples), micdsp.HOP_SAMPLES):
        hop = samples[start : start + micdsp.HOP_SAMPLES]
        if frontend.process(hop, features):
            rows.update(memoryview(features)[:80])
            frontend.quantize(features, row, 0.10196078568696976, -128)
            rows.update(row)
        encoder.encode(hop, encoded)
        sound.update(encoded)
        levels.append(micdsp.rms(hop) * 65537 + micdsp.peak(hop))
    taken_us = time.ticks_diff(time.ticks_us(), started)
    levels = hashlib.sha256(json.dumps(levels).encode())
    values = {"features": digest(rows), "adpcm": digest(sound), "levels": digest(levels)}
    return values, taken_us


def main():
    gc.collect()
    values, taken_us = micdsp_values()
    print(json.dumps({"micdsp": values, "hop_us": taken_us // HOPS, "heap_free": gc.mem_free()}))


main()
