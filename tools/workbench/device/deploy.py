# SPDX-License-Identifier: Apache-2.0
"""Puts the application, native modules, models and settings on a board with MicroPython.

Only files that differ are sent, each stored beside the old one under another name. When all have
arrived intact, one rename installs a temporary `main.py`. It moves the new files, and the directory
of the ROMFS with the models, into place, and then replaces itself by the new application's own
`main.py`. A board that loses power or its cable before that rename starts the old application,
after it the new one.
"""

from __future__ import annotations

import errno
import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.build import compilers, natmod, zoo
from workbench.device import rompartition, selftest
from workbench.device.serialboard import Facts, SerialBoard
from workbench.errors import WorkbenchError
from workbench.paths import BUILD, FIRMWARE, board_folder
from workbench.system import Say

MAIN = "main.py"
MAIN_CODE = b"import glasses.main\n"
CONFIG = "config.json"
NEW = ".new"
FINISHING = MAIN + ".finish"
MODELS = "models/"
# A stored update would start instead of the deployed application.
UPDATE_STATE = "update/state.json"
MPY_VERSION = 6
FLASH_BLOCK_BYTES = 4096

Progress = Callable[[str, int, int], None]

# Both run on the board; {names} is a JSON list of paths.
HASH = """
import binascii, hashlib, json
def file(name):
    try:
        return open(name, "rb")
    except OSError:
        return open("/rom/" + name, "rb")
found = {{}}
buf = memoryview(bytearray(2048))
for name in json.loads({names!r}):
    try:
        with file(name) as f:
            h = hashlib.sha256()
            while True:
                n = f.readinto(buf)
                if not n:
                    break
                h.update(buf[:n])
            found[name] = binascii.hexlify(h.digest()).decode()
    except OSError:
        pass
print(json.dumps(found))
"""
# Once this is main.py, the new application counts as deployed: if this is interrupted, the next
# start or the next `glint deploy` resumes it. {device} and {switch} come from rompartition.
FINISH = """{begins}
import json, os
{device}
{switch}
def there(name):
    try:
        os.stat(name)
    except OSError:
        return False
    return True
def place(name, new):
    if there(new):
        try:
            os.rename(new, name)
        except OSError as error:
            if error.errno != {exists}:  # FAT replaces no file
                raise
            os.remove(name)
            os.rename(new, name)
# Without an order of what starts, and without the copies that would be found before the ROMFS's.
for name in json.loads({gone!r}):
    if there(name):
        os.remove(name)
for name in json.loads({names!r}):
    place(name, name + {new!r})
{ends}
exec(open({main!r}).read())
"""
BEGINS = "# Glint puts a new application in place."
ENDS = "# It is in place."
COMMIT = """
import os
try:
    os.rename({new!r}, {main!r})
except OSError as error:
    if error.errno != {exists}:
        raise
    os.remove({main!r})
    os.rename({new!r}, {main!r})
"""
# Prints whether there was an interrupted deployment to resume.
GO_ON = """
try:
    with open({main!r}) as f:
        text = f.read()
except (OSError, ValueError):
    text = ""
going = text.startswith({begins!r})
if going:
    exec(text.split({ends!r})[0])
print(going)
"""
FIND = """
import json, os
for path in json.loads({paths!r}):
    try:
        os.stat(path)
        print(path)
        break
    except OSError:
        pass
"""
FOLDERS = """
import json, os
for name in json.loads({names!r}):
    try:
        os.mkdir(name)
    except OSError:
        pass
"""


class DeployError(WorkbenchError):
    """The board cannot take the application; the message says what to do."""


@dataclass(frozen=True)
class Outcome:
    """What a deployment did.

    Attributes:
        sent: Paths of the files that differed.
        kept: Paths of those that were already the same.
    """

    sent: tuple[str, ...]
    kept: tuple[str, ...]


def native_modules(facts: Facts, folder: Path | None, say: Say) -> dict[str, bytes]:
    """The .mpy files that a board's image does not have built in.

    Args:
        facts: Of the board.
        folder: Folder of ready-made ones, as ARCH/NAME.mpy; None builds them here.
        say: Called with a line for each step.

    Raises:
        DeployError: The board cannot load our .mpy files.
        compilers.CompilerError: There is no compiler and no folder.
    """
    wanted = [name for name in natmod.native_modules() if name not in facts.builtin]
    if not wanted:
        return {}
    # Code for a Cortex-M4 with a single-precision FPU also runs on larger cores.
    arch = "armv7emsp" if facts.arch == "armv7emdp" else facts.arch
    if arch not in compilers.ARCHS or facts.mpy_version != MPY_VERSION:
        raise DeployError(
            f"{facts.machine} takes no native modules that we build ({facts.arch or 'none'}, .mpy "
            f"version {facts.mpy_version}); write another MicroPython into it with glint flash"
        )
    files = {}
    for name in wanted:
        path = (folder or BUILD / "natmod") / arch / f"{name}.mpy"
        if folder is None:
            path = natmod.build(name, arch, say=say)
        elif not path.exists():
            raise DeployError(f"there is no {path}; make it with: make natmod ARCH={arch}")
        files[f"{name}.mpy"] = path.read_bytes()
    return files


