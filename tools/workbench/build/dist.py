# SPDX-License-Identifier: Apache-2.0
"""Builds the Python distributions of the companion and the workbench: `make dist`.

The workbench's distribution carries the parts of the checkout that it needs once installed, and
native modules, built here and the same that the tests run, for every board that loads them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from workbench.build import natmod
from workbench.errors import WorkbenchError
from workbench.paths import BUILD, ROOT
from workbench.system import Say, steps

STAGE = BUILD / "dist"
CARRIED = ("boards", "firmware", "models")
# Architectures of boards that load native modules; other images have the C modules built in.
ARCHS = ("armv7emsp", "rv32imc", "xtensawin")


class DistError(WorkbenchError):
    """A distribution did not build."""


def _copy_tracked(folder: str, target: Path, prefix: str = "") -> None:
    """Copies the files below `prefix` of a folder that git tracks and that exist."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", folder], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        raise DistError(f"distributions are built in a checkout: {listed.stderr.strip()}")
    for name in filter(None, listed.stdout.split("\0")):
        copied = target / Path(name).relative_to(prefix)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copied)


def stage(say: Say) -> list[Path]:
    """Lays out the source of both distributions; returns their folders.

    Raises:
        DistError: This is not a checkout.
        compilers.CompilerError: A native module did not build.
    """
    shutil.rmtree(STAGE, ignore_errors=True)
    companion, workbench = STAGE / "companion", STAGE / "workbench"
    _copy_tracked("companion", companion, "companion")
    _copy_tracked("tools", workbench, "tools")
    data = workbench / "workbench" / "data"
    for carried in CARRIED:
        _copy_tracked(carried, data)
    for arch in ARCHS:
        (data / "native" / arch).mkdir(parents=True)
        for module in natmod.native_modules():
            product = natmod.build(module, arch, say=say)
            for made in (product, product.with_suffix(".size")):
                shutil.copyfile(made, data / "native" / arch / made.name)
    for folder in (companion, workbench):
        shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    return [companion, workbench]


def build(output: Path, say: Say) -> None:
    """Builds a source distribution and a wheel of each into `output`.

    Raises:
        WorkbenchError: As for `stage`, or a distribution did not build.
    """
    for folder in stage(say):
        say(f"building the distributions of {folder.name}")
        command = [sys.executable, "-m", "build", "--outdir", str(output), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DistError(f"{folder.name}: {(done.stdout + done.stderr)[-2000:].strip()}")


def main(arguments: list[str]) -> int:
    """Builds into the given folder and prints the files there."""
    output = Path(arguments[0])
    try:
        with steps() as say:
            build(output, say)
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 1
    print(*sorted(output.iterdir()), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
