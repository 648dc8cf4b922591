# SPDX-License-Identifier: Apache-2.0
"""Tests models that `glint deploy` puts into a ROMFS partition of the emulated boards, on a pty."""

import contextlib
import io
import random

import pytest
from workbench.build import micropython, romfs
from workbench.device import deploy, rompartition
from workbench.device.rompartition import BLOCK_BYTES, Extent, Partition
from workbench.device.serialboard import BoardError, SerialBoard
from workbench.emulation import qemu
from workbench.emulation.linuxconsole import LinuxConsole
from workbench.paths import FIRMWARE

WORD = {"models/word.tflite": random.Random(1).randbytes(9000), "models/word.json": b"{}"}
EYE = {"models/eye.tflite": random.Random(2).randbytes(20_000)}


def ignore(*_):
    """Ignores progress and remarks."""


@contextlib.contextmanager
def linux(folder):
    with LinuxConsole(folder) as console:
        yield console.path, console.process.kill


@contextlib.contextmanager
def corstone300(folder):
    try:
        qemu.check_program()
        firmware = micropython.ensure("corstone300", say=ignore)
    except (qemu.QemuError, micropython.MissingToolError) as error:
        pytest.skip(str(error))
    with qemu.Qemu("corstone300", firmware, flash=folder / "flash.bin", pty=True) as machine:
        yield machine.console_path, machine.kill


@pytest.fixture(params=[linux, corstone300])
def started(request, tmp_path):
    """Starts a board, each time with the flash as the last one left it."""
    return lambda: request.param(tmp_path)


def seen(board, files):
    """Returns which of these the board's own MicroPython reads correctly from its ROMFS."""
    hashed = {name: deploy.digest(data) for name, data in files.items()}
    code = """
import binascii, hashlib
for name, wanted in {}.items():
    try:
        found = open("/rom/" + name, "rb").read()
    except OSError:
        continue
    if binascii.hexlify(hashlib.sha256(found).digest()).decode() == wanted:
        print(name)
"""
    return set(board.run(code.format(hashed)).split())


def test_models_go_into_the_romfs_and_only_what_changed(started):
    sent = []

    def put(board, files):
        sent.clear()
        outcome = deploy.put(board, files, lambda name, *_: sent.append(name))
        return set(outcome.sent)

    with started() as (port, _), SerialBoard(port) as board:
        assert put(board, {"main.py": b"", **WORD}) == {"main.py", *WORD}
        assert seen(board, WORD) == set(WORD)
        assert "models" not in board.run("import os; print(os.listdir())")
        assert put(board, {"main.py": b"", **WORD}) == set()
        assert sent == []
        # Another model: the first one stays where it is.
        before = rompartition.look(board)
        put(board, {"main.py": b"", **WORD, **EYE})
        assert [name for name in sent if name in WORD | EYE] == [*EYE]
        assert rompartition.look(board).files.items() > before.files.items()
        assert seen(board, WORD | EYE) == {*WORD, *EYE}
        # A copy in the folder would be found first.
        board.run("import os\nos.mkdir('models')\nopen('models/word.json', 'w').write('old')")
        board.run("os.mkdir('update')\nopen('update/state.json', 'w').write('{}')")
        assert put(board, {"main.py": b"", **WORD}) == {"main.py", "models/word.json"}
        assert board.run("print(os.listdir('models'), os.listdir('update'))").split() == ["[]"] * 2
    with started() as (port, _), SerialBoard(port) as board:  # mounted at the next start
        assert seen(board, WORD | EYE) == {*WORD, *EYE}


def test_a_cable_pulled_while_models_are_sent_leaves_the_old_ones(started):
    new = {"models/word.tflite": random.Random(3).randbytes(9000), "models/word.json": b"{ }"}
    with started() as (port, _), SerialBoard(port) as board:
        deploy.put(board, {"main.py": b"", **WORD}, ignore)
    with started() as (port, pull):

        def pulled(name, *_):
            if name == "models/word.tflite":
                pull()

        with (
            pytest.raises(BoardError, match="plug the board in again and repeat the command"),
            SerialBoard(port) as board,
        ):
            deploy.put(board, {"main.py": b"", **EYE, **new}, pulled)
    with started() as (port, _), SerialBoard(port) as board:
        assert seen(board, WORD) == set(WORD)
        sent = []
        deploy.put(board, {"main.py": b"", **EYE, **new}, lambda name, *_: sent.append(name))
        assert "models/eye.tflite" not in sent  # that one had arrived
        assert seen(board, EYE | new) == {*EYE, *new}


def test_a_romfs_of_mpremotes_is_taken_over_and_a_full_one_named(started):
    image = romfs.build({"other.py": b"word = 7", **WORD})
    with started() as (port, _), SerialBoard(port) as board:
        size = rompartition.look(board).size
        rompartition.send(board, Extent(0, len(image)), image)
        assert set(rompartition.look(board).files) == {"other.py", *WORD}
        deploy.put(board, {"main.py": b"", **EYE}, ignore)
        assert seen(board, WORD | EYE) == {*WORD, *EYE}
        code = "import sys\nsys.path.append('/rom')\nimport other\nprint(other.word)"
        assert board.run(code).split() == ["7"]
        with pytest.raises(
            rompartition.RomError, match=f"no room in the board's ROMFS of {size} b"
        ):
            deploy.put(board, {"main.py": b"", "models/huge.tflite": bytes(size)}, ignore)
        assert seen(board, WORD | EYE) == {*WORD, *EYE}


def test_files_are_placed_beside_what_is_there():
    partition = Partition(10 * BLOCK_BYTES, {"a": Extent(2 * BLOCK_BYTES, BLOCK_BYTES + 1)})
    placed = rompartition.place(partition, {"b": bytes(2 * BLOCK_BYTES), "c": b"x", "d": b""})
    assert placed["b"].at == 4 * BLOCK_BYTES
    assert placed["c"] == Extent(BLOCK_BYTES, 1)
    foreign = Partition(10 * BLOCK_BYTES, {"a": Extent(20, 5), "b": Extent(3 * BLOCK_BYTES, 1)})
    assert rompartition.place(foreign, {"c": b"x"}) == {"c": Extent(4 * BLOCK_BYTES, 1)}
    many = {f"models/{i:030d}.tflite": Extent(BLOCK_BYTES * (i + 1), 1) for i in range(100)}
    with pytest.raises(rompartition.RomError, match="too many"):
        rompartition.switch(many)


def test_our_own_reader_reads_it(monkeypatch):
    monkeypatch.syspath_prepend(str(FIRMWARE))
    from glasses.boot.romfs import Reader

    extents = {"models/a.tflite": (BLOCK_BYTES, 9000), "b.json": (4 * BLOCK_BYTES, 0)}
    image = romfs.directory(extents).ljust(5 * BLOCK_BYTES, b"\xff")
    found = {path: (at, n) for path, at, n in Reader(io.BytesIO(image), 0, len(image)).entries()}
    assert found == extents | {"models": (None, 0)}
