# SPDX-License-Identifier: Apache-2.0
"""The very rv32imc .mpy files on a RISC-V machine in QEMU: the self-test's values come out."""

import json

import numpy as np
import pytest
from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model
from typer.testing import CliRunner
from workbench import model_cli, natmod, rv32, selftest, sound, zoo
from workbench.paths import FIRMWARE
from workbench.system import provide


@pytest.fixture(scope="module", autouse=True)
def _tools():
    if missing := provide([rv32.PROGRAM, "riscv64-unknown-elf-gcc"]):
        pytest.skip(missing)


@pytest.fixture
def board():
    with rv32.started() as started:
        yield started


def test_the_native_modules_compute_what_the_core_computes(board):
    model = f"{selftest.MODEL}.tflite"
    files = {model: zoo.find(selftest.MODEL).read_bytes()}
    for module in natmod.native_modules():
        files[f"{module}.mpy"] = natmod.build(module, "rv32imc", say=print).read_bytes()
    rv32.mount(board, files)
    assert "/rom/" in board.run("import os, micdsp; print(os.getcwd() + '/', micdsp.__file__)")
    report = selftest.run(board, model)
    assert set(report["tflm"]) == {"model", "outputs"}


def test_a_model_runs_there_as_it_does_here(tmp_path):
    inputs = tmp_path / "inputs"
    inputs.write_bytes(np.random.default_rng(2).bytes(120 * 20))
    results = []
    for where in ("host", "rv32"):
        output = tmp_path / where
        arguments = ["run", "okay_nabu", "--input", inputs, "--output", output, "--board", where]
        done = CliRunner().invoke(model_cli.app, [str(word) for word in arguments])
        assert done.exit_code == 0, done.output
        results.append(output.read_bytes())
    assert len(results[0]) == 20
    assert results[0] == results[1]


# The firmware's own detector, hop by hop over the sound; prints at which hops the word began.
DETECT = """
import json, sys
class glasses:
    models = None
sys.modules["glasses"] = glasses
import micdsp, wake
with open("okay_nabu.json") as file:
    manifest = json.load(file)
with open("okay_nabu.tflite", "rb") as file:
    detector = wake.Detector("okay_nabu", manifest, file.read())
frontend, features = micdsp.Frontend(), bytearray(2 * micdsp.CHANNELS)
hop, heard, at = bytearray(2 * micdsp.HOP_SAMPLES), [], 0
with open("sound", "rb") as file:
    while file.readinto(hop) == len(hop):
        if frontend.process(hop, features) and detector.push(frontend, features):
            heard.append(at)
        at += 1
print(json.dumps([heard, at]))
"""


def test_it_hears_the_wake_word(board):
    said = np.concatenate(
        [sound.silence(0.5), sound.speech("okay nabu", "en-us"), sound.silence(0.5)]
    )
    said = sound.mix(said, sound.noise(len(said) / sound.SAMPLE_RATE_HZ, 60, 1))
    other = sound.speech("the weather is nice today", "en-us")
    expected = MicroWakeWord.from_builtin(Model.OKAY_NABU)
    model = zoo.find("okay_nabu")
    files = {
        "okay_nabu.tflite": model.read_bytes(),
        "okay_nabu.json": json.dumps(zoo.manifest("okay_nabu")).encode(),
        "wake.py": (FIRMWARE / "glasses" / "wake.py").read_bytes(),
        "sound": np.concatenate([other, said]).astype("<i2").tobytes(),
    }
    for module in natmod.native_modules():
        files[f"{module}.mpy"] = natmod.build(module, "rv32imc", say=print).read_bytes()
    rv32.mount(board, files)
    heard, hops = json.loads(board.run(DETECT, rv32.RUN_TIMEOUT_S))
    oracle, features = [], MicroWakeWordFeatures()
    for number, row in enumerate(features.process_streaming(files["sound"])):
        if expected.process_streaming(row):
            oracle.append(number)
    assert hops == len(files["sound"]) // 320
    # Its first row ends with the third hop; it says so for as long as the word is above its cutoff.
    assert heard == [oracle[0] + 2]
    assert heard[0] > len(other) // 160
