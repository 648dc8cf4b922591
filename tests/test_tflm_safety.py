# SPDX-License-Identifier: Apache-2.0
"""No bytes given as a model lead tflm astray: they are refused, or run as the oracle runs them."""

import subprocess

import numpy as np
import pytest
import tflm_oracle
from workbench import fuzz, hosttflm

SEEDS = sorted(fuzz.CORPUS.glob("*.tflite"))
TIMEOUT_S = 120


@pytest.fixture(scope="module")
def replay():
    try:
        return fuzz.build_replay()
    except fuzz.FuzzError as error:
        if "cannot find" in str(error):
            pytest.skip("this compiler has no sanitizers")
        raise


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_corpus(replay):
    run(replay, *sorted(fuzz.CORPUS.iterdir()))


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.stem)
def test_truncations_and_flips(replay, seed):
    run(replay, "--mutate", seed)


@pytest.mark.parametrize("name", tflm_oracle.WAKE_WORDS + tflm_oracle.OTHERS)
def test_damaged_models(replay, name, tmp_path):
    """Whole models, cut or with some bytes changed, mostly in the tables at both ends."""
    model = tflm_oracle.load(name)
    rng = np.random.default_rng(len(model))
    paths = []
    for i in range(150):
        damaged = bytearray(model)
        for _ in range(1 + i % 3):
            at = int(rng.integers(len(model)))
            damaged[at] = int(rng.integers(256))
        if i % 10 == 0:
            del damaged[int(rng.integers(len(model))) :]
        paths.append(tmp_path / f"{i}.tflite")
        paths[-1].write_bytes(damaged)
    run(replay, *paths)


def test_eight_bytes_and_nothing():
    for data in (
        b"",
        b"TFL3",
        b"\0\0\0\0TFL3",
        b"\x08\0\0\0TFL3",
        b"\xff" * 8,
        b"\x04\0\0\0TFL3\0",
    ):
        with pytest.raises(hosttflm.ModelError):
            hosttflm.Model(data)


def test_flips_are_refused_or_right():
    """One flipped bit in each byte: an error, or what TensorFlow Lite Micro makes of it."""
    seed = (fuzz.CORPUS / "network.tflite").read_bytes()
    tensor = hosttflm.Model(seed).inputs[0]
    rng = np.random.default_rng(7)
    inputs = [[tflm_oracle.random_input(rng, tensor, i)] for i in range(3)]
    ours, models = {}, {}
    for at in range(len(seed)):
        flipped = bytearray(seed)
        flipped[at] ^= 1 << int(rng.integers(8))
        try:
            model = hosttflm.Model(bytes(flipped))
        except hosttflm.ModelError:
            continue
        if not model.inputs or (model.inputs[0].shape, model.inputs[0].dtype) != (
            tensor.shape,
            tensor.dtype,
        ):
            continue
        models[at] = bytes(flipped)
        ours[at] = b""
        for (data,) in inputs:
            model.set_input(0, data.tobytes())
            model.invoke()
            ours[at] += model.output(0)
    answers = tflm_oracle.reference_answers({at: (data, inputs) for at, data in models.items()})
    different = [at for at, given in answers.items() if given not in (None, ours[at])]
    assert not different
    assert sum(given is not None for given in answers.values()) > len(seed) // 5
