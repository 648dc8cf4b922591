# SPDX-License-Identifier: Apache-2.0
"""Builds the C modules as native .mpy files, for boards whose image does not have them built in.

`python -m workbench.build.natmod ARCH [MODULE...]` writes build/natmod/ARCH/MODULE.mpy. With
--models it writes one to build/natmod/ARCH-models that has only the operators these models need.
MicroPython's own tools/mpy_ld.py links them, as in its py/dynruntime.mk, but for several source
files, and with another compiler where the usual one is missing.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.build import sources, xtensa_asm, zoo
from workbench.errors import WorkbenchError
from workbench.host import tflm
from workbench.paths import BUILD, MODULES, NATIVE, locked
from workbench.system import Say, steps

LIBC = MODULES / "native" / "libc.c"
# Runtime functions that LLVM's code for Xtensa calls; LLVM has no library with them.
LLVM_RUNTIME = [MODULES / "native" / f"{name}.c" for name in ("divsf3", "divdi3")]


class NatmodError(WorkbenchError):
    """A native module did not build, or has become too large."""


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

# Types whose arithmetic can be left out of tflm, as its macros name them.
OPTIONAL_TYPES = ("FLOAT32", "INT16", "INT4")
# Leaves the kernels for ESP32-S3's vector unit out of tflm: for an ESP32, or to save memory.
WITHOUT_VECTORS = "TFLM_WITHOUT_VECTORS"

WARNINGS = ("-Wall", "-Wextra", "-Werror")
CFLAGS = (
    *("-std=c99", "-DNDEBUG", "-DNO_QSTR", "-DMICROPY_ENABLE_DYNRUNTIME=1"),
    *("-fno-common", "-U_FORTIFY_SOURCE"),
)


@dataclass(frozen=True)
class Size:
    """What a native module takes on the board, in bytes.

    Attributes:
        text: Machine code; on an ESP32-S3 it needs one block of executable RAM.
        rodata: Constants, on the heap.
        bss: Variables, on the heap.
        file: The .mpy itself.
    """

    text: int
    rodata: int
    bss: int
    file: int


def run(command: Sequence[str | Path], what: str, cwd: Path | None = None) -> str:
    """Runs a program of the build; returns what it printed.

    Raises:
        NatmodError: It failed; the message holds `what` and what it printed.
    """
    words = list(map(str, command))
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode:
        raise NatmodError(f"{what}:\n{done.stdout}{done.stderr}".rstrip())
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
            NatmodError: The compiler refused it; the message holds what it printed.
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
            NatmodError: The linker or, as optimising is done here, LLVM refused them.
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
        passes = "-passes=internalize,globaldce,lto<Oz>,mergefunc,globaldce"
        run([tools / "opt", passes, public, "-o", reduced, joined], what)
        self.compile(reduced, output, ["-Oz", "-fomit-frame-pointer", "-Qunused-arguments"])

    def compile_part(self, source: Path, output: Path, flags: Sequence[str]) -> None:
        """Compiles one file into an object for `merge`.

        Raises:
            NatmodError: The compiler refused it; the message holds what it printed.
        """
        if not self.llvm_mc:
            self.compile(source, output, [*flags, "-ffunction-sections", "-fdata-sections"])
            return
        command = [*self.command, *flags, "-fomit-frame-pointer", "-emit-llvm", "-c"]
        run([*command, "-o", output, source], f"{source.name} did not compile")


def assemble(compiler: Compiler, source: Path, output: Path) -> None:
    """Assembles a file with LLVM for Xtensa.

    Raises:
        NatmodError: The assembler refused it.
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
        NatmodError: There is none; the message says what to install.
    """
    arch = ARCHS[name]
    if arch.llvm and not os.environ.get(GCC_VARIABLE):
        compiler = xtensa_llvm()
        if compiler is None:
            raise NatmodError(
                f"no compiler for {name}; on Debian: apt-get install {arch.package} "
                "picolibc-riscv64-unknown-elf"
            )
        return compiler
    if shutil.which(arch.compiler) is None:
        raise NatmodError(
            f"no compiler for {name}; install {arch.compiler}, or on Debian: "
            f"apt-get install {arch.package}"
        )
    return Compiler((arch.compiler, *arch.flags))


def optimisation(arch: str, source: Path) -> list[str]:
    """Optimises the hot files of tflm for speed and the others for size."""
    if "tflm" not in source.parts:
        return ["-O2"] if source.parent.name == "core" else ["-Os"]
    if arch == "xtensawin":  # Executable RAM is scarce there.
        return ["-Oz"]
    return ["-O2"] if source.stem in makefile_words("HOT") else makefile_words("SMALL")


def makefile_words(name: str) -> list[str]:
    """What tflm's makefile first sets TFLM_`name` to: HOT are the files that most of an inference
    is spent in, SMALL are GCC's options for the others."""
    makefile = (MODULES / "tflm" / "micropython.mk").read_text()
    found = re.search(rf"(?m)^TFLM_{name} := (.*)$", makefile)
    assert found
    return found[1].split()


