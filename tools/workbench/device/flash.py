# SPDX-License-Identifier: Apache-2.0
"""Writes an image into an ESP32-S3 board's flash, with the esptool library."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import esptool.cmds
from esp_pylib.logger import EspLog, EspLogBase
from esptool.util import FatalError, flash_size_bytes
from platformdirs import user_cache_path
from serial import SerialException

from workbench.device import esp_image, official, security
from workbench.device.security import Security
from workbench.device.serialboard import check_port
from workbench.errors import WorkbenchError

DOWNLOAD_TIMEOUT_S = 60
BAUD = 460800
CONNECT_ATTEMPTS = 3

Progress = Callable[[str, int, int], None]
Say = Callable[[str], None]


class FlashError(WorkbenchError):
    """The board could not be found, is the wrong one, or did not take the image."""


@dataclass(frozen=True)
class BoardFacts:
    """What was read from the chip.

    Attributes:
        chip: For example "ESP32-S3".
        description: With package and revision.
        mac: Factory MAC address.
        flash_bytes: Size of its flash; 0 if unknown.
        psram: What the chip says about the PSRAM in its package, or "".
        security: What its eFuses say; None if they cannot be read.
    """

    chip: str
    description: str
    mac: str
    flash_bytes: int
    psram: str
    security: Security | None

    @property
    def memory(self) -> official.Memory:
        """The kind of that PSRAM."""
        size = re.search(r"PSRAM (\d+)MB", self.psram)
        return official.memory_of(int(size[1]) if size else 0)


class _Progress(EspLogBase):
    """A logger for esptool that reports progress and nothing else."""

    def __init__(self, progress: Progress) -> None:
        self.progress_of = progress
        self.step = ""

    def print(self, *args: Any, **kwargs: Any) -> None:
        """Drops esptool's messages; what matters is checked here."""

    err = warn = note = hint = debug = set_verbosity = print

    def progress_bar(
        self,
        cur_iter: int,
        total_iters: int,
        prefix: str = "",
        suffix: str = "",
        bar_length: int = 30,
    ) -> None:
        """Passes on the progress of the current step, in bytes."""
        self.progress_of(self.step, cur_iter, total_iters)


def _compare_hash(image: official.Image, path: Path, data: bytes, say: Say) -> None:
    """Compares a file with its known hash, or else with the hash recorded at its first use."""
    digest = hashlib.sha256(data).hexdigest()
    if image.sha256:
        if digest != image.sha256:
            path.unlink(missing_ok=True)
            raise FlashError(
                f"{image.name} has the SHA-256 {digest}, and {image.sha256} was expected: it is "
                "not the file that was published, or was cut; get it again"
            )
        return
    record = path.with_name(path.name + ".sha256")
    if not record.exists():
        record.write_text(f"{digest}  {path.name}\n")
        say(f"SHA-256 {digest} (recorded: first use of {path.name}; its maker publishes none)")
    elif record.read_text().split()[:1] != [digest]:
        raise FlashError(
            f"{path.name} is not what it was when it was first used; remove {path} and {record} "
            "if its maker has replaced it"
        )


def _download(image: official.Image, path: Path, say: Say) -> bytes:
    say(f"getting {image.url}")
    try:
        with urllib.request.urlopen(image.url, timeout=DOWNLOAD_TIMEOUT_S) as answer:
            data: bytes = answer.read()
    except (urllib.error.URLError, OSError) as error:
        raise FlashError(
            f"cannot get {image.url} ({error}); save it on a machine that can, and name its "
            "folder with --mirror"
        ) from None
    esp_image.check(data, path.name)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    unfinished.write_bytes(data)
    unfinished.replace(path)
    return data


def read_image(path: Path) -> esp_image.Image:
    """Reads and checks an image that the user provides.

    Raises:
        FlashError: The file cannot be read.
        esp_image.ImageError: It is not a sound image.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FlashError(f"cannot read {path}: {error.strerror}") from None
    return esp_image.check(data, path.name)


def official_image(image: official.Image, mirror: Path | None, say: Say) -> esp_image.Image:
    """Downloads and checks one of MicroPython's own images.

    Args:
        image: The image to get.
        mirror: Folder that has it, for machines without internet.
        say: Called with a line for each step.

    Raises:
        FlashError: The file cannot be obtained, or is not what it should be.
        esp_image.ImageError: It is not a sound image.
    """
    cache = user_cache_path("glint") / "images"
    cache.mkdir(parents=True, exist_ok=True)
    cached = cache / image.name
    if mirror is not None:
        source = mirror / image.name
        if not source.exists():
            raise FlashError(f"{mirror} has no {image.name}; save it there from {image.url}")
        data = source.read_bytes()
    elif cached.exists():
        data = cached.read_bytes()
    else:
        data = _download(image, cached, say)
    checked = esp_image.check(data, image.name)
    _compare_hash(image, cached, data, say)
    return checked


def _explain(error: Exception, port: str, during: str) -> FlashError:
    """Turns esptool's error into a message that says what to do."""
    text = " ".join(str(error).split())
    if "ermission denied" in text:
        return FlashError(
            f"you may not open {port}; run: sudo usermod -aG dialout $USER, and log in again"
        )
    if "busy or doesn't exist" in text:
        return FlashError(f"{port} is open in another program; close that and run this again")
    if "Wrong boot mode" in text:
        return FlashError(
            f"the board on {port} starts again and again instead of waiting for an image; hold "
            "its BOOT button while you plug it in, and run this again"
        )
    if "Failed to connect" in text or "No serial data" in text:
        return FlashError(
            f"nothing on {port} answers; hold the board's BOOT button while you plug it in, and "
            "run this again"
        )
    if isinstance(error, (SerialException, OSError)):
        return FlashError(
            f"{port} went away while {during}; plug the board in again and run the same command"
        )
    if "MD5" in text or "is empty" in text or "igest mismatch" in text:
        return FlashError(
            "the flash does not hold what was written; run this again, and if that does not help "
            "use another cable or board"
        )
    return FlashError(f"{port} failed while {during} ({text}); run this again")


