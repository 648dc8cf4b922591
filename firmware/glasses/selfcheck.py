# SPDX-License-Identifier: Apache-2.0
"""The self-check of an update on trial: sound, models and radio have to work."""

import array
import hashlib
from binascii import hexlify

import micdsp

HOPS = 9
# SHA-256 of the front-end's features of HOPS hops of noise, little endian; a test computes it with
# pymicro-features.
FEATURES = "aee760d8a16d784f1d18bbac737264552e40f918b246be68b89440d4168cf8f7"


class CheckError(Exception):
    """The self-check failed."""


def noise(state=1):
    """HOPS hops of int16 samples: the upper half of a linear congruential generator."""
    samples = array.array("h", bytes(2 * HOPS * micdsp.HOP_SAMPLES))
    for i in range(len(samples)):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        samples[i] = (state >> 16) - 32768
    return samples


def hear(detectors):
    """Lets a front-end of its own and each detector hear noise; a generator that stops in between.

    The detectors forget what they have heard before. Raises CheckError; ValueError when a model
    fails.
    """
    samples = memoryview(noise())
    yield
    frontend = micdsp.Frontend()
    rows = []
    for start in range(0, len(samples), micdsp.HOP_SAMPLES):
        row = bytearray(2 * micdsp.CHANNELS)
        if frontend.process(samples[start : start + micdsp.HOP_SAMPLES], row):
            rows.append(row)
    digest = hashlib.sha256()
    for row in rows:
        digest.update(row)
    if hexlify(digest.digest()).decode() != FEATURES:
        raise CheckError("the front-end computes wrong features")
    for detector in detectors:
        yield
        detector.reset()
        for row in rows:
            detector.spotter.push(row)
        detector.reset()
