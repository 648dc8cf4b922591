# SPDX-License-Identifier: Apache-2.0
"""Asks a board's owner once how it is wired, and checks the answers, stored in board.json."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.device.deploy import read_config, read_object
from workbench.device.serialboard import Facts, SerialBoard
from workbench.errors import WorkbenchError
from workbench.paths import board_folder

FILE = "board.json"
PIN_KEYS = ("clock", "word", "data", "light", "button", "battery")
MAY_BE_NONE = ("light", "battery", "camera")
CAMERA_KEYS = ("clock_in", "clock_out", "vsync", "href", "sda", "scl")
# ESP32-S3's data sheet: pins 22 to 25 do not exist, 26 to 32 belong to flash and PSRAM, 33 to 37
# also do if these are octal, 19 and 20 are USB's.
PINS = frozenset({*range(19), 21, *range(33, 49)})
OCTAL_PINS = frozenset(range(33, 38))
RTC_PINS = range(22)
ADC_PINS = range(1, 21)
GAIN_SHIFTS = range(8)

Ask = Callable[[str], int]


class PinsError(WorkbenchError):
    """A board cannot be wired this way; the message says what to do."""


def table(board: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns the defaults of board.json for a folder below boards/, and the keys to ask for.

    Both are empty for a board whose pins its maker has fixed.
    """
    read = tomllib.loads((board_folder(board) / "board.toml").read_text())
    usual = {key: None if value == "none" else value for key, value in read.get("pins", {}).items()}
    return usual, read.get("ask", {})


def settle(
    board: str, there: SerialBoard, facts: Facts, file: Path | None, ask: Ask | None
) -> dict[str, bytes]:
    """Returns the file board.json for a board; {} if its maker has fixed the pins.

    Args:
        board: Folder below boards/.
        there: The board, at its prompt; pins that it already stores are kept.
        facts: The board's facts.
        file: The owner's JSON file with pins, or None.
        ask: Asks the owner for a pin; None if nobody can answer.

    Raises:
        PinsError: A pin is not known, or is impossible.
        deploy.DeployError: The file cannot be read.
    """
    usual, asked = table(board)
    if not usual:
        if file is not None:
            raise PinsError(f"the pins of {board} are known: it takes no --pins")
        return {}
    wired = usual | read_object(there, FILE) | (read_config(file) if file else {})
    for key, question in asked.items():
        if key not in wired:
            if ask is None:
                raise PinsError(
                    f"nobody has said yet which is the {question}: name a JSON file with --pins, "
                    f'such as {{"clock": 4, "word": 5, "data": 6}}'
                )
            wired[key] = ask(question)
    check(wired, {*usual, *asked}, octal="Octal" in facts.machine)
    return {FILE: json.dumps(wired).encode()}


def check(wired: Mapping[str, Any], known: set[str], *, octal: bool) -> None:
    """Refuses impossible pins.

    Args:
        wired: The content for board.json.
        known: The valid keys.
        octal: Whether the image is for octal PSRAM, which uses more pins.

    Raises:
        PinsError: Names the first thing that is wrong.
    """
    if unknown := sorted(set(wired) - known):
        raise PinsError(f"pins: there is no {unknown[0]}; there are: {', '.join(sorted(known))}")
    if wired["microphone"] not in ("i2s", "pdm"):
        raise PinsError('pins: microphone is "i2s" or "pdm"')
    if wired["gain_shift"] not in GAIN_SHIFTS:
        raise PinsError("pins: gain_shift is 0 to 7")
    if wired["light_lit"] not in (0, 1, "rgb"):
        raise PinsError('pins: light_lit is 0, 1 or "rgb"')
    used: dict[int, str] = {}
    for key, pin in _pins(wired):
        if isinstance(pin, bool) or not isinstance(pin, int) or pin not in PINS:
            raise PinsError(f"pins: {key} is {pin}, which is no pin that an ESP32-S3 has to spare")
        if octal and pin in OCTAL_PINS:
            raise PinsError(f"pins: {key} is {pin}, which octal PSRAM needs")
        if pin in used:
            raise PinsError(f"pins: {key} and {used[pin]} are both {pin}")
        used[pin] = key
    if wired["button"] not in RTC_PINS:
        raise PinsError("pins: button is 0 to 21, or it wakes nothing")
    if wired["battery"] is not None and wired["battery"] not in ADC_PINS:
        raise PinsError("pins: battery is 1 to 20: no other pin measures")


def _pins(wired: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Each pin with its name."""
    found = [
        (key, wired[key]) for key in PIN_KEYS if wired[key] is not None or key not in MAY_BE_NONE
    ]
    camera = wired["camera"]
    if camera is None:
        return found
    if (
        not isinstance(camera, dict)
        or set(camera) != {"data", *CAMERA_KEYS}
        or not isinstance(camera["data"], list)
        or len(camera["data"]) != 8
    ):
        raise PinsError(f"pins: camera has data (8 pins), {', '.join(CAMERA_KEYS)}, or is null")
    found += [(f"camera's data {i}", pin) for i, pin in enumerate(camera["data"])]
    return found + [(f"camera's {key}", camera[key]) for key in CAMERA_KEYS]