def native_modules() -> list[str]:
    """The modules of firmware/modules that can be built as native .mpy files."""
    return sorted(path.parent.name for path in MODULES.glob("*/natmod.c"))


def build(module: str, arch: str, *, say: Say, defines: Sequence[str] = (), tag: str = "") -> Path:
    """Builds a module and returns the path of its .mpy file; a .size file lies beside it.

    An installed workbench contains the complete modules ready-made, and needs no compiler for them.

    Args:
        module: Folder below firmware/modules.
        arch: One of `ARCHS`.
        say: Called with a line for each step.
        defines: Macros for the C compiler, NAME or NAME=VALUE.
        tag: Tells builds with different macros apart.

    Raises:
        NatmodError: There is no compiler, or it failed.
        WorkbenchError: MicroPython's source cannot be obtained.
    """
    ready = NATIVE / arch / f"{module}.mpy"
    if ready.exists() and not defines:
        return ready
    compiler = find_compiler(arch)
    tree = sources.micropython(say)
    if ARCHS[arch].llvm and not compiler.llvm_mc:
        tag += "-gcc"  # kept apart from LLVM's builds, which are distributed
    output = BUILD / "natmod" / f"{arch}{tag}"
    product = output / f"{module}.mpy"
    stamp = output / module / "stamp"
    made_with = repr((compiler.command, defines))
    with locked(output / f"{module}.lock"):
        if not _up_to_date(product, stamp, made_with):
            _build(module, arch, compiler, tree, product, defines)
            stamp.write_text(made_with)
    return product


