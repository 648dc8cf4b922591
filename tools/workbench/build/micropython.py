# SPDX-License-Identifier: Apache-2.0
"""Builds a board's MicroPython image, with the modules of firmware/modules built in.

`python -m workbench.build.micropython BOARD` builds as boards/BOARD/board.toml says, below
build/BOARD, and does nothing if no input has changed. --bare builds without the modules, below
build/BOARD-bare: such an image loads them as native .mpy files, as a stock MicroPython does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from workbench.build import sources
from workbench.errors import WorkbenchError
from workbench.paths import BOARDS, BUILD, MODULES, ROOT, locked
from workbench.system import Say, provide, say_step, steps

INPUT_SUFFIXES = frozenset({".c", ".h", ".s", ".S", ".ld", ".mk", ".toml", ".py"})
SHOWN_LINES = 12


class BuildError(WorkbenchError):
    """A board is unknown, or its image did not build; the message holds the compiler's lines."""


class MissingToolError(BuildError):
    """A program is missing and may not be installed from here; the message holds the command."""


@dataclass(frozen=True)
class Board:
    """The build part of a board.toml.

    Attributes:
        folder: boards/NAME.
        directory: Folder of the port's Makefile, with the placeholders of board.toml.
        make: Variables for make, with placeholders too.
        program: The image's file name in the build folder.
        tools: Programs that the build calls; see `workbench.system`.
        inputs: Source folders of the checkout, besides the modules and the board's own.
    """

    folder: Path
    directory: str
    program: str
    tools: list[str]
    make: dict[str, str] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        return self.folder.name

    @property
    def output(self) -> Path:
        """Where its image and objects are built."""
        return self.output_of(bare=False)

    def output_of(self, *, bare: bool) -> Path:
        """The folder of its image and objects; `bare` means the build without modules."""
        return BUILD / (f"{self.name}-bare" if bare else self.name)


def load_board(name: str) -> Board:
    """Reads boards/NAME/board.toml.

    Raises:
        BuildError: There is no such board, or it is not built from source.
    """
    known = sorted(path.parent.name for path in BOARDS.glob("*/board.toml"))
    if name not in known:
        raise BuildError(f"no board '{name}'; there are: {', '.join(known)}")
    folder = BOARDS / name
    table = tomllib.loads((folder / "board.toml").read_text())
    if "build" not in table:
        raise BuildError(f"board '{name}' has no image to build")
    return Board(folder=folder, **table["build"])


def glasses() -> list[str]:
    """The boards that can be emulated as glasses: those with an image and peripherals."""
    return [
        path.parent.name
        for path in sorted(BOARDS.glob("*/board.toml"))
        if path.with_name("board.py").exists() and "build" in tomllib.loads(path.read_text())
    ]


def check_glasses(name: str) -> None:
    """Makes sure that a board can be emulated as a pair of glasses.

    Raises:
        BuildError: It cannot.
    """
    if name not in glasses():
        known = ", ".join(glasses())
        raise BuildError(f"no emulated glasses on a board '{name}'; there are: {known}")


def modules() -> list[str]:
    """The names of the user C modules, which go into every image."""
    return sorted(path.parent.name for path in MODULES.glob("*/micropython.mk"))


def input_digests(folders: list[Path]) -> dict[str, str]:
    """SHA-256 of each file below `folders` that a build may read, by its path."""
    return {
        os.path.relpath(path, ROOT): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if (path.suffix in INPUT_SUFFIXES or path.name == "Makefile") and path.is_file()
    }


def must_start_over(before: dict[str, str], now: dict[str, str]) -> bool:
    """Whether make would miss a change between two builds, so that a clean build is needed.

    Make notices changed C files, and looks at frozen Python files each time. It does not notice
    added or removed C files, or changed settings.
    """

    def fixed(inputs: dict[str, str]) -> dict[str, str]:
        kept = {path: digest for path, digest in inputs.items() if Path(path).suffix != ".py"}
        return {path: "" if Path(path).suffix in (".c", ".h") else kept[path] for path in kept}

    return fixed(before) != fixed(now)


def relevant_lines(log: str) -> list[str]:
    """The lines of a build's log that say what went wrong, the first few."""
    telling = re.compile(r"error[: ]|undefined reference|No such file|not found|\*\*\*", re.I)
    lines = [line for line in log.splitlines() if telling.search(line)]
    return (lines or log.splitlines())[:SHOWN_LINES]


def _provide(tools: list[str], say: Say) -> None:
    if todo := provide(tools, say):
        raise MissingToolError(todo)


