# SPDX-License-Identifier: Apache-2.0
"""Tests flashing, against the emulated ROM loader and its faults."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import pytest

pytest.importorskip("esptool")

import typer
from hardware import rom_loader, whole_image
from typer.testing import CliRunner
from workbench.cli import hardware
from workbench.device import esp_image, flash, official
from workbench.device.serialboard import BoardError

NOISE = random.Random(7).randbytes(120_000)


def ignore(*_: object) -> None:
    """Ignores progress and remarks."""


def write(port: Path, data: bytes, backup: Path | None = None) -> flash.BoardFacts:
    image = esp_image.check(data, "image.bin")
    return flash.write(str(port), lambda _: image, backup=backup, progress=ignore, say=ignore)


def test_an_image_is_written_verified_and_the_old_one_saved(tmp_path: Path) -> None:
    data = whole_image(flash_bytes=2 << 20)
    seen: list[tuple[str, int, int]] = []
    lines: list[str] = []
    with rom_loader(tmp_path, "--flash-size", "2MB") as port:
        old = bytearray((tmp_path / "flash").read_bytes())
        image = esp_image.check(data, "image.bin")
        board = flash.write(
            str(port),
            lambda _: image,
            backup=tmp_path / "backup",
            progress=lambda *step: seen.append(step),
            say=lines.append,
        )
    assert (board.chip, board.flash_bytes, board.mac) == ("ESP32-S3", 2 << 20, "02:47:4c:49:4e:54")
    assert board.psram == "Embedded PSRAM 8MB (AP_3v3)"
    assert board.memory is official.Memory.OCTAL
    assert (tmp_path / "flash").read_bytes()[: len(data)] == data
    assert (tmp_path / "backup").read_bytes() == old
    assert {step for step, _, _ in seen} == {"saving", "writing"}
    assert seen[-1][1] == seen[-1][2]


def test_a_second_run_only_verifies(tmp_path: Path) -> None:
    data = whole_image(code=NOISE)
    steps: list[str] = []
    with rom_loader(tmp_path) as port:
        write(port, data)
        image = esp_image.check(data, "image.bin")
        flash.write(
            str(port),
            lambda _: image,
            backup=None,
            progress=lambda *s: steps.append(s[0]),
            say=ignore,
        )
    assert steps == []


FAULTS = {
    "wrong-md5": "does not hold what was written",
    "unplugged": "went away while writing; plug the board in again and run the same command",
    "busy": "is open in another program; close that and run this again",
    "silent": "answers; hold the board's BOOT button",
    "boot-loop": "hold",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_says_what_to_do_and_a_second_run_finishes(tmp_path: Path, fault: str) -> None:
    data = whole_image(code=NOISE)
    with (
        rom_loader(tmp_path, "--fault", fault) as port,
        pytest.raises(flash.FlashError, match=FAULTS[fault]) as caught,
    ):
        write(port, data)
    assert "\n" not in str(caught.value)
    with rom_loader(tmp_path) as port:
        write(port, data)
    assert (tmp_path / "flash").read_bytes()[: len(data)] == data


def test_lost_bytes_are_sent_again(tmp_path: Path) -> None:
    data = whole_image(code=NOISE)
    with rom_loader(tmp_path, "--fault", "lossy") as port:
        write(port, data)
    assert "a byte was lost" in (tmp_path / "log").read_text()
    assert (tmp_path / "flash").read_bytes()[: len(data)] == data


def test_a_wrong_chip_is_refused(tmp_path: Path) -> None:
    with (
        rom_loader(tmp_path, "--chip", "esp32c3", "--flash-size", "4MB") as port,
        pytest.raises(flash.FlashError, match=r"is an ESP32-C3 and the image is for ESP32-S3"),
    ):
        write(port, whole_image())
    assert set((tmp_path / "flash").read_bytes()) == {0xFF}


def test_an_image_for_another_board_is_refused(tmp_path: Path) -> None:
    with (
        rom_loader(tmp_path) as port,
        pytest.raises(flash.FlashError, match=r"is an ESP32-S3 and the image is for ESP32-C3"),
    ):
        write(port, whole_image("esp32c3"))


def test_too_small_a_flash_is_refused(tmp_path: Path) -> None:
    with (
        rom_loader(tmp_path, "--flash-size", "4MB") as port,
        pytest.raises(flash.FlashError, match="flash has 4 MB and the image needs 8 MB"),
    ):
        write(port, whole_image())


def test_a_missing_port_is_named(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=r"there is no port .*; ports: "):
        write(tmp_path / "nothing", whole_image())


def test_damage_anywhere_in_an_image_is_noticed() -> None:
    data = whole_image(code=bytes(5000))
    assert esp_image.check(data, "x").flash_bytes == 8 << 20
    for place in (0, 30, 300, 0x8005, 0x10020, 0x10800, len(data) - 1):
        damaged = bytearray(data)
        damaged[place] ^= 0x10
        with pytest.raises(esp_image.ImageError):
            esp_image.check(bytes(damaged), "x")
    for length in (0, 1, 100, 0x8000, 0x8040, 0x10010, len(data) - 1):
        with pytest.raises(esp_image.ImageError):
            esp_image.check(data[:length], "x")


@pytest.mark.parametrize(
    ("psram", "flash_size", "release", "expected"),
    [
        ("8MB", "8MB", None, "SPIRAM_OCT-20250415-v1.25.0"),
        ("16MB", "32MB", None, "SPIRAM_OCT-20250415-v1.25.0"),
        ("2MB", "8MB", None, "S3-20250415-v1.25.0"),
        ("none", "16MB", None, "S3-20250415-v1.25.0"),
        ("8MB", "8MB", "1.26.1", "SPIRAM_OCT-20250911-v1.26.1"),
        ("2MB", "4MB", None, "S3-20250911-v1.26.1"),  # 1.25.0's partitions need 8 MB
        ("8MB", "4MB", None, "SPIRAM_OCT-20250911-v1.26.1"),
    ],
)
def test_the_image_is_what_the_chip_asks_for(
    tmp_path: Path, psram: str, flash_size: str, release: str | None, expected: str
) -> None:
    with rom_loader(tmp_path, "--psram", psram, "--flash-size", flash_size) as port:
        board = flash.look(str(port))
    chosen = official.choose(board.memory, board.flash_bytes, release)
    assert expected in chosen.name


def test_too_little_flash_for_a_release_says_which_to_take() -> None:
    with pytest.raises(official.OfficialError, match=r"8 MB are the least .* with --micropython"):
        official.choose(official.Memory.QUAD, 4 << 20, "1.25.0")
    with pytest.raises(official.OfficialError, match="4 MB are the least"):
        official.choose(official.Memory.QUAD, 2 << 20)
    with pytest.raises(official.OfficialError, match=r"there are: 1\.25\.0, 1\.26\.1"):
        official.choose(official.Memory.QUAD, 8 << 20, "1.24.0")


def test_an_official_image_comes_from_a_mirror_and_is_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flash, "user_cache_path", lambda _: tmp_path / "cache")
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    assert all(image.sha256 for image in official.IMAGES)
    unknown = dataclasses.replace(official.IMAGES[0], name="unknown.bin", sha256="")
    with pytest.raises(flash.FlashError, match="save it there from https:"):
        flash.official_image(unknown, mirror, ignore)
    published = mirror / unknown.name
    published.write_bytes(whole_image())
    lines: list[str] = []
    image = flash.official_image(unknown, mirror, lines.append)
    assert len(lines) == 1
    assert f"SHA-256 {image.sha256} (recorded: first use of {unknown.name};" in lines[0]
    assert flash.official_image(unknown, mirror, ignore).sha256 == image.sha256
    published.write_bytes(whole_image(code=b"other" * 100))
    with pytest.raises(flash.FlashError, match="is not what it was when it was first used"):
        flash.official_image(unknown, mirror, ignore)
    known = official.choose(official.Memory.OCTAL, 8 << 20)
    (mirror / known.name).write_bytes(whole_image())
    with pytest.raises(flash.FlashError, match=f"and {known.sha256} was expected"):
        flash.official_image(known, mirror, ignore)


def test_the_command_writes_an_image(tmp_path: Path) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    hardware.register(app)
    file = tmp_path / "image.bin"
    file.write_bytes(whole_image())
    with rom_loader(tmp_path) as port:
        done = CliRunner().invoke(app, ["flash", "--port", str(port), "--image", str(file)])
    assert done.exit_code == 0, done.output
    assert "wrote and verified" in done.output
    assert "press the board's RESET button" in done.output  # it stays in its loader
