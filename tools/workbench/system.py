# SPDX-License-Identifier: Apache-2.0
"""What the workbench asks of the machine: programs to call, and a terminal to report steps on."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator

from rich.console import Console

from workbench.errors import WorkbenchError

Say = Callable[[str], None]

# Debian's packages for each program; Ubuntu's have the same names.
PACKAGES = {
    "cc": ("gcc", "libc6-dev"),
    "git": ("git",),
    "make": ("make",),
}


class MissingToolError(WorkbenchError):
    """A program is missing and may not be installed from here; the message holds the command."""


def say_step(line: str) -> None:
    """Reports a step; standard output stays free for what a program reads."""
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def steps() -> Iterator[Say]:
    """Gives a `say` for steps that take a while: a line each, the last with a spinner on a tty."""
    console = Console(stderr=True, highlight=False)
    with console.status("") if console.is_terminal else contextlib.nullcontext() as status:

        def say(line: str) -> None:
            console.print(line, soft_wrap=True)
            if status:
                status.update(line)

        yield say


def require(tools: Iterable[str], say: Say = say_step) -> None:
    """Makes sure that programs are there: installs missing ones as root, or says how to.

    Raises:
        MissingToolError: A program is missing and the user has to install it.
    """
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if not missing:
        return
    packages = sorted({package for tool in missing for package in PACKAGES[tool]})
    names = ", ".join(missing)
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if shutil.which("apt-get") is None:
        raise MissingToolError(f"not found: {names}. Install them with your system's packages")
    if os.geteuid() == 0:
        say(f"installing {', '.join(packages)} with apt-get ({names} not found)")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], install):
            subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
        if all(shutil.which(tool) for tool in missing):
            return
    raise MissingToolError(f"not found: {names}. Run: sudo {' '.join(install)}")


def main(tools: list[str]) -> int:
    """Runs `python -m workbench.system TOOL...`; the exit status is 1 when one is missing."""
    try:
        require(tools)
    except MissingToolError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
