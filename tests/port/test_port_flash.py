# SPDX-License-Identifier: Apache-2.0
"""Tests the emulated flash: files survive, one emulator uses it at a time, faults are reported."""

import fcntl
import os
import subprocess
import sys
import zlib

import pytest
from workbench.build import micropython
from workbench.emulation import flashimage
from workbench.emulation.console import CTRL_D
from workbench.emulation.qemu import Qemu, QemuError, load_machine

BOARD = "corstone300"
MACHINE = load_machine(BOARD)
WRITE = "with open('{}', 'wb') as f: f.write({!r})"


@pytest.fixture(scope="module")
def firmware():
    return micropython.ensure(BOARD)


@pytest.fixture
def flash(tmp_path):
    return tmp_path / "flash.bin"


def stored(flash, name):
    return flashimage.read(flash, name, machine=MACHINE)


def test_what_the_board_wrote_is_there_after_a_power_cut_and_on_the_host(firmware, flash):
    with Qemu(BOARD, firmware, flash=flash) as qemu:
        qemu.console.enter_raw_repl()
        qemu.console.run(WRITE.format("a", b"one"))
        qemu.kill()
    assert flash.stat().st_size == MACHINE.flash_bytes
    assert stored(flash, "a") == b"one"
    with Qemu(BOARD, firmware, flash=flash) as qemu:
        qemu.console.enter_raw_repl()
        assert qemu.console.run("print(open('a').read())") == "one\n"


def test_board_reads_what_the_host_wrote(firmware, flash):
    content = os.urandom(100_000)
    flashimage.create(flash, {"models/m.tflite": content, "empty": b""}, machine=MACHINE)
    with Qemu(BOARD, firmware, flash=flash) as qemu:
        qemu.console.enter_raw_repl()
        said = qemu.console.run(
            "import binascii; b = open('models/m.tflite', 'rb').read()\n"
            "print(len(b), binascii.crc32(b), open('empty').read() == '')"
        )
    assert said == f"{len(content)} {zlib.crc32(content)} True\n"


def test_host_says_when_files_do_not_fit(flash):
    with pytest.raises(flashimage.FlashImageError, match="big does not fit the flash"):
        flashimage.create(flash, {"big": bytes(MACHINE.files_bytes)}, machine=MACHINE)


def test_host_says_when_there_is_no_file_system(flash):
    flash.write_bytes(bytes(MACHINE.flash_bytes))
    with pytest.raises(flashimage.FlashImageError, match="no file system that can be read"):
        stored(flash, "a")


def test_power_cut_in_the_middle_of_writing_leaves_the_old_or_the_new(firmware, flash):
    """Kills QEMU while a file is replaced again and again, as in an update."""
    code = """
import os
n = 0
while True:
    with open("new", "w") as f:
        f.write(str(n) * 3000)
    os.rename("new", "kept")
    if n == 3:
        print("going")
    n += 1
"""
    for _ in range(3):
        with Qemu(BOARD, firmware, flash=flash) as qemu:
            qemu.console.enter_raw_repl()
            qemu.console.send(code.encode() + CTRL_D)
            qemu.console.wait_for(b"going")
            qemu.kill()
        kept = stored(flash, "kept").decode()
        assert len(kept) % 3000 == 0
        assert kept == kept[: len(kept) // 3000] * 3000


def test_full_flash_is_an_error_to_catch(firmware, flash):
    with Qemu(BOARD, firmware, flash=flash) as qemu:
        qemu.console.enter_raw_repl()
        said = qemu.console.run(
            """
try:
    with open("big", "wb") as f:
        for _ in range(1100):
            f.write(bytes(4096))
except OSError as error:
    print(error.errno)
import os
os.remove("big")
print(os.listdir())
"""
        )
    assert said == "28\n[]\n"


def test_corrupt_flash_is_reported_and_not_wiped(firmware, flash):
    flash.write_bytes(b"something else entirely" + bytes(MACHINE.flash_bytes - 23))
    with Qemu(BOARD, firmware, flash=flash) as qemu:
        said = qemu.console.wait_for(b"machine.reset()")
        assert b"flash: no file system that can be read" in said
        assert b"vfs.VfsLfs2.mkfs(machine.Flash())" in said
    assert flash.read_bytes().startswith(b"something else entirely")
    with Qemu(BOARD, firmware, flash=flash) as qemu:  # following its advice works
        qemu.console.enter_raw_repl()
        code = b"import machine, vfs; vfs.VfsLfs2.mkfs(machine.Flash()); machine.reset()"
        qemu.console.send(code + CTRL_D)
        qemu.console.wait_for(b"MicroPython v")
        qemu.console.enter_raw_repl()
        assert qemu.console.run("import os; print(os.listdir())") == "[]\n"


def test_second_emulator_on_one_flash_is_refused(firmware, flash):
    with Qemu(BOARD, firmware, flash=flash) as first:
        with pytest.raises(QemuError, match="is the flash of an emulator that is running"):
            Qemu(BOARD, firmware, flash=flash).start()
        first.console.enter_raw_repl()
        first.console.run(WRITE.format("a", b"still here"))
    assert stored(flash, "a") == b"still here"


def test_file_of_another_size_is_refused_and_left_alone(firmware, flash):
    flash.write_bytes(b"letters to a friend")
    with pytest.raises(QemuError, match="has 19 bytes and is no flash of this board"):
        Qemu(BOARD, firmware, flash=flash).start()
    assert flash.read_bytes() == b"letters to a friend"


def test_flash_in_a_missing_folder_is_one_line(firmware, tmp_path):
    with pytest.raises(QemuError, match=r"missing/flash\.bin: No such file or directory"):
        Qemu(BOARD, firmware, flash=tmp_path / "missing" / "flash.bin").start()


def test_file_of_a_killed_workbench_is_used_again(firmware, flash):
    code = f"""
import os, pathlib, signal
from workbench.emulation.qemu import Qemu
qemu = Qemu({BOARD!r}, pathlib.Path({str(firmware)!r}), flash=pathlib.Path({str(flash)!r}))
qemu.start()
qemu.console.enter_raw_repl()
qemu.console.run({WRITE.format("a", b"kept")!r})
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    # QEMU held the file's lock, too: once that is free, QEMU has ended with its parent.
    with flash.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
    with Qemu(BOARD, firmware, flash=flash) as qemu:
        qemu.console.enter_raw_repl()
        assert qemu.console.run("print(open('a').read())") == "kept\n"
    assert flash.stat().st_size == MACHINE.flash_bytes
