# SPDX-License-Identifier: Apache-2.0
"""Bounds the machine code of the runtime: on a Cortex-M4 with every int8 operator, and on a
Cortex-M55 with every type and the binding for MicroPython."""

import re
import shutil
import subprocess

import pytest
from workbench.build import compilers, micropython, natmod
from workbench.paths import MODULES
from workbench.runners import cortexm

LEFT_OUT = [f"-DTFLM_WITHOUT_{name}" for name in natmod.OPTIONAL_TYPES]
CODE_AND_CONSTANT_BYTES = 40 * 1024
M55_CODE_AND_CONSTANT_BYTES = 60 * 1024
CORE = MODULES / "tflm" / "core"


def test_the_core_stays_small(tmp_path):
    arch = compilers.ARCHS["armv7emsp"]
    compiler = arch.compiler
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler}")
    command = [compiler, *arch.flags, "-std=c99", "-DNDEBUG", *LEFT_OUT]
    sections = ["-ffunction-sections", "-fdata-sections"]
    objects = []
    for source in sorted(CORE.glob("**/*.c")):
        objects.append(tmp_path / "_".join(source.relative_to(CORE).with_suffix(".o").parts))
        fast = natmod.optimisation("armv7emsp", source)
        subprocess.run([*command, *sections, *fast, "-c", "-o", objects[-1], source], check=True)
    # All functions of tflm.h are kept; code of the compiler and the C library is not counted.
    offered = re.findall(r"\b(tflm_\w+)\(", (CORE / "tflm.h").read_text())
    link = ["-nostdlib", "-Wl,--gc-sections", "-Wl,--unresolved-symbols=ignore-all"]
    link += ["-Wl,-e,tflm_load", *(f"-Wl,-u,{name}" for name in offered)]
    image = tmp_path / "tflm.elf"
    subprocess.run([*command, *link, "-o", image, *objects], check=True, capture_output=True)
    size = compiler.removesuffix("gcc") + "size"
    report = subprocess.run([size, image], check=True, capture_output=True, text=True).stdout
    text, data, bss = map(int, report.splitlines()[1].split()[:3])
    assert text <= CODE_AND_CONSTANT_BYTES
    assert data == 0
    assert bss < 4  # The linker counts what aligns the end.


def test_the_runtime_of_a_cortex_m55_stays_small():
    micropython.ensure("corstone300")
    assert 0 < cortexm.tflm_text_bytes("corstone300") <= M55_CODE_AND_CONSTANT_BYTES
