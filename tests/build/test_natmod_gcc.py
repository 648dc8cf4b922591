# SPDX-License-Identifier: Apache-2.0
"""Tests building the modules with Espressif's GCC: on request, kept apart, and tested alike.

That GCC is in no package of Debian or PyPI. A stand-in takes its command line here, and runs LLVM.
This shows that the compiler is a parameter of the tests; it shows nothing about GCC's code.
"""

import os
import shutil
import subprocess
import sys

import pytest
from workbench.build import compilers, natmod
from workbench.paths import ROOT
from workbench.runners import xtensa

NAME = compilers.ARCHS["xtensawin"].compiler
STAND_IN = """
import sys
from pathlib import Path
from workbench.build import compilers

llvm, arguments = compilers.xtensa_llvm(), sys.argv[1:]
with open({calls!r}, "a") as calls:
    print(*arguments, file=calls)
if "--print-libgcc-file-name" in arguments:
    print({libgcc!r})
    sys.exit()
at = arguments.index("-o")
output = Path(arguments[at + 1])
del arguments[at : at + 2]
if "-c" in arguments:
    source = Path(arguments.pop())
    part = "-ffunction-sections" in arguments
    (llvm.compile_part if part else llvm.compile)(
        source, output, [word for word in arguments if word not in ("-c", "-fpic")]
    )
else:
    keep = [word.rpartition(",")[2] for word in arguments if word.startswith("-Wl,-u")]
    llvm.merge([Path(word) for word in arguments if word.endswith(".o")], output, keep)
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Puts a compiler of that name on PATH; returns the file that records its calls."""
    llvm = compilers.xtensa_llvm()
    if llvm is None:
        pytest.skip("no LLVM with the Xtensa back end")
    calls, libgcc = tmp_path / "calls", tmp_path / "libgcc.a"
    objects = []
    for source in natmod.LLVM_RUNTIME:
        objects.append(tmp_path / f"{source.stem}.o")
        llvm.compile(source, objects[-1], ["-std=c99", "-Oz"])
    subprocess.run([llvm.archiver, "rc", libgcc, *objects], check=True)
    script = tmp_path / NAME
    source = STAND_IN.format(calls=str(calls), libgcc=str(libgcc))
    script.write_text(f"#!{sys.executable}\n{source}")
    script.chmod(0o755)
    (tmp_path / NAME.replace("gcc", "ar")).symlink_to(llvm.archiver)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return calls


def test_it_is_used_only_where_it_is_asked_for(stand_in, monkeypatch):
    assert compilers.find_compiler("xtensawin").llvm_mc
    monkeypatch.setenv(compilers.GCC_VARIABLE, "1")
    assert compilers.find_compiler("xtensawin") == compilers.Compiler((NAME,))


def test_its_modules_lie_apart(stand_in, monkeypatch):
    usual = natmod.build("micdsp", "xtensawin", say=print)
    monkeypatch.setenv(compilers.GCC_VARIABLE, "1")
    shutil.rmtree(usual.parent.with_name("xtensawin-gcc"), ignore_errors=True)
    its = natmod.build("micdsp", "xtensawin", say=print)
    assert its != usual
    assert "micdsp" in stand_in.read_text()
    assert natmod.size(its).text


@pytest.mark.sweep
def test_its_modules_go_through_the_same_tests(stand_in):
    if lacking := xtensa.missing():
        pytest.skip(lacking)
    tests = ROOT / "tests" / "runners" / "test_xtensa.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests]
    done = subprocess.run(
        [*command, "-k", "test_the_modules_of_espressifs_gcc"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert "tflm" in stand_in.read_text()
