# SPDX-License-Identifier: Apache-2.0
"""Runs an ESP32-S3's .mpy files on an emulated Xtensa core: every byte is as on this machine."""

import json
import os
import shutil
import subprocess
import sys

import micdsp_cases
import numpy as np
import pytest
import sweep
import tflm_cases
import tflm_cases_large
import tflm_conformance
import tflm_oracle
import wake_word_case
from board_scripts import SCRIPTS
from workbench.build import compilers, zoo
from workbench.device import selftest
from workbench.host import micdsp, tflm
from workbench.models import benchmark, inference, xtensacount
from workbench.runners import xtensa

# The number of inferences of each model: the large ones are slow under emulation.
MODELS = {
    "okay_nabu": 100,
    "hey_jarvis": 20,
    "alexa": 20,
    "hey_mycroft": 20,
    "micro_speech_quantized": 3,
    "kws_ref_model": 2,
    "person_detect": 1,
}
# How many cases of each int8 operator `make test` runs: vector instructions trap, too.
CASES = {xtensa.ESP32S3: 16, xtensa.ESP32: 12, xtensa.DAMAGED: 3}
# How many cases of each operator of another type it runs: all take 20 s more of processor time,
# most of it for MULSH, which traps here.
OTHERS = 15
# On the same input, one inference runs whole and one in slices of a row each.
SLICES = """
import json, tflm
same = {{}}
for name in {names}:
    model = tflm.Model(open(name, "rb").read())
    outputs = []
    for whole in (True, False):
        view = model.input(0)
        for i in range(len(view)):
            view[i] = i * 37 % 256 - 128
        while not model.step(1 << 30 if whole else 1):
            pass
        outputs.append(bytes(model.output(0)))
    same[name] = outputs[0] == outputs[1] and len(set(outputs[0])) > 4
print(json.dumps(same))
"""


@pytest.fixture(scope="module", autouse=True)
def _tools():
    if lacking := xtensa.missing():
        pytest.skip(lacking)


@pytest.mark.parametrize(
    ("chip", "vectors"),
    [(xtensa.ESP32S3, "used"), (xtensa.DAMAGED, "none"), (xtensa.ESP32, "none")],
)
def test_the_self_test_computes_what_it_should(chip, vectors):
    model = f"{selftest.MODEL}.tflite"
    code = f"MODEL = {model!r}\n{selftest.SCRIPT.read_text()}"
    content = zoo.find(selftest.MODEL).read_bytes()
    report = json.loads(xtensa.run_code(code, {model: content}, chip))
    selftest.verify(report)
    assert report["tflm"]["vectors"] == vectors


def test_it_hears_the_wake_word():
    files, hop = wake_word_case.files()
    wake_word_case.check(xtensa.run_code(wake_word_case.DETECT, files), files, hop)


@pytest.mark.parametrize(("chip", "count"), CASES.items())
def test_cases_of_int8_operators_give_the_same_bytes(chip, count):
    count = tflm_conformance.COUNT if sweep.WHOLE else count
    asked, answers = tflm_conformance.asked(tflm_cases.INT8, count)
    given = xtensa.Xtensa(chip).run(SCRIPTS / "model_cases.py", stdin=asked)
    assert tflm_conformance.different(given, answers) == []


def test_cases_of_operators_of_other_types_give_the_same_bytes():
    asked, answers = tflm_conformance.asked(tflm_cases.OTHER_TYPES, OTHERS)
    given = xtensa.Xtensa().run(SCRIPTS / "model_cases.py", stdin=asked)
    assert tflm_conformance.different(given, answers) == []


@pytest.mark.parametrize("chip", CASES)
def test_large_layers_give_the_bytes_of_tensorflow_lite_micro(chip):
    cases = tflm_conformance.with_inputs(tflm_cases_large.MODELS)
    stdin = tflm_conformance.standard_input(cases)
    given = xtensa.Xtensa(chip).run(SCRIPTS / "model_cases.py", stdin=stdin)
    answers = tflm_oracle.reference_answers(cases)
    assert tflm_conformance.different(given, answers) == []


