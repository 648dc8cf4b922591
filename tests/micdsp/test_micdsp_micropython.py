# SPDX-License-Identifier: Apache-2.0
"""Tests micdsp in MicroPython on the linux board: its values, no allocation, misuse refused."""

import json

import micdsp_cases
import numpy as np
import pytest
from board_scripts import SCRIPTS
from workbench.host import micdsp
from workbench.runners.linux import Linux

HOPS = 10000
SCALE = 0.10196078568696976


@pytest.fixture(scope="module")
def samples():
    return np.concatenate([micdsp_cases.samples(name) for name in ("noise", "bursts", "random")])


@pytest.fixture(scope="module")
def said(samples):
    return json.loads(Linux().run(SCRIPTS / "micdsp_check.py", str(HOPS), stdin=samples.tobytes()))


def test_features_equal_the_core(said, samples):
    features = micdsp.Frontend().process(samples)
    assert bytes.fromhex(said["features"]) == features.tobytes()
    assert bytes.fromhex(said["quantized"]) == micdsp.quantize(features, SCALE, -128).tobytes()


def test_adpcm_equals_the_core(said, samples):
    encoder = micdsp.AdpcmEncoder()
    assert bytes.fromhex(said["adpcm"]) == encoder.encode(samples)
    assert said["state"] == [encoder.predictor, encoder.index]


def test_level_equals_the_core(said, samples):
    assert said["levels"] == [[micdsp.rms(samples), micdsp.peak(samples)], [0, 0]]


def test_hops_allocate_nothing(said):
    assert said["allocated_bytes"] == 0


def test_misuse_raises(said):
    value, kind = "ValueError", "TypeError"
    expected = [value, value, kind, kind, value, value, value, value, value, value]
    assert said["refusals"] == [*expected, "AttributeError", *[value] * 4, kind, 1]
