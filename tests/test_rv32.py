# SPDX-License-Identifier: Apache-2.0
"""The very rv32imc .mpy files on a RISC-V machine in QEMU: the self-test's values come out."""

import pytest
from workbench import natmod, rv32, selftest, zoo
from workbench.system import provide


@pytest.fixture(scope="module")
def board():
    if missing := provide([rv32.PROGRAM, "riscv64-unknown-elf-gcc"]):
        pytest.skip(missing)
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
