# SPDX-License-Identifier: Apache-2.0
"""Tests the emulated ROM loader with the unmodified esptool program."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("esptool")

from hardware import rom_loader
from workbench.device import flash, security

IMAGE_OFFSET = 0x10000
# Half of it compresses and half does not, so that both kinds of writes happen.
IMAGE = bytes(60_000) + random.Random(5).randbytes(80_000)
ROM_AND_STUB = pytest.mark.parametrize("mode", [["--no-stub"], []], ids=["rom", "stub"])


def esptool(port: Path, *arguments: str, fails: bool = False) -> str:
    command = [sys.executable, "-m", "esptool", "--port", str(port), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    output = done.stdout + done.stderr
    assert (done.returncode != 0) == fails, output
    return output


@ROM_AND_STUB
def test_esptool_identifies_the_chip(tmp_path: Path, mode: list[str]) -> None:
    with rom_loader(tmp_path) as port:
        output = esptool(port, *mode, "flash-id")
    assert "ESP32-S3 (QFN56) (revision v0.2)" in output
    assert "Embedded PSRAM 8MB" in output
    assert "02:47:4c:49:4e:54" in output
    assert "Detected flash size: 8MB" in output
    assert ("Stub flasher running" in output) == (mode == [])


def test_esptool_identifies_another_chip(tmp_path: Path) -> None:
    with rom_loader(tmp_path, "--chip", "esp32c3", "--flash-size", "4MB") as port:
        output = esptool(port, "flash-id")
    assert "ESP32-C3" in output
    assert "Detected flash size: 4MB" in output


@pytest.mark.parametrize("on", [[], ["--secure-boot"], ["--flash-encryption"]], ids=str)
def test_esptool_tells_of_its_security(tmp_path: Path, on: list[str]) -> None:
    with rom_loader(tmp_path, *on) as port:
        output = esptool(port, "--no-stub", "get-security-info")
        told = flash.look(str(port)).security
    assert ("Secure Boot: Enabled" in output) == ("--secure-boot" in on)
    assert ("Flash Encryption: Enabled" in output) == ("--flash-encryption" in on)
    assert told == security.Security("--secure-boot" in on, "--flash-encryption" in on)


@ROM_AND_STUB
def test_esptool_writes_verifies_reads_and_erases(tmp_path: Path, mode: list[str]) -> None:
    image = tmp_path / "image"
    image.write_bytes(IMAGE)
    back = tmp_path / "back"
    read_bytes = len(IMAGE) if mode == [] else 4096  # the ROM reads 64 bytes at a time
    with rom_loader(tmp_path) as port:
        output = esptool(port, *mode, "write-flash", hex(IMAGE_OFFSET), str(image))
        assert "Hash of data verified" in output
        assert (tmp_path / "flash").read_bytes()[IMAGE_OFFSET:][: len(IMAGE)] == IMAGE
        esptool(port, *mode, "verify-flash", hex(IMAGE_OFFSET), str(image))
        esptool(port, *mode, "read-flash", hex(IMAGE_OFFSET), str(read_bytes), str(back))
        assert back.read_bytes() == IMAGE[:read_bytes]
        # Programming only clears bits: writing again shows that the sectors were erased first.
        image.write_bytes(IMAGE[::-1])
        output = esptool(port, *mode, "write-flash", hex(IMAGE_OFFSET), str(image))
        assert "Hash of data verified" in output
        if mode == []:
            esptool(port, "erase-region", hex(IMAGE_OFFSET), "0x1000")
            flash = (tmp_path / "flash").read_bytes()
            assert flash[IMAGE_OFFSET:][:0x1000] == b"\xff" * 0x1000
            assert flash[IMAGE_OFFSET + 0x1000 :][:0x1000] == IMAGE[::-1][0x1000:0x2000]
            esptool(port, "erase-flash")
            assert set((tmp_path / "flash").read_bytes()) == {0xFF}


FAULTS = {
    "wrong-md5": "MD5 of file does not match",
    "busy": "the port is busy",
    "silent": "No serial data received",
    "boot-loop": "Failed to connect",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_and_a_second_run_finishes(tmp_path: Path, fault: str) -> None:
    image = tmp_path / "image"
    image.write_bytes(IMAGE)
    write = ("--connect-attempts", "1", "write-flash", hex(IMAGE_OFFSET), str(image))
    with rom_loader(tmp_path, "--fault", fault) as port:
        assert FAULTS[fault] in esptool(port, *write, fails=True)
    with rom_loader(tmp_path) as port:
        assert "Hash of data verified" in esptool(port, *write)
    assert (tmp_path / "flash").read_bytes()[IMAGE_OFFSET:][: len(IMAGE)] == IMAGE


def test_esptool_repeats_blocks_that_lost_a_byte(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(random.Random(6).randbytes(300_000))
    with rom_loader(tmp_path, "--fault", "lossy") as port:
        output = esptool(port, "write-flash", hex(IMAGE_OFFSET), str(image))
    assert "a byte was lost" in (tmp_path / "log").read_text()
    assert "Hash of data verified" in output


def test_a_file_of_another_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "flash").write_bytes(bytes(1000))
    command = [sys.executable, "-m", "workbench.emulation.romloader"]
    command += ["--pty", str(tmp_path / "tty"), "--flash", str(tmp_path / "flash")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "has 1000 bytes, the flash has 8388608" in done.stderr
