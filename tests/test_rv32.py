# SPDX-License-Identifier: Apache-2.0
"""The very rv32imc .mpy files on a RISC-V machine in QEMU: the self-test's values come out."""

import numpy as np
import pytest
import wake_word_case
from typer.testing import CliRunner
from workbench import model_cli, natmod, rv32, selftest, zoo
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


def test_it_hears_the_wake_word(board):
    files, hop = wake_word_case.files()
    modules = {
        f"{module}.mpy": natmod.build(module, "rv32imc", say=print).read_bytes()
        for module in natmod.native_modules()
    }
    rv32.mount(board, files | modules)
    wake_word_case.check(board.run(wake_word_case.DETECT, rv32.RUN_TIMEOUT_S), files, hop)
