# SPDX-License-Identifier: Apache-2.0
"""`glint sim` reports a Cortex-M55 that it cannot emulate, and leaves no process running."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from workbench.build import micropython
from workbench.emulation import flashimage
from workbench.emulation.qemu import PROGRAM, load_machine

BOARD = "corstone300"
MACHINE = load_machine(BOARD)
COMMAND = [sys.executable, "-m", "glint", "sim", "--json", "--board", BOARD]


@pytest.fixture(scope="module", autouse=True)
def image():
    micropython.ensure(BOARD)


def emulators(folder):
    """The command lines of the emulators whose flash is below a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (process / "cmdline").read_bytes().decode(errors="replace")
            if PROGRAM in line and str(folder) in line:
                found.append(line)
    return found


def sim(flash, *arguments, path=None):
    done = subprocess.run(
        [*COMMAND, "--flash", str(flash), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | ({"PATH": str(path)} if path else {}),
    )
    assert "Traceback" not in done.stderr
    assert not emulators(flash)
    return done


def complaint(stderr):
    """Returns the one line of the error; progress, such as fetching a model, may precede it."""
    (line,) = [line for line in stderr.splitlines() if line.startswith("glint: ")]
    return line


def refused(flash, *arguments, path=None):
    done = sim(flash, *arguments, path=path)
    assert done.returncode == 1
    return complaint(done.stderr)


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ("", "not found: qemu-system-arm"),
        ("QEMU emulator version 5.2.0", "install QEMU 7.2 or later"),
        ("hello", "does not tell its version"),
    ],
    ids=["none", "old", "no QEMU"],
)
def test_no_qemu_or_a_wrong_one(tmp_path, says, message):
    programs = tmp_path / "bin"
    programs.mkdir()
    if says:
        (programs / PROGRAM).write_text(f"#!{sys.executable}\nprint({says!r})\n")
        (programs / PROGRAM).chmod(0o755)
    assert message in refused(tmp_path / "flash", path=programs)


def test_a_flash_file_of_another_size(tmp_path):
    (tmp_path / "flash.bin").write_bytes(b"short")
    said = refused(tmp_path)
    assert "has 5 bytes and is no flash of this board" in said
    assert "remove it" in said


def test_a_corrupt_flash_file(tmp_path):
    (tmp_path / "flash.bin").write_bytes(b"\x5a" * MACHINE.flash_bytes)
    said = refused(tmp_path)
    assert "holds no file system that can be read" in said
    assert "remove it to start with an empty flash" in said


def test_a_full_flash_file(tmp_path):
    """The glasses run, and report it."""
    path = tmp_path / "flash.bin"
    config = json.dumps({"words": [], "vision": "motion"}).encode()
    size = MACHINE.files_bytes - 16 * flashimage.BLOCK_BYTES
    while True:
        try:
            files = {"config.json": config, "big": bytes(size)}
            flashimage.create(path, files, machine=MACHINE)
        except flashimage.FlashImageError:
            size -= flashimage.BLOCK_BYTES
            continue
        if flashimage.check(path, machine=MACHINE) < 4 * flashimage.BLOCK_BYTES:
            break
        size += flashimage.BLOCK_BYTES
    done = sim(tmp_path, "--seconds", "1")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert any("bytes are free, too few" in line.get("line", "") for line in lines), done.stdout
    assert done.returncode == 0, done.stderr


def test_a_firmware_that_never_prints_a_prompt(tmp_path):
    boot = b"print('stuck here')\nwhile True: pass"
    files = {"boot.py": boot, "config.json": b"{}"}
    flashimage.create(tmp_path / "flash.bin", files, machine=MACHINE)
    said = refused(tmp_path)
    assert "the glasses did not come up; they said: stuck here. Mend what is on their" in said


def test_two_emulators_on_one_flash(tmp_path):
    command = [*COMMAND, "--flash", str(tmp_path), "--control"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        for line in first.stdout:
            if json.loads(line)["event"] == "ready":
                break
        second = subprocess.run(
            [*COMMAND, "--flash", str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert second.returncode == 1
        said = complaint(second.stderr)
        assert f"{tmp_path} is the flash of an emulator that is running: stop that one" in said
        first.stdin.close()
        first.stdout.read()
    assert first.returncode == 0
    assert not emulators(tmp_path)
    # What the first one left is used unchanged.
    assert sim(tmp_path, "--seconds", "1").returncode == 0