def _build(
    module: str, arch: str, compiler: Compiler, tree: Path, product: Path, defines: Sequence[str]
) -> None:
    folder = MODULES / module
    objects = product.parent / module
    objects.mkdir(parents=True, exist_ok=True)
    config = objects / "config.h"
    # mpy_ld.py iterates over sets, whose order changes from run to run unless the hash seed is set.
    linker: list[str | Path] = ["env", "PYTHONHASHSEED=0", sys.executable]
    linker += [tree / "tools" / "mpy_ld.py", "--arch", arch]
    named = sorted(folder.glob("*.c"))
    run([*linker, "--preprocess", "-o", config, *named], "reading the names failed")
    flags = [*CFLAGS, *WARNINGS, *(f"-D{define}" for define in defines)]
    flags += ["-isystem", str(tree), "-I", str(folder), "-I", str(folder / "core")]
    flags += [f"-DMP_CONFIGFILE=<{config}>"]
    flags += [f"-DMICROPY_FLOAT_IMPL=MICROPY_FLOAT_IMPL_{ARCHS[arch].float_impl}"]

    parts = []
    for source in [folder / "natmod.c", *sorted((folder / "core").glob("**/*.c"))]:
        parts.append(objects / "_".join(source.relative_to(MODULES).with_suffix(".o").parts))
        compiler.compile_part(source, parts[-1], [*flags, *optimisation(arch, source)])
    whole = objects / f"{module}.o"
    compiler.merge(parts, whole, ["mpy_init"])
    # From a library the linker takes only the objects that something refers to.
    library = objects / "library.a"
    library.unlink(missing_ok=True)
    support = []
    for source in [LIBC, *(LLVM_RUNTIME if compiler.llvm_mc else [])]:
        support.append(objects / f"{source.stem}.o")
        compiler.compile(source, support[-1], [*flags, "-Oz" if compiler.llvm_mc else "-Os"])
    run([compiler.archiver, "rc", library, *support], "ar failed")
    libraries: list[str | Path] = ["-l", library]
    if not compiler.llvm_mc and arch != "x64":
        libgcc = run([*compiler.command, "--print-libgcc-file-name"], "gcc failed").strip()
        libraries += ["-l", libgcc]
    # The linker writes the given name into the file; a bare name makes builds reproducible.
    linked = objects / product.name
    link = [*linker, *libraries, "--qstrs", config, "-o", linked.name, whole]
    report = run(link, f"{module} did not link", cwd=objects)
    linked.replace(product)
    product.with_suffix(".size").write_text(report)


def _up_to_date(product: Path, stamp: Path, made_with: str) -> bool:
    """Whether a product has these settings and is newer than its sources and the tools."""
    if not product.exists() or not stamp.exists() or stamp.read_text() != made_with:
        return False
    folder = MODULES / product.stem
    made_of = [*folder.glob("**/*.[ch]"), *LIBC.parent.glob("*.c")]
    made_of += [Path(__file__), Path(xtensa_asm.__file__)]
    return product.stat().st_mtime > max(path.stat().st_mtime for path in made_of)


def without(models: Sequence[str], mirror: Path | None) -> list[str]:
    """Returns the macros that leave out of tflm all operators and types that no given model uses.

    Raises:
        WorkbenchError: A model cannot be obtained or run.
    """
    used: set[str] = set()
    for model in models:
        data = zoo.find(model, mirror).read_bytes()
        used |= set(tflm.operators(data))
        types = tflm.Model(data, flags=tflm.KEEP_ALL).types()
        used |= {dtype.upper() for dtype in types}
    known = [*tflm.supported(), *OPTIONAL_TYPES]
    return [f"TFLM_WITHOUT_{name}" for name in known if name not in used]


def size(product: Path) -> Size:
    """Returns the sizes that `build` recorded for a .mpy file."""
    report = product.with_suffix(".size").read_text()
    found = dict(re.findall(r"(?m)^(text|rodata|bss) size:\s+(\d+)$", report))
    text, rodata, bss = (int(found.get(name, 0)) for name in ("text", "rodata", "bss"))
    return Size(text, rodata, bss, product.stat().st_size)


def main(arguments: list[str]) -> int:
    """Builds the modules and prints their sizes; the exit status is 1 if one did not build."""
    parser = argparse.ArgumentParser(prog="python -m workbench.build.natmod", description=__doc__)
    parser.add_argument("arch", choices=ARCHS)
    parser.add_argument("module", nargs="*", help="[default: all]")
    parser.add_argument("--models", nargs="+", help="leave out the operators that none of them has")
    parser.add_argument("--mirror", type=Path, help="folder to look for models in")
    options = parser.parse_args(arguments)
    try:
        with steps() as say:
            defines = without(options.models, options.mirror) if options.models else []
            tag = "-models" if options.models else ""
            for module in options.module or native_modules():
                product = build(module, options.arch, say=say, defines=defines, tag=tag)
                took = size(product)
                print(
                    f"{product}: {took.text} bytes of code, {took.rodata} of constants, "
                    f"{took.bss} of variables, {took.file} in the file"
                )
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
