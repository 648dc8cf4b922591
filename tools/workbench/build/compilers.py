# SPDX-License-Identifier: Apache-2.0
"""The C compilers of MicroPython's native architectures."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.build import xtensa_asm
from workbench.errors import WorkbenchError

WARNINGS = ("-Wall", "-Wextra", "-Werror")


class CompilerError(WorkbenchError):
    """There is no compiler, or it or another program of the build failed."""


@dataclass(frozen=True)
class Arch:
    """How to compile for one of MicroPython's native architectures.

    Attributes:
        compiler: Name of the compiler to look for.
        package: Debian's package that contains it.
        flags: For the compiler.
        float_impl: How the module represents a Python float.
        llvm: LLVM's back end is used, unless GLINT_XTENSA_GCC asks for that compiler.
    """

    compiler: str
    package: str
    flags: tuple[str, ...]
    float_impl: str = "FLOAT"
    llvm: bool = False


ARCHS = {
    "x64": Arch("gcc", "gcc", ("-fno-stack-protector",), "DOUBLE"),
    "armv7emsp": Arch(
        "arm-none-eabi-gcc",
        "gcc-arm-none-eabi",
        ("-mthumb", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
    ),
    "rv32imc": Arch(
        "riscv64-unknown-elf-gcc",
        "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
        ("-march=rv32imac", "-mabi=ilp32", "-mno-relax", "--specs=picolibc.specs"),
    ),
    # Distributed modules are LLVM's code, which is what the tests run: see GCC_VARIABLE.
    "xtensawin": Arch("xtensa-esp32s3-elf-gcc", "clang-22 llvm-22", (), llvm=True),
}

# If this is set, Espressif's GCC builds the modules. Only the tests set it, where that compiler is
# installed; modules that no test has run are never distributed.
GCC_VARIABLE = "GLINT_XTENSA_GCC"

# The options of an ESP32-S3's core, by LLVM's names.
XTENSA_FEATURES = (
    *("windowed", "density", "fp", "loop", "mul16", "mac16", "mul32", "mul32high", "div32"),
    *("nsa", "sext", "minmax", "clamps", "bool", "coprocessor", "s32c1i", "threadptr", "exception"),
)
# LLVM has no C library for Xtensa; only declarations are needed, so another machine's headers do.
LIBC_HEADERS = (
    Path("/usr/lib/picolibc/riscv64-unknown-elf/include"),
    Path("/usr/lib/arm-none-eabi/include"),
    Path("/usr/include/newlib"),
)


def run(command: Sequence[str | Path], what: str, cwd: Path | None = None) -> str:
    """Runs a program of the build; returns what it printed.

    Raises:
        CompilerError: It failed; the message holds `what` and what it printed.
    """
    words = list(map(str, command))
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode:
        raise CompilerError(f"{what}:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


@dataclass(frozen=True)
class Compiler:
    """A C compiler for one architecture; `llvm_mc` is LLVM's assembler where it is LLVM's."""

    command: tuple[str, ...]
    llvm_mc: str = ""

    @property
    def archiver(self) -> str:
        """The program that makes libraries of its objects."""
        if self.llvm_mc:
            return str(Path(self.llvm_mc).with_name("llvm-ar"))
        return self.command[0].removesuffix("gcc") + "ar"

    def compile(self, source: Path, output: Path, flags: Sequence[str]) -> None:
        """Compiles one file into an object that mpy_ld.py can link.

        Raises:
            CompilerError: The compiler refused it; the message holds what it printed.
        """
        what = f"{source.name} did not compile"
        if not self.llvm_mc:
            run([*self.command, *flags, "-fpic", "-c", "-o", output, source], what)
            return
        assembly = output.with_suffix(".s")
        # Without these options LLVM loads addresses before a loop that calls them, lays code out
        # for speed, and keeps several pointers instead of one and a counter: that takes 3 %, 1 %
        # and 0.5 % more.
        passes = ("-disable-machine-licm", "-disable-block-placement", "-disable-lsr")
        small = [word for name in passes for word in ("-mllvm", name)]
        run([*self.command, *flags, *small, "-S", "-o", assembly, source], what)
        assembly.write_text(xtensa_asm.normalise(assembly.read_text()))
        assemble(self, assembly, output)
        xtensa_asm.fit_relocations(output)

    def merge(self, objects: Sequence[Path], output: Path, keep: Sequence[str]) -> None:
        """Merges objects into one, dropping what the functions in `keep` do not need.

        Args:
            objects: As `compile_part` made them.
            output: The object that mpy_ld.py can link.
            keep: The functions that others call.

        Raises:
            CompilerError: The linker or, as optimising is done here, LLVM refused them.
        """
        what = f"{output.stem} did not link"
        if not self.llvm_mc:
            roots = [f"-Wl,-u,{name}" for name in keep]
            command = [word for word in self.command if not word.startswith("--specs")]
            link = [*command, "-r", "-nostdlib", "-Wl,--gc-sections", f"-Wl,-e,{keep[0]}"]
            run([*link, *roots, "-o", output, *objects], what)
            return
        tools = Path(self.llvm_mc).parent
        joined, reduced = output.with_suffix(".joined.bc"), output.with_suffix(".reduced.bc")
        run([tools / "llvm-link", "-o", joined, *objects], what)
        public = f"--internalize-public-api-list={','.join(keep)}"
        # What several files have from headers is merged before each copy is fitted to its calls.
        passes = "-passes=internalize,globaldce,mergefunc,lto-pre-link<Oz>,mergefunc,lto<Oz>"
        passes += ",mergefunc,globaldce"
        run([tools / "opt", passes, public, "-o", reduced, joined], what)
        self.compile(reduced, output, ["-Oz", "-fomit-frame-pointer", "-Qunused-arguments"])

    def compile_part(self, source: Path, output: Path, flags: Sequence[str]) -> None:
        """Compiles one file into an object for `merge`.

        Raises:
            CompilerError: The compiler refused it; the message holds what it printed.
        """
        if not self.llvm_mc:
            self.compile(source, output, [*flags, "-ffunction-sections", "-fdata-sections"])
            return
        command = [*self.command, *flags, "-fomit-frame-pointer", "-emit-llvm", "-c"]
        command += ["-Xclang", "-disable-llvm-passes"]  # `merge` optimises all files at once
        run([*command, "-o", output, source], f"{source.name} did not compile")


def assemble(compiler: Compiler, source: Path, output: Path) -> None:
    """Assembles a file with LLVM for Xtensa.

    Raises:
        CompilerError: The assembler refused it.
    """
    command = [compiler.llvm_mc, "-triple=xtensa", "-mcpu=esp32", "-filetype=obj"]
    run([*command, source, "-o", output], f"{source.name} did not assemble")


def _llvm() -> Path | None:
    """Returns the bin folder of an LLVM with the Xtensa back end, or None."""
    folders = sorted(Path("/usr/lib").glob("llvm-*/bin"), reverse=True)
    found = shutil.which("clang")
    for folder in [*folders, *([Path(found).resolve().parent] if found else [])]:
        if (folder / "clang").exists() and (folder / "llvm-mc").exists():
            targets = run([folder / "llvm-mc", "--version"], "llvm-mc failed")
            if re.search(r"(?m)^\s+xtensa\b", targets):
                return folder
    return None


def xtensa_llvm(features: Sequence[str] = XTENSA_FEATURES) -> Compiler | None:
    """Returns LLVM's compiler for an Xtensa core, or None if it or its headers are missing."""
    folder = _llvm()
    headers = [path for path in LIBC_HEADERS if path.is_dir()]
    if folder is None or not headers:
        return None
    resources = run([folder / "clang", "-print-resource-dir"], "clang failed").strip()
    command = [str(folder / "clang"), "--target=xtensa", "-ffreestanding", "-fno-jump-tables"]
    command += ["-nostdinc", "-isystem", f"{resources}/include", "-isystem", str(headers[0])]
    for feature in features:
        command += ["-Xclang", "-target-feature", "-Xclang", f"+{feature}"]
    return Compiler(tuple(command), str(folder / "llvm-mc"))


def find_compiler(name: str) -> Compiler:
    """Returns the compiler for an architecture.

    Raises:
        CompilerError: There is none; the message says what to install.
    """
    arch = ARCHS[name]
    if arch.llvm and not os.environ.get(GCC_VARIABLE):
        compiler = xtensa_llvm()
        if compiler is None:
            raise CompilerError(
                f"no compiler for {name}; on Debian: apt-get install {arch.package} "
                "picolibc-riscv64-unknown-elf"
            )
        return compiler
    if shutil.which(arch.compiler) is None:
        raise CompilerError(
            f"no compiler for {name}; install {arch.compiler}, or on Debian: "
            f"apt-get install {arch.package}"
        )
    return Compiler((arch.compiler, *arch.flags))
