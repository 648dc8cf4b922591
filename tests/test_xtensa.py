# SPDX-License-Identifier: Apache-2.0
"""The C cores on an emulated Xtensa core: every byte as on this machine."""

import micdsp_cases
import numpy as np
import pytest
from workbench import hosttflm, micdsp, modelbench, xtensa, zoo

# Inferences of each: the large ones are slow under emulation.
MODELS = {
    "okay_nabu": 200,
    "hey_jarvis": 50,
    "alexa": 50,
    "hey_mycroft": 50,
    "micro_speech_quantized": 3,
    "kws_ref_model": 2,
    "person_detect": 1,
}


@pytest.fixture(scope="module", autouse=True)
def _tools():
    if lacking := xtensa.missing():
        pytest.skip(lacking)


@pytest.mark.parametrize("case", ["bursts", "random"])
def test_features_are_the_same(case):
    samples = micdsp_cases.samples(case)
    samples = samples[: len(samples) // 160 * 160]
    assert xtensa.features(samples.tobytes()) == micdsp.Frontend().process(samples).tobytes()


@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_the_same(name):
    try:
        content = zoo.find(name).read_bytes()
    except zoo.ZooError as error:
        pytest.skip(str(error))
    host = hosttflm.Model(content)
    size = sum(int(np.prod(tensor.shape)) for tensor in host.inputs)
    inputs = np.random.default_rng(9).bytes(size * MODELS[name])
    expected = b""
    for start in range(0, len(inputs), size):
        host.set_input(0, inputs[start : start + size])
        host.invoke()
        expected += host.output(0)
    assert xtensa.run_model(content, inputs) == expected


def test_a_broken_model_is_refused():
    with pytest.raises(xtensa.XtensaError, match="exit status 5"):
        xtensa.run_model(b"\x1c\0\0\0TFL3" + bytes(100), b"")


def test_the_instructions_of_an_inference_are_counted():
    model = zoo.find("okay_nabu").read_bytes()
    once = modelbench.bench("xtensa", model)
    assert once == modelbench.bench("xtensa", model)  # not timed: counted
    assert once.macs < once.instructions < 20 * once.macs
    assert sum(count for _, count in once.profile) == once.instructions
    assert "tflm_invoke" in dict(once.profile)
    assert 10_000 < once.text_bytes < 200_000