@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_the_same(name):
    try:
        content = zoo.find(name).read_bytes()
    except zoo.ZooError as error:
        pytest.skip(str(error))
    size = sum(inference.tensor_bytes(tensor) for tensor in tflm.Model(content).inputs)
    inputs = np.random.default_rng(9).bytes(size * MODELS[name])
    assert inference.on("xtensa", content, inputs) == inference.on_host(content, inputs)


def test_slices_give_the_bytes_of_a_whole_inference():
    names = ("large filter", "patches in parts", "a deep layer", "many positions of patches")
    files = {f"{name}.tflite": model for name, model in tflm_cases_large.MODELS.items()}
    files = {name: model for name, model in files.items() if any(each in name for each in names)}
    said = xtensa.run_code(SLICES.format(names=list(files)), files)
    assert json.loads(said) == dict.fromkeys(files, True)


def test_micdsp_gives_the_same_bytes():
    samples = np.concatenate([micdsp_cases.samples(name) for name in ("bursts", "random")])
    said = json.loads(
        xtensa.Xtensa().run(SCRIPTS / "micdsp_check.py", "10", stdin=samples.tobytes())
    )
    features, encoder = micdsp.Frontend().process(samples), micdsp.AdpcmEncoder()
    assert bytes.fromhex(said["features"]) == features.tobytes()
    assert bytes.fromhex(said["adpcm"]) == encoder.encode(samples)
    assert said["levels"][0] == [micdsp.rms(samples), micdsp.peak(samples)]


def test_a_broken_model_is_refused():
    with pytest.raises(xtensa.XtensaError, match="ValueError: "):
        inference.on("xtensa", b"\x1c\0\0\0TFL3" + bytes(100), b"")


def test_the_instructions_of_an_inference_are_counted():
    model = zoo.find("okay_nabu").read_bytes()
    once = benchmark.bench("xtensa", model)
    assert once == benchmark.bench("xtensa", model)  # counted, not timed
    assert once.macs < once.instructions < 20 * once.macs
    assert sum(count for _, count in once.profile) == once.instructions
    assert "tflm_step" in dict(once.profile)
    assert 10_000 < once.text_bytes < 200_000


# Bounds of an inference's instructions: xtensa is an ESP32-S3 with its vector unit.
INSTRUCTIONS = {
    ("okay_nabu", "xtensa"): 120_000,
    ("person_detect", "xtensa"): 1.5 * 7_157_888,
    ("person_detect", "esp32"): 5 * 7_157_888,
    ("kws_ref_model", "esp32"): 5 * 2_656_768,
}


@pytest.mark.parametrize(("name", "board"), INSTRUCTIONS)
def test_an_inference_takes_no_more_instructions(name, board):
    try:
        model = zoo.find(name).read_bytes()
    except zoo.ZooError as error:
        pytest.skip(str(error))
    once = benchmark.bench(board, model)
    assert once.macs < once.instructions <= INSTRUCTIONS[name, board]
    assert ("vectors" in dict(once.profile)) == (board == "xtensa")


@pytest.mark.parametrize("chip", [xtensa.DAMAGED, xtensa.ESP32])
def test_wrong_vectors_are_not_used(chip):
    """A chip that computes otherwise than the manual says, or not at all, runs plain C."""
    model = zoo.find("okay_nabu").read_bytes()
    taken = xtensacount.instructions(model, 120, chip, built_for=xtensa.ESP32S3)
    assert {"tflm_dot1", "run_plainly"} <= set(taken)
    assert not {"vectors", "sum_channels", "sum_positions", "add_taps"} & set(taken)


def test_the_modules_of_espressifs_gcc_pass_the_very_same_tests():
    if os.environ.get(compilers.GCC_VARIABLE):
        pytest.skip("these are the tests of its modules")
    if shutil.which(compilers.ARCHS["xtensawin"].compiler) is None:
        pytest.skip("no Espressif GCC here; modules are made by LLVM, which the other tests ran")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    environment = {**os.environ, compilers.GCC_VARIABLE: "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
