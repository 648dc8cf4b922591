# SPDX-License-Identifier: Apache-2.0
# Runs on a board: computes what selftest.json holds and prints it as JSON. What differs there means
# wrong code for that board's chip. MODEL, set by whoever runs this, is a wake word model or None.

import array
import binascii
import gc
import hashlib
import json

try:
    from time import ticks_diff, ticks_us
except ImportError:  # a port without a clock
    ticks_diff = ticks_us = lambda *_: 0

HOPS = 200
INVOKES = 30


def following(state):
    """A linear congruential generator; its upper half is random enough."""
    return (state * 1664525 + 1013904223) & 0xFFFFFFFF


def noise(seed, count):
    """int16 samples that get louder and quieter."""
    samples = array.array("h", bytes(2 * count))
    state = seed
    for i in range(count):
        state = following(state)
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
    started = ticks_us()
    for start in range(0, len(samples), micdsp.HOP_SAMPLES):
        hop = samples[start : start + micdsp.HOP_SAMPLES]
        if frontend.process(hop, features):
            rows.update(memoryview(features)[:80])
            frontend.quantize(features, row, 0.10196078568696976, -128)
            rows.update(row)
        encoder.encode(hop, encoded)
        sound.update(encoded)
        levels.append(micdsp.rms(hop) * 65537 + micdsp.peak(hop))
    taken_us = ticks_diff(ticks_us(), started)
    levels = hashlib.sha256(json.dumps(levels).encode())
    values = {"features": digest(rows), "adpcm": digest(sound), "levels": digest(levels)}
    return values, taken_us


def tflm_values(path):
    import tflm

    with open(path, "rb") as file:
        content = file.read()
    # Of an ESP32-S3's vector unit: both kinds of kernels have to compute the same.
    report = {"model": digest(hashlib.sha256(content)), "vectors": "none"}
    vectors = getattr(tflm, "vectors", lambda allow: False)
    if vectors(True):
        report["vectors"] = "used"
        with_vectors = model_outputs(tflm.Model(content))
        vectors(False)
    report["outputs"] = model_outputs(tflm.Model(content))
    if report["vectors"] == "used" and with_vectors != report["outputs"]:
        report["vectors"] = "wrong"
    vectors(report["vectors"] == "used")
    return report


def model_outputs(model):
    features, outputs, state = model.input(0), hashlib.sha256(), 1
    for _ in range(INVOKES):
        for i in range(len(features)):
            state = following(state)
            features[i] = (state >> 24) - 128
        model.invoke()
        outputs.update(model.output(0))
    return digest(outputs)


def main(model):
    gc.collect()
    report = {}
    report["micdsp"], taken_us = micdsp_values()
    report["hop_us"] = taken_us // HOPS
    if model:
        report["tflm"] = tflm_values(model)
    gc.collect()
    report["heap_free"] = gc.mem_free()
    print(json.dumps(report))


main(MODEL)  # noqa: F821