def bundle(board: str, words: list[str], vision: str, mirror: Path | None) -> dict[str, bytes]:
    """Returns the files of the application, by their paths on the board.

    Args:
        board: Folder below boards/, or a path of one's own, which has the board.py.
        words: Wake word models, as paths or names in the zoo.
        vision: Vision model, or "" for none.
        mirror: Folder to look for models in.

    Raises:
        DeployError: There is no such board.
        zoo.ZooError: A model cannot be obtained.
    """
    source = board_folder(board) / "board.py"
    if not source.exists():
        raise DeployError(f"board '{board}' has no board.py")
    files = {"board.py": source.read_bytes(), MAIN: MAIN_CODE}
    for shared in _serial(board).get("files", []):
        path = source.parent / shared
        files[path.name] = path.read_bytes()
    for path in sorted((FIRMWARE / "glasses").glob("**/*.py")):
        files[path.relative_to(FIRMWARE).as_posix()] = path.read_bytes()
    for model in [*words, *([vision] if vision else [])]:
        name = Path(model).stem
        files[f"models/{name}.tflite"] = zoo.find(model, mirror).read_bytes()
    for model in words:
        beside = Path(model).with_suffix(".json")
        manifest = (
            beside.read_bytes() if beside.exists() else json.dumps(zoo.manifest(model)).encode()
        )
        files[f"models/{Path(model).stem}.json"] = manifest
    return files


def chip_of(board: str) -> str:
    """The chip that a folder below boards/ is for, as MicroPython names it; "" for any."""
    mcu: str = _serial(board).get("mcu", "")
    return mcu


def _serial(board: str) -> dict[str, Any]:
    """Returns what a board.toml says about a board on a serial port."""
    table: dict[str, Any] = tomllib.loads((board_folder(board) / "board.toml").read_text())
    said: dict[str, Any] = table.get("serial", {})
    return said


def refuse_unless_fit(facts: Facts, board: str) -> None:
    """Checks that a board is the one that its folder is for.

    Raises:
        DeployError: It is another board.
    """
    mcu = chip_of(board)
    if not facts.machine.endswith(mcu):
        raise DeployError(
            f"the board says it is {facts.machine}, and what is to be put on it is for {mcu}: is "
            "this the right port? A folder of boards/ for this one can be named with --board"
        )


def read_config(path: Path) -> dict[str, Any]:
    """Reads settings for the board.

    Raises:
        DeployError: The file cannot be read, or is not a JSON object.
    """
    try:
        settings = json.loads(path.read_bytes())
    except OSError as error:
        raise DeployError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise DeployError(f"{path} is not JSON: {error}") from None
    if not isinstance(settings, dict):
        raise DeployError(f"{path} is not a JSON object")
    return settings


def read_board_config(board: SerialBoard) -> dict[str, Any]:
    """Returns the settings on a board; {} if there are none that can be read."""
    return read_object(board, CONFIG)


def read_object(board: SerialBoard, name: str) -> dict[str, Any]:
    """Returns the JSON object in a file on a board; {} if there is none that can be read."""
    said = board.run(f"try:\n print(open({name!r}).read())\nexcept OSError: pass")
    try:
        settings = json.loads(said)
    except ValueError:
        return {}
    return settings if isinstance(settings, dict) else {}


def tested_model(board: SerialBoard) -> str | None:
    """Returns the path on a board of a model that the self-test can run, or None."""
    path = f"{MODELS}{selftest.MODEL}.tflite"
    said = board.run(FIND.format(paths=json.dumps([path, "/rom/" + path])))
    return said.strip() or None


def digest(data: bytes) -> str:
    """Returns the hash by which files are compared."""
    return hashlib.sha256(data).hexdigest()


def hashes(board: SerialBoard, names: list[str]) -> dict[str, str]:
    """The `digest` of each of these files that a board has, if not in its folders in its ROMFS."""
    found: dict[str, str] = json.loads(board.run(HASH.format(names=json.dumps(names))))
    return found


