# SPDX-License-Identifier: Apache-2.0
"""The glasses that tests can run on, and the abilities of each."""

from __future__ import annotations

import asyncio
import functools
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import glint
from bleak import BleakScanner
from glint.adapter import chosen, errors_explained

from workbench.emulation.radio.stacks import DEFAULT

SERIAL, BLE = "serial:", "ble:"
# bluetooth: companions reach them. console: tests see what they print. hci: their Bluetooth is
# emulated, at an HCI transport. light: tests see their privacy light. peripherals: tests give them
# sound, pictures, battery and button. power: tests cut it. range: they can be carried away, and
# their links disturbed. serial: their prompt is on a port.
EMULATED_ABILITIES = frozenset(
    {"bluetooth", "console", "hci", "light", "peripherals", "power", "range"}
)
ABILITIES = EMULATED_ABILITIES | {"serial"}


@dataclass
class Settings:
    """How emulated glasses are started.

    Attributes:
        stack: The Bluetooth stack that they behave like.
        words: Their wake words.
        files: Folders whose files are on their flash.
        report: Folder where they leave what the report shows; None for no report.
    """

    stack: str = DEFAULT
    words: list[str] = field(default_factory=lambda: ["okay_nabu"])
    files: list[Path] = field(default_factory=list)
    report: Path | None = None


settings = Settings()


class Target(ABC):
    """Glasses under test, which run inside `async with`.

    Attributes:
        board: The name of their board.
        abilities: Those of ABILITIES that they have.
        left: What they leave for the report is at this path, with suffixes; None for nothing yet.
    """

    left: Path | None = None
    board: str
    abilities: frozenset[str]

    @abstractmethod
    async def __aenter__(self) -> Self:
        """Starts them.

        Raises:
            GlintError, WorkbenchError: They are not there, or did not start.
        """

    @abstractmethod
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends what was started."""

    @abstractmethod
    async def check(self) -> None:
        """Fails, with their last output, if they are known to have ended."""

    @abstractmethod
    def connect(self) -> glint.Glasses:
        """A companion, as `async with`."""


class Real(Target):
    """Real glasses: nothing is known of them while their application runs, and they go on."""

    async def __aexit__(self, *_: object) -> None:
        """Ends nothing."""

    async def check(self) -> None:
        """Checks nothing."""


class OverBluetooth(Real):
    """Real glasses, which are reached over this machine's Bluetooth or that of GLINT_HCI alone."""

    abilities = frozenset({"bluetooth"})

    def __init__(self, name: str) -> None:
        self._name = name

    async def __aenter__(self) -> Self:
        async with self.connect() as glasses:
            self.board = (await glasses.status()).board
        return self

    def connect(self) -> glint.Glasses:
        return glint.connect(self._name)


@functools.cache
def bluetooth_lacks() -> str:
    """Returns why no companion here can reach real glasses, or ""."""
    if chosen(None):
        return ""  # An HCI transport says so itself.

    async def listen() -> None:
        with errors_explained("scan", None):
            async with BleakScanner():
                pass

    try:
        asyncio.run(listen())
    except glint.GlintError as error:
        return str(error)
    return ""


def unknown(name: str) -> str:
    """Returns why there cannot be a target of this name, or ""."""
    from workbench.build import micropython

    for start in (SERIAL, BLE):
        if name.startswith(start):
            return "" if name.removeprefix(start) else f"{start} is followed by which one"
    emulated = micropython.glasses()
    known = ", ".join([*emulated, "serial:PORT", "ble:NAME"])
    return "" if name in emulated else f"no such target; there are: {known}"


def named(name: str) -> Target:
    """The target of this name, not started."""
    if name.startswith(BLE):
        return OverBluetooth(name.removeprefix(BLE))
    if name.startswith(SERIAL):
        from workbench.testing.serial import OnSerialPort

        return OnSerialPort(name.removeprefix(SERIAL))
    from workbench.testing.emulated import Emulated

    return Emulated(name)


def lacking(name: str, abilities: Iterable[str]) -> str:
    """Returns why a target cannot do what a test needs, or ""."""
    there = named(name).abilities
    why = ""
    if "bluetooth" in abilities and "hci" not in there and (why := bluetooth_lacks()):
        there -= {"bluetooth"}
        why = f": {why}"
    missing = set(abilities) - there
    if not missing:
        return ""
    return f"glasses '{name}' lack {', '.join(sorted(missing))}{why}"
