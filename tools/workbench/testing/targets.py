# SPDX-License-Identifier: Apache-2.0
"""The glasses that tests can run on, by name."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterable
from typing import Self

import glint
from bleak import BleakScanner
from glint.adapter import chosen, errors_explained

from workbench.testing.base import Real, Target
from workbench.testing.emulated import Emulated
from workbench.testing.serial import OnSerialPort

SERIAL, BLE = "serial:", "ble:"


class OverBluetooth(Real):
    """Real glasses, reached only over this machine's Bluetooth or that of GLINT_HCI."""

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
    """Returns why this machine cannot reach real glasses, or "" if it can."""
    if chosen(None):
        return ""  # An HCI transport reports this itself.

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
    """Returns why a target name is invalid, or "" if it is valid."""
    from workbench.build import micropython

    for start in (SERIAL, BLE):
        if name.startswith(start):
            return "" if name.removeprefix(start) else f"{start} is followed by which one"
    emulated = micropython.glasses()
    known = ", ".join([*emulated, "serial:PORT", "ble:NAME"])
    return "" if name in emulated else f"no such target; there are: {known}"


def is_emulated(name: str) -> bool:
    """Returns whether the named target is emulated, and needs no person."""
    return not name.startswith((SERIAL, BLE))


def named(name: str) -> Target:
    """Returns the named target, not yet started."""
    if name.startswith(BLE):
        return OverBluetooth(name.removeprefix(BLE))
    if name.startswith(SERIAL):
        return OnSerialPort(name.removeprefix(SERIAL))
    return Emulated(name)


def lacking(name: str, abilities: Iterable[str]) -> str:
    """Returns why a target cannot do what a test needs, or "" if it can."""
    there = named(name).abilities
    why = ""
    if "bluetooth" in abilities and "hci" not in there and (why := bluetooth_lacks()):
        there -= {"bluetooth"}
        why = f": {why}"
    missing = set(abilities) - there
    if not missing:
        return ""
    return f"glasses '{name}' lack {', '.join(sorted(missing))}{why}"