def put(board: SerialBoard, files: Mapping[str, bytes], progress: Progress) -> Outcome:
    """Makes a board's files equal to these, sending only those that differ.

    Args:
        board: The board, at its REPL.
        files: Contents by path, relative to the root of the board's file system. Files below
            models/ go into the ROMFS of a board that has one.
        progress: Called with path, bytes done and bytes in all.

    Raises:
        DeployError: They do not fit, or did not arrive intact.
        rompartition.RomError: The models do not fit the ROMFS.
        serialboard.BoardError: The board went away, or its file system is full.
    """
    go_on(board)
    wanted = {name: digest(data) for name, data in files.items()}
    there = hashes(board, [*wanted, *(name + NEW for name in wanted)])
    changed = [name for name in sorted(wanted) if there.get(name) != wanted[name]]
    kept = tuple(name for name in sorted(wanted) if name not in changed)
    if not changed:
        return Outcome((), kept)
    if MAIN in kept:
        changed.append(MAIN)
    rom = rompartition.look(board) if any(name.startswith(MODELS) for name in changed) else None
    models = [name for name in changed if rom and name.startswith(MODELS)]
    for_files = {name: files[name] for name in changed if name not in models}
    for_rom = rompartition.displaced(board, rom) if rom else {}
    for_rom |= {name: files[name] for name in models}
    placed = rompartition.place(rom, for_rom) if rom else {}
    switch = rompartition.switch({**rom.files, **placed}) if rom else ""
    finish = FINISH.format(
        begins=BEGINS,
        ends=ENDS,
        device=rompartition.DEVICE if switch else "",
        switch=switch,
        gone=json.dumps([UPDATE_STATE, *models]),
        names=json.dumps(sorted(for_files, key=lambda name: name == MAIN)),
        new=NEW,
        main=MAIN,
        exists=errno.EEXIST,
    ).encode()
    # Files that an interrupted run has already sent are not sent again.
    to_files = [name for name in for_files if there.get(name + NEW) != wanted[name]]
    to_rom = _differing(board, placed, for_rom)
    _check_room(board, [finish, *(files[name] for name in to_files)])
    folders = sorted({str(Path(name).parent) for name in for_files} - {"."})
    board.run(FOLDERS.format(names=json.dumps(folders)))
    total = sum(len(for_files[name]) for name in to_files)
    total += sum(len(for_rom[name]) for name in to_rom)
    done = 0
    for name in to_files:
        progress(name, done, total)
        board.write(name + NEW, files[name])
        done += len(files[name])
    for name in to_rom:
        progress(name, done, total)
        rompartition.send(board, placed[name], for_rom[name])
        done += len(for_rom[name])
    progress("", total, total)
    board.write(FINISHING, finish)
    arrived = hashes(board, [FINISHING, *(name + NEW for name in for_files)])
    lost = [name for name in for_files if arrived.get(name + NEW) != wanted[name]]
    lost += [FINISHING] if arrived.get(FINISHING) != digest(finish) else []
    for name in lost + _differing(board, placed, for_rom):
        raise DeployError(f"{name} did not arrive whole; run this again")
    board.run(COMMIT.format(new=FINISHING, main=MAIN, exists=errno.EEXIST))
    go_on(board)
    return Outcome(tuple(changed), kept)


def go_on(board: SerialBoard) -> bool:
    """Finishes an interrupted deployment whose files all arrived; returns whether there was one.

    Raises:
        serialboard.BoardError: The board went away, or its file system is full.
    """
    code = GO_ON.format(main=MAIN, begins=BEGINS, ends=ENDS)
    return board.run(code).strip() == "True"


def _differing(
    board: SerialBoard, placed: Mapping[str, rompartition.Extent], contents: Mapping[str, bytes]
) -> list[str]:
    """Returns those files whose content on the board differs."""
    if not placed:
        return []
    found = rompartition.hashes(board, list(placed.values()))
    return [
        name for name, there in zip(placed, found, strict=True) if there != digest(contents[name])
    ]


def _check_room(board: SerialBoard, contents: list[bytes]) -> None:
    needed = sum(-(-len(content) // FLASH_BLOCK_BYTES) + 1 for content in contents)
    free = board.facts().disk_free
    if needed * FLASH_BLOCK_BYTES > free:
        raise DeployError(
            f"the board's file system has {free} bytes free and {needed * FLASH_BLOCK_BYTES} are "
            "needed; remove files from it (mpremote rm) or name fewer models"
        )
