# SPDX-License-Identifier: Apache-2.0
"""Compiles the C cores of firmware/modules for this machine and loads them with ctypes."""

from __future__ import annotations

import ctypes
import functools
import os
import subprocess
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.paths import BUILD, MODULES

CFLAGS = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
CFLAGS += ["-DTFLM_FOR_TOOLS=1"]


class CompileError(WorkbenchError):
    """The C compiler refused a module; the message holds what it printed."""


def build(module: str, *, extra_flags: tuple[str, ...] = (), tag: str = "") -> Path:
    """Compiles firmware/modules/MODULE/core/*.c into a shared library, if it is out of date.

    Args:
        module: Folder name below firmware/modules.
        extra_flags: Added to the compiler's command line, for example sanitizers.
        tag: Tells builds with different flags apart in the file name.

    Raises:
        CompileError: No compiler, or it failed.
    """
    core = MODULES / module / "core"
    library = BUILD / "host" / f"lib{module}{tag}.so"
    sources = sorted(core.glob("**/*.c"))
    newest = max(path.stat().st_mtime for path in [*sources, *core.glob("**/*.h")])
    if library.exists() and library.stat().st_mtime > newest:
        return library
    library.parent.mkdir(parents=True, exist_ok=True)
    unfinished = library.with_suffix(f".{os.getpid()}.tmp")
    compiler = os.environ.get("CC", "cc")
    command = [compiler, *CFLAGS, *extra_flags, "-I", str(core), "-o", str(unfinished)]
    try:
        done = subprocess.run(
            [*command, *map(str, sources)], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise CompileError(
            f"no C compiler: '{compiler}' was not found; install one (Debian: apt-get install gcc)"
        ) from None
    if done.returncode:
        raise CompileError(f"{module} did not compile:\n{done.stderr}")
    unfinished.replace(library)
    return library


@functools.cache
def load(module: str) -> ctypes.CDLL:
    """Builds (when out of date) and loads the library of a module.

    Raises:
        CompileError: No compiler, or it failed.
    """
    return ctypes.CDLL(str(build(module)))