@contextlib.contextmanager
def _explained(port: str, during: str) -> Iterator[None]:
    try:
        yield
    except (FatalError, SerialException, OSError) as error:
        raise _explain(error, port, during) from None


def _facts(chip: Any) -> BoardFacts:
    esptool.cmds.attach_flash(chip)  # else the ROM loader cannot tell the size
    size = esptool.cmds.detect_flash_size(chip)
    psram = [feature for feature in chip.get_chip_features() if "PSRAM" in feature]
    return BoardFacts(
        chip=chip.CHIP_NAME,
        description=chip.get_chip_description(),
        mac=":".join(f"{byte:02x}" for byte in chip.read_mac()),
        flash_bytes=flash_size_bytes(size) or 0,
        psram=psram[0] if psram else "",
        security=security.of_loader(chip),
    )


def refuse_unless_fit(board: BoardFacts, image: esp_image.Image, chip_id: int) -> None:
    """Checks that an image fits a board.

    Raises:
        FlashError: The image is for another chip, or the flash is too small.
    """
    if chip_id != image.chip_id:
        raise FlashError(
            f"the board is an {board.chip} and the image is for {image.chip}; use an {image.chip} "
            f"board, or name an image for {board.chip} with --image"
        )
    if board.flash_bytes and board.flash_bytes < image.flash_bytes:
        raise FlashError(
            f"the board's flash has {board.flash_bytes >> 20} MB and the image needs "
            f"{-(-image.flash_bytes >> 20)} MB; use a board with more, or an image for its size"
        )


@contextlib.contextmanager
def connect(port: str, logger: EspLogBase) -> Iterator[Any]:
    """Puts the chip on a port into download mode; returns esptool's object for it.

    Raises:
        serialboard.BoardError: There is no such port.
        FlashError: Permission to open it is missing, or nothing answers.
    """
    check_port(port)
    EspLog.instance = logger
    with _explained(port, "looking for the chip"):
        chip: Any = esptool.cmds.detect_chip(port, connect_attempts=CONNECT_ATTEMPTS)
    with contextlib.closing(chip._port):
        yield chip


def look(port: str) -> BoardFacts:
    """Identifies the chip on a port; it restarts afterwards with its flash untouched.

    Raises:
        serialboard.BoardError: There is no such port.
        FlashError: Permission to open it is missing, or nothing answers.
    """
    reading = _explained(port, "reading what the chip is")
    with connect(port, _Progress(lambda *_: None)) as chip, reading:
        board = _facts(chip)
        chip.hard_reset()
    return board


def write(
    port: str,
    choose: Callable[[BoardFacts], esp_image.Image],
    *,
    backup: Path | None,
    progress: Progress,
    say: Say,
) -> BoardFacts:
    """Writes an image that passed its checks, verifies it and starts the board.

    Args:
        port: Serial port.
        choose: Returns the image for a board; if it raises, nothing has been written yet.
        backup: Where to save the whole flash first.
        progress: Called with step, bytes done and bytes in all.
        say: Called with a line for each step.

    Raises:
        FlashError: With what to do next; running the same command again finishes the job.
    """
    logger = _Progress(progress)
    with connect(port, logger) as rom:
        with _explained(port, "reading what the chip is"):
            board = _facts(rom)
        say(f"{board.description}, {board.flash_bytes >> 20} MB flash, {board.memory.words}")
        try:
            image = choose(board)
            refuse_unless_fit(board, image, rom.IMAGE_CHIP_ID)
        except WorkbenchError:
            with _explained(port, "starting what is on it"):
                rom.hard_reset()
            raise
        if board.memory is official.Memory.NONE:
            say("the chip has no PSRAM in its package: vision models may not fit")
        with _explained(port, "starting the flasher"):
            chip = esptool.cmds.run_stub(rom)
            chip.change_baud(BAUD)
            esptool.cmds.attach_flash(chip)
        chip.WRITE_FLASH_ATTEMPTS = 1
        if backup is not None:
            logger.step = "saving"
            with _explained(port, "saving the flash"):
                content: bytes = esptool.cmds.read_flash(chip, 0, board.flash_bytes) or b""
            unfinished = backup.with_name(f"{backup.name}.{os.getpid()}.tmp")
            unfinished.write_bytes(content)
            unfinished.replace(backup)
            say(f"saved {len(content)} bytes to {backup}; write them back with --image {backup}")
        logger.step = "writing"
        with _explained(port, "writing"):
            # If the image is already there (a second run), it is only verified.
            esptool.cmds.write_flash(chip, [(0, image.data)], skip_flashed=True)
            chip.hard_reset()
    return board
