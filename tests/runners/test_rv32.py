# SPDX-License-Identifier: Apache-2.0
"""Runs the rv32imc .mpy files on a RISC-V machine in QEMU: every byte is as on this machine."""

import hashlib

import numpy as np
import pytest
import tflm_cases
import tflm_conformance
import wake_word_case
from board_scripts import SCRIPTS
from typer.testing import CliRunner
from workbench.build import zoo
from workbench.cli import model as model_cli
from workbench.device import selftest
from workbench.runners import rv32
from workbench.system import provide


@pytest.fixture(scope="module", autouse=True)
def _tools():
    if missing := provide([rv32.PROGRAM, "riscv64-unknown-elf-gcc"]):
        pytest.skip(missing)


def test_the_native_modules_compute_what_the_core_computes():
    model = f"{selftest.MODEL}.tflite"
    with rv32.started({model: zoo.find(selftest.MODEL).read_bytes()}) as board:
        where = board.run("import os, micdsp; print(os.getcwd() + '/', micdsp.__file__)")
        assert "/rom/" in where
        report = selftest.run(board, model)
    assert set(report["tflm"]) == {"model", "outputs", "vectors"}


def test_every_case_of_every_operator_gives_the_same_bytes():
    asked, answers = tflm_conformance.asked(tflm_cases.CASES, tflm_conformance.COUNT)
    digests = {case: hashlib.sha256(data).digest()[:8] for case, data in answers.items()}
    given = rv32.Rv32().run(SCRIPTS / "model_cases.py", "digest", stdin=asked)
    assert tflm_conformance.different(given, digests) == []


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


def test_it_hears_the_wake_word():
    files, hop = wake_word_case.files()
    with rv32.started(files) as board:
        wake_word_case.check(board.run(wake_word_case.DETECT, rv32.RUN_TIMEOUT_S), files, hop)