def _make(directory: Path, variables: dict[str, str], log: Path) -> None:
    jobs = len(os.sched_getaffinity(0))
    command = ["make", "-C", str(directory), f"-j{jobs}", f"PYTHON={sys.executable}"]
    environment = os.environ | {
        "LC_ALL": "C",
        "MICROPY_GIT_TAG": sources.GIT_TAG,
        "PYTHONDONTWRITEBYTECODE": "1",
        # The build is reproducible: the same sources give the same image on any day.
        "SOURCE_DATE_EPOCH": str(sources.RELEASE.released_s),
    }
    # An outer make's flags, such as its job server, must not reach this one.
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        environment.pop(name, None)
    with log.open("w") as output:
        done = subprocess.run(
            [*command, *(f"{name}={value}" for name, value in variables.items())],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        lines = "\n  ".join(relevant_lines(log.read_text(errors="replace")))
        raise BuildError(f"the build failed:\n  {lines}\nThe whole log is {log}")


def _mpy_cross(tree: Path, say: Say) -> Path:
    output = BUILD / "mpy-cross"
    program = output / "mpy-cross"
    if not program.exists():
        say("building mpy-cross, MicroPython's compiler")
        output.mkdir(parents=True, exist_ok=True)
        # Unoptimised, it builds in 13 s of processor time instead of 26; it has little to compile.
        variables = {"BUILD": str(output), "COPT": "-O0"}
        _make(tree / "mpy-cross", variables, BUILD / "mpy-cross.log")
    return program


def mpy_cross(say: Say = say_step) -> Path:
    """Returns the path of mpy-cross, fetching and building it if necessary.

    Raises:
        WorkbenchError: As for `ensure`.
    """
    with locked(BUILD / "lock"):
        _provide(["make", "cc"], say)
        return _mpy_cross(sources.micropython(say), say)


def ensure(name: str, say: Say = say_step, *, bare: bool = False) -> Path:
    """Returns the path of a board's image, fetching sources and building it if it is out of date.

    A source tree of your own, named by GLINT_MICROPYTHON, is not watched for changes: remove build/
    after you edit it.

    Args:
        name: A folder below boards/.
        say: Called with a line for each step.
        bare: Leave out the modules of firmware/modules.

    Raises:
        SourceError: MicroPython's source cannot be obtained.
        MissingToolError: A program is missing.
        BuildError: There is no such board, or it did not build.
    """
    board = load_board(name)
    if " " in str(ROOT):
        raise BuildError(f"make cannot build in a path with spaces: move the checkout from {ROOT}")
    with locked(BUILD / "lock"):
        tree = sources.micropython(say)
        built_in = [] if bare else modules()
        folders = [board.folder, *([MODULES] if built_in else [])]
        folders += [ROOT / path for path in board.inputs]
        inputs = input_digests(folders)
        inputs["tree"] = str(tree)
        inputs["build"] = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
        output = board.output_of(bare=bare)
        stamp = output / "inputs.json"
        program = output / board.program
        before = json.loads(stamp.read_text()) if stamp.exists() else {}
        if before == inputs and program.exists():
            return program
        _provide(board.tools, say)
        compiler = _mpy_cross(tree, say)
        if must_start_over(before, inputs):
            shutil.rmtree(output, ignore_errors=True)
        output.mkdir(parents=True, exist_ok=True)
        # If the program is missing, the stamp only says what the objects were made with.
        program.unlink(missing_ok=True)
        stamp.write_text(json.dumps(inputs, indent=1))
        with_what = f"with {', '.join(built_in)}" if built_in else "without modules"
        say(f"building the {name} image: MicroPython {sources.VERSION} {with_what}")
        places = {"board": board.folder, "micropython": tree, "root": ROOT}
        variables = {
            "BUILD": output,
            "MICROPY_MPYCROSS": compiler,
            "MICROPY_MPYCROSS_DEPENDENCY": compiler,
            # Not used, and missing from Debian's package; make only checks for its README.md.
            "MPY_LIB_DIR": tree,
            "USER_C_MODULES": MODULES if built_in else "",
            **{variable: value.format(**places) for variable, value in board.make.items()},
        }
        directory = Path(board.directory.format(**places))
        log = BUILD / f"{output.name}.log"
        _make(directory, {variable: str(value) for variable, value in variables.items()}, log)
        if not program.exists():
            raise BuildError(f"the build made no {program}. The whole log is {log}")
        return program


def main(arguments: list[str]) -> int:
    """Builds the image of each board and prints its path."""
    parser = argparse.ArgumentParser(
        prog="python -m workbench.build.micropython", description=__doc__
    )
    parser.add_argument("board", nargs="+")
    parser.add_argument("--bare", action="store_true", help="leave out the C modules")
    options = parser.parse_args(arguments)
    try:
        with steps() as say:
            programs = [ensure(name, say, bare=options.bare) for name in options.board]
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 1
    print(*programs, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
