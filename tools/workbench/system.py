# SPDX-License-Identifier: Apache-2.0
"""Installs the programs that the workbench calls, and reports steps on the terminal.

The Makefile runs this module before any package is installed, so it uses only the standard library.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator

Say = Callable[[str], None]

# Debian's packages for each program; Ubuntu uses the same names. "venv" is Python's module, which
# Debian splits off from its Python.
PACKAGES = {
    "arm-none-eabi-gcc": ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi"),
    "c++": ("g++",),
    "cc": ("gcc", "libc6-dev"),
    "chromium": ("chromium",),
    "dbus-daemon": ("dbus-daemon",),
    "festival": ("festival", "festvox-kallpc16k", "festvox-kdlpc16k", "festvox-us-slt-hts"),
    "flite": ("flite",),
    "git": ("git",),
    "make": ("make",),
    "mosquitto": ("mosquitto",),
    "mmdebstrap": ("mmdebstrap", "debian-archive-keyring"),
    "qemu-system-arm": ("qemu-system-arm",),
    "qemu-system-riscv32": ("qemu-system-misc",),
    "qemu-system-x86_64": ("qemu-system-x86",),
    "riscv64-unknown-elf-gcc": (
        "gcc-riscv64-unknown-elf",
        "picolibc-riscv64-unknown-elf",
    ),
    "tshark": ("tshark",),
    "venv": (f"python3.{sys.version_info.minor}-venv",),
}
# The purpose of each program, shown before it is installed.
PURPOSES = {
    "arm-none-eabi-gcc": "compiles for Cortex-M",
    "c++": "compiles pyworld for `glint train`",
    "cc": "compiles for this machine",
    "chromium": "shows the dashboard to its test",
    "dbus-daemon": "stands beside BlueZ in tests",
    "festival": "speaks for `glint train`",
    "flite": "speaks for `glint train`",
    "git": "fetches MicroPython's source",
    "make": "builds MicroPython",
    "mosquitto": "is the broker that `glint listen --mqtt` is tested with",
    "mmdebstrap": "unpacks the guest of `make bluez`",
    "qemu-system-arm": "emulates Cortex-M boards",
    "qemu-system-riscv32": "emulates RISC-V boards",
    "qemu-system-x86_64": "runs the guest of `make bluez`",
    "riscv64-unknown-elf-gcc": "compiles for RISC-V",
    "tshark": "reads the radio's captures in a test",
    "venv": "makes .venv",
}


def say_step(line: str) -> None:
    """Reports a step on standard error; standard output is left to data for programs."""
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def steps() -> Iterator[Say]:
    """Yields a `say` for slow steps, which prints a line for each, on a tty with a spinner."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield say_step
        return
    said: list[str] = []
    status = console.status("")

    def say(line: str) -> None:
        console.print(*said[-1:], soft_wrap=True, end="\n" if said else "")
        said.append(line)
        status.update(line)
        status.start()

    try:
        yield say
    finally:
        status.stop()
        console.print(*said[-1:], soft_wrap=True, end="\n" if said else "")


def _there(tool: str) -> bool:
    if tool == "venv":
        return importlib.util.find_spec("ensurepip") is not None
    return shutil.which(tool) is not None


def provide(tools: Iterable[str], say: Say = say_step) -> str:
    """Makes sure that programs are installed; installs missing ones if it runs as root.

    Returns:
        What the user must do if installing is not possible; empty if all programs are there.
    """
    missing = [tool for tool in tools if not _there(tool)]
    if not missing:
        return ""
    names = ", ".join(missing)
    if shutil.which("apt-get") is None:
        return f"not found: {names}. Install them with your system's packages"
    packages = sorted({package for tool in missing for package in PACKAGES[tool]})
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if os.geteuid() == 0:
        for tool in missing:
            say(f"installing {', '.join(PACKAGES[tool])}: {tool} {PURPOSES[tool]}")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], install):
            subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
        importlib.invalidate_caches()
        if all(map(_there, missing)):
            return ""
    return f"not found: {names}. Run: sudo {' '.join(install)}"


if __name__ == "__main__":
    sys.exit(provide(sys.argv[1:]) or 0)
