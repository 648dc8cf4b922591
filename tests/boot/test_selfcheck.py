# SPDX-License-Identifier: Apache-2.0
"""Tests the self-check of updates: its reference value is pymicro-features', and it can fail."""

import hashlib
import json
import subprocess

import numpy as np
from pymicro_features import MicroFrontend
from workbench.build import micropython, zoo
from workbench.paths import FIRMWARE

HOP_SAMPLES = 160
HOPS = 9
FEATURE_SCALE = 0.0390625

ON_DEVICE = """
import json
from glasses import selfcheck
from glasses.perception import wake

def tried(detectors):
    try:
        for _ in selfcheck.hear(detectors):
            pass
    except Exception as error:
        return type(error).__name__
    return "passed"

class Broken:
    def __init__(self):
        self.spotter = self
    def reset(self):
        pass
    def push(self, row):
        raise ValueError("no such op")

detector = wake.load(FOLDER, "okay_nabu")
said = [selfcheck.FEATURES, tried([detector]), detector.spotter.full, tried([detector, Broken()])]
selfcheck.FEATURES = "another"
print(json.dumps(said + [tried([detector])]))
"""


def test_golden_value_and_failures():
    state, samples = 1, []
    for _ in range(HOPS * HOP_SAMPLES):
        state = (state * 1664525 + 1013904223) % 2**32
        samples.append((state >> 16) - 32768)
    samples = np.array(samples, "<i2")
    frontend, digest, taken = MicroFrontend(), hashlib.sha256(), 0
    while taken + HOP_SAMPLES <= len(samples):
        output = frontend.process_samples(samples[taken : taken + HOP_SAMPLES].tobytes())
        taken += output.samples_read
        if output.features:
            features = np.array(output.features) / FEATURE_SCALE
            digest.update(features.astype("<u2").tobytes())
    folder = zoo.find("okay_nabu").parent
    done = subprocess.run(
        [micropython.ensure("linux"), "-c", f"FOLDER = {str(folder)!r}\n{ON_DEVICE}"],
        capture_output=True,
        check=True,
        env={"MICROPYPATH": f"{FIRMWARE}:.frozen"},
    )
    expected = [digest.hexdigest(), "passed", False, "ValueError", "CheckError"]
    assert json.loads(done.stdout) == expected
