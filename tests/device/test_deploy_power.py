# SPDX-License-Identifier: Apache-2.0
"""Power fails at every change of the flash in a deployment: the old or the new version starts."""

import builtins
import contextlib
import io
import json
import subprocess
import types
from pathlib import Path

import pytest
from emulated_flash import Flash, PowerCut
from workbench.build import micropython
from workbench.device import deploy, rompartition
from workbench.device.rompartition import BLOCK_BYTES
from workbench.device.serialboard import Facts, SerialBoard

ROM_BLOCKS = 8
SWITCH = Path(__file__).parent / "esp32s3" / "switch.py"


def ignore(*_):
    """Ignores progress and remarks."""


def application(version, rom):
    """Files that show which version starts: its parts, and the model beside it."""
    parts = [f"glasses/part{i}.py" for i in range(4)]
    files = {name: f"{version} of {name}".encode() for name in parts}
    files["main.py"] = b"import glasses.main\n"
    files["board.py"] = b"the same for both"
    files["models/a.bin"] = f"{version} model".encode() * 500
    return files | ({} if rom else {"config.json": b"{}"})


class Board(SerialBoard):
    """Runs the board's commands here, on a flash that counts changes, with or without a ROMFS."""

    def __init__(self, flash, rom=None):
        super().__init__("emulated")
        self.flash = flash
        self.rom = rom
        self._names = {}
        self._started = None

    def facts(self):
        free = self.flash.free_bytes()
        return Facts("emulated", "1.25.0", "", 6, (), 1 << 20, free, free)

    def _ioctl(self, op, *arguments):
        if op == 2:
            return memoryview(self.rom)
        if op == 6:
            return BLOCK_BYTES
        if op == 3:
            _, at, length = arguments
            self.flash.change()
            self.rom[at : at + length] = b"\xff" * length
        if op == 4:
            _, at, data = arguments
            half = slice(at, at + len(data) // 2)
            self.flash.change(lambda: self.rom.__setitem__(half, data[: len(data) // 2]))
            self.rom[at : at + len(data)] = data
        return 0

    def _modules(self):
        vfs = types.SimpleNamespace(
            rom_ioctl=self._ioctl, umount=ignore, mount=ignore, VfsRom=ignore
        )
        if self.rom is None:
            vfs = types.SimpleNamespace()
        return {"os": self.flash.os, "vfs": vfs, "glasses.main": types.SimpleNamespace()}

    def run(self, code, timeout_s=0):
        modules = self._modules()

        def imported(name, *arguments, **keywords):
            if name == "glasses.main":
                self._started = True
            return modules.get(name) or __import__(name, *arguments, **keywords)

        self._names["__builtins__"] = vars(builtins) | {
            "open": self.flash.open,
            "__import__": imported,
        }
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(code, self._names)
        return said.getvalue()

    def start(self):
        """Returns the contents by path that the application reads when power is back."""
        self._started = False
        self._names = {}
        self.run(self.flash.files["main.py"].decode())
        assert self._started
        names = [*application("", self.rom is not None), "config.json"]
        found = {name: self.flash.files[name] for name in names if name in self.flash.files}
        if self.rom is not None:
            partition = rompartition.look(self)
            found |= {
                path: bytes(self.rom[extent.at : extent.at + extent.length])
                for path, extent in partition.files.items()
            }
        return found


@pytest.mark.parametrize("rom", [False, True], ids=["folders", "romfs"])
@pytest.mark.parametrize(("manner", "torn"), [("through", 0), ("through", 1), ("synced", 0)])
def test_power_fails_at_every_change(manner, torn, rom):
    old, new = application("old", rom), application("new", rom)
    third = application("third", rom)
    flash = Flash(manner)
    first = Board(flash, bytearray(b"\xff" * ROM_BLOCKS * BLOCK_BYTES) if rom else None)
    deploy.put(first, old, ignore)
    assert first.start() == old

    def board():
        return Board(flash.copy(), None if first.rom is None else bytearray(first.rom))

    whole = board()
    deploy.put(whole, new, ignore)
    count = whole.flash.operations
    assert count > 20
    seen = []
    for cut_at in range(count):
        cut = board()
        cut.flash.cut_at, cut.flash.torn = cut_at, bool(torn)
        with pytest.raises(PowerCut):
            deploy.put(cut, new, ignore)
        # Power fails once more while it starts, then stays.
        again = Board(cut.flash.copy(), cut.rom)
        again.flash.cut_at, again.flash.torn = cut_at % 7, bool(torn)
        with contextlib.suppress(PowerCut):
            again.start()
        runs = Board(again.flash.copy(), again.rom).start()
        assert runs in (old, new), cut_at
        seen.append(runs == new)
        # A second run finishes, whether or not it has started, and with other files too.
        for files in (new, third):
            for left in (cut, again):
                rest = Board(left.flash.copy(), None if left.rom is None else bytearray(left.rom))
                deploy.put(rest, files, ignore)
                assert rest.start() == files
                names = rest.flash.files
                assert not [name for name in names if name.endswith((deploy.NEW, ".finish"))]
    assert seen == sorted(seen)
    assert {False, True} == set(seen)


class Recorder(Board):
    """Keeps the flash as it is before the commit, and the commands from there on."""

    def run(self, code, timeout_s=0):
        if deploy.FINISHING in code and "rename" in code:
            self.before = {name: data.decode() for name, data in self.flash.files.items()}
            self.commands = []
        if hasattr(self, "commands"):
            self.commands.append(code)
        return super().run(code)


@pytest.mark.parametrize("kind", ["VfsLfs2", "VfsFat"])
def test_micropython_puts_it_in_place_on_its_file_systems(kind):
    """Power fails at each write of littlefs; on FAT, the test only checks that it succeeds."""
    names = [f"glasses/part{i}.py" for i in range(4)] + ["board.py"]
    show = f"said([open(name).read() for name in {names}])"
    board = Recorder(Flash())
    for version in ("old", "new"):
        files = {name: version.encode() for name in names} | {"main.py": f"{show} # {version}"}
        files["main.py"] = files["main.py"].encode()
        board.__dict__.pop("commands", None)
        board._names["said"] = ignore
        deploy.put(board, files, ignore)
    done = subprocess.run(
        [micropython.ensure("linux"), SWITCH, kind],
        input=json.dumps({"files": board.before, "commands": board.commands}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    old, new = ([[[version] * len(names)]] * 2 for version in ("old", "new"))
    assert found[-1] == new
    if kind == "VfsLfs2":
        assert all(starts in (old, new) for starts in found)
        assert old in found
        assert len(found) > len(names)
