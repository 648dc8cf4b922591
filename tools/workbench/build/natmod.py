# SPDX-License-Identifier: Apache-2.0
"""Builds the C modules as native .mpy files, for boards whose image does not have them built in.

`python -m workbench.build.natmod ARCH [MODULE...]` writes build/natmod/ARCH/MODULE.mpy. With
--models it writes one to build/natmod/ARCH-models that has only the operators these models need.
MicroPython's own tools/mpy_ld.py links them, as in its py/dynruntime.mk, but for several source
files, and with another compiler where the usual one is missing.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.build import compilers, sources, xtensa_asm, zoo
from workbench.errors import WorkbenchError
from workbench.host import tflm
from workbench.paths import BUILD, MODULES, NATIVE, locked
from workbench.system import Say, steps

LIBC = MODULES / "native" / "libc.c"
# Runtime functions that LLVM's code for Xtensa calls; LLVM has no library with them.
LLVM_RUNTIME = [MODULES / "native" / f"{name}.c" for name in ("divsf3", "divdi3")]


# Types whose arithmetic can be left out of tflm, as its macros name them.
OPTIONAL_TYPES = ("FLOAT32", "INT16", "INT4")
# Leaves the kernels for ESP32-S3's vector unit out of tflm: for an ESP32, or to save memory.
WITHOUT_VECTORS = "TFLM_WITHOUT_VECTORS"

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
        arch: One of `compilers.ARCHS`.
        say: Called with a line for each step.
        defines: Macros for the C compiler, NAME or NAME=VALUE.
        tag: Tells builds with different macros apart.

    Raises:
        CompilerError: There is no compiler, or it failed.
        WorkbenchError: MicroPython's source cannot be obtained.
    """
    ready = NATIVE / arch / f"{module}.mpy"
    if ready.exists() and not defines:
        return ready
    compiler = compilers.find_compiler(arch)
    tree = sources.micropython(say)
    if compilers.ARCHS[arch].llvm and not compiler.llvm_mc:
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
    module: str,
    arch: str,
    compiler: compilers.Compiler,
    tree: Path,
    product: Path,
    defines: Sequence[str],
) -> None:
    folder = MODULES / module
    objects = product.parent / module
    objects.mkdir(parents=True, exist_ok=True)
    config = objects / "config.h"
    # mpy_ld.py iterates over sets, whose order changes from run to run unless the hash seed is set.
    linker: list[str | Path] = ["env", "PYTHONHASHSEED=0", sys.executable]
    linker += [tree / "tools" / "mpy_ld.py", "--arch", arch]
    named = sorted(folder.glob("*.c"))
    compilers.run([*linker, "--preprocess", "-o", config, *named], "reading the names failed")
    flags = [*CFLAGS, *compilers.WARNINGS, *(f"-D{define}" for define in defines)]
    flags += ["-isystem", str(tree), "-I", str(folder), "-I", str(folder / "core")]
    flags += [f"-DMP_CONFIGFILE=<{config}>"]
    flags += [f"-DMICROPY_FLOAT_IMPL=MICROPY_FLOAT_IMPL_{compilers.ARCHS[arch].float_impl}"]

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
    compilers.run([compiler.archiver, "rc", library, *support], "ar failed")
    libraries: list[str | Path] = ["-l", library]
    if not compiler.llvm_mc and arch != "x64":
        ask = [*compiler.command, "--print-libgcc-file-name"]
        libraries += ["-l", compilers.run(ask, "gcc failed").strip()]
    # The linker writes the given name into the file; a bare name makes builds reproducible.
    linked = objects / product.name
    link = [*linker, *libraries, "--qstrs", config, "-o", linked.name, whole]
    report = compilers.run(link, f"{module} did not link", cwd=objects)
    linked.replace(product)
    product.with_suffix(".size").write_text(report)


def _up_to_date(product: Path, stamp: Path, made_with: str) -> bool:
    """Whether a product has these settings and is newer than its sources and the tools."""
    if not product.exists() or not stamp.exists() or stamp.read_text() != made_with:
        return False
    folder = MODULES / product.stem
    made_of = [*folder.glob("**/*.[ch]"), *LIBC.parent.glob("*.c")]
    made_of += [Path(__file__), Path(compilers.__file__), Path(xtensa_asm.__file__)]
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
    parser.add_argument("arch", choices=compilers.ARCHS)
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
