# SPDX-License-Identifier: Apache-2.0
"""Tests the module tflm in MicroPython on the linux board."""

import json

import numpy as np
import pytest
import tflm_oracle
from board_scripts import SCRIPTS
from workbench.build import zoo
from workbench.host import tflm
from workbench.models import inference
from workbench.runners.linux import Linux
from workbench.runners.runner import CHECKS


@pytest.fixture(scope="module")
def model():
    return tflm_oracle.load("okay_nabu")


@pytest.fixture(scope="module")
def said(model):
    return json.loads(Linux().run(SCRIPTS / "tflm_check.py", str(zoo.find("okay_nabu"))))


def test_descriptions(said, model):
    host = tflm.Model(model)
    assert said["ops"] == tflm.supported()
    assert said["arena_size"] == said["arena_used"] == host.arena_bytes
    assert sum(map(tflm.operators(model).get, set(said["model_ops"]))) >= len(said["model_ops"])
    for tensor, described in zip(host.inputs + host.outputs, said["tensors"], strict=True):
        name, shape, dtype, scale, zero_point = described
        assert (name, tuple(shape), dtype) == (tensor.name, tensor.shape, tensor.dtype)
        assert (np.float32(scale), zero_point) == (np.float32(tensor.scale), tensor.zero_point)


def test_views_are_the_tensor(said):
    assert said["view"] == [120, 40, -128, 127, [0, -1, 5, -2, 5]]
    assert said["buffer"] == [-128, 0]


def test_nothing_is_allocated(said):
    assert said["allocated"] == [0] * 5


def test_profile_names_the_work(said, model):
    assert said["profile"] == list(tflm.Model(model).records())


def test_slices_and_odd_addresses(said):
    assert said["same"]


def test_misuse_raises(said):
    refusals = said["refusals"]
    size = said["arena_size"]
    kinds = {name: refusal[0] for name, refusal in refusals.items()}
    assert kinds == {
        "high": "ValueError",
        "low": "ValueError",
        "index": "IndexError",
        "length": "ValueError",
        "list": "ValueError",
        "step": "ValueError",
        "no_input": "IndexError",
        "macs": "ValueError",
        "arena": "MemoryError",
        "no_arena": "MemoryError",
        "cut": "ValueError",
        "empty": "ValueError",
        "none": "TypeError",
        "attribute": "AttributeError",
    }
    assert refusals["arena"][1] == f"arena {size - 1} bytes given, {size} needed"
    assert refusals["no_arena"][1] == f"arena 10 bytes given, {size} needed"
    assert [kind for kind, _ in said["closed"]] == ["RuntimeError"] * 4
    assert [refusal and refusal[0] for refusal in said["shrunk"]] == ["RuntimeError"] * 10


@pytest.mark.parametrize("name", ["hey_jarvis", "micro_speech_quantized"])
def test_the_board_gives_what_the_host_gives(name):
    model = tflm_oracle.load(name)
    tensor = tflm.Model(model).inputs[0]
    rng = np.random.default_rng(6)
    data = b"".join(tflm_oracle.random_input(rng, tensor, i).tobytes() for i in range(20))
    path = zoo.find(name, tflm_oracle.MIRROR)
    given = Linux().run(CHECKS / "model_run.py", str(path), stdin=data)
    assert given == inference.on_host(model, data)
