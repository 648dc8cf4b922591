# SPDX-License-Identifier: Apache-2.0
"""Malformed models are harmless: tflm refuses them, or runs them as TensorFlow Lite Micro does."""

import subprocess

import numpy as np
import pytest
import tflm_build
import tflm_cases
import tflm_conformance
import tflm_oracle
from workbench.fuzz import models
from workbench.host import tflm

SEEDS = sorted(models.CORPUS.glob("*.tflite"))
TIMEOUT_S = 120
FLIP_STEP = 8
SCALE_MIN = 2.0**-35


@pytest.fixture(scope="module")
def replay():
    try:
        return models.build_replay()
    except models.FuzzError as error:
        if "cannot find" in str(error):
            pytest.skip("this compiler has no sanitizers")
        raise


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_corpus(replay):
    run(replay, *sorted(models.CORPUS.iterdir()))


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.stem)
def test_truncations_and_flips(replay, seed):
    run(replay, "--mutate", seed)


@pytest.mark.parametrize("name", tflm_oracle.WAKE_WORDS + tflm_oracle.OTHERS)
def test_damaged_models(replay, name, tmp_path):
    """Truncates whole models, or changes some bytes, mostly in the tables at both ends."""
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
        with pytest.raises(tflm.ModelError):
            tflm.Model(data)


def runs(model, like, inputs):
    """Returns the outputs, or None if it is refused or its inputs differ from those of `like`."""
    try:
        loaded = tflm.Model(model)
    except tflm.ModelError:
        return None
    described = [(tensor.shape, tensor.dtype) for tensor in loaded.inputs]
    if described != [(tensor.shape, tensor.dtype) for tensor in like]:
        return None
    return tflm_conformance.run(loaded, 1, inputs)


def compare_flips(cases):
    """Returns which cases both run and which differ; a case is (model, inputs of a seed)."""
    ours, models = {}, {}
    for key, (model, like, inputs) in cases.items():
        ours[key] = runs(model, like, inputs)
        if ours[key] is not None:
            models[key] = model, inputs
    answers = tflm_oracle.reference_answers(models)
    both = [key for key, given in answers.items() if given is not None]
    return both, [
        key for key in both if not tflm_conformance.same(models[key][0], answers[key], ours[key])
    ]


def flipped(model, at, rng):
    changed = bytearray(model)
    changed[at] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def test_flips_are_refused_or_right():
    """A flipped bit in each byte gives an error, or the result of TensorFlow Lite Micro."""
    seed = (models.CORPUS / "network.tflite").read_bytes()
    like = tflm.tensors(seed)
    rng = np.random.default_rng(7)
    inputs = [[tflm_oracle.random_input(rng, like[0], i)] for i in range(3)]
    both, different = compare_flips(
        {at: (flipped(seed, at, rng), like, inputs) for at in range(len(seed))}
    )
    assert not different
    assert len(both) > len(seed) // 5


def smallest_scale(model):
    quantized = [tensor.quantization for tensor in tflm_oracle.parse(model).subgraphs[0].tensors]
    return min(scale for one in quantized if one and one.scale is not None for scale in one.scale)


def test_flips_in_each_operator():
    """Bits are flipped in some bytes of a model of each operator."""
    rng = np.random.default_rng(9)
    cases = {}
    for name in tflm_cases.CASES:
        model = min((tflm_cases.model(name, seed) for seed in range(15)), key=len)
        like = tflm.tensors(model)
        inputs = [
            [tflm_conformance.random_inputs(rng, tensor, i) for tensor in like] for i in range(2)
        ]
        for at in range(int(rng.integers(FLIP_STEP)), len(model), FLIP_STEP):
            cases[name, at] = flipped(model, at, rng), like, inputs
    both, different = compare_flips(cases)
    assert len(both) > len(cases) // 5
    # Below that, what TensorFlow Lite Micro computes is not defined: numbers overflow.
    assert [key for key in different if smallest_scale(cases[key][0]) > SCALE_MIN] == []


def test_an_output_does_not_lie_within_the_model():
    """Python's writes to a view of it must not reach a constant, which may be in flash."""
    graph = tflm_build.Graph()
    graph.input([1, 4])
    values = np.arange(4, dtype=np.int8)
    made = graph.output([4, 1])
    shape = graph.constant([4, 1])
    graph.operator("RESHAPE", [graph.constant(values[None], np.int8), shape], [made])
    model = tflm.Model(graph.bytes())
    model.invoke()
    assert model.output(0) == values.tobytes()
    assert list(model.records()) == ["RESHAPE"]  # It is copied.
