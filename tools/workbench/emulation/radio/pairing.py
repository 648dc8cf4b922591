# SPDX-License-Identifier: Apache-2.0
"""Emulates pairing as the firmware sees it: passkey IRQs, and old bonds deleted beforehand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from bumble.device import Connection
from bumble.pairing import PairingConfig, PairingDelegate

from workbench.emulation.radio.board import Board
from workbench.emulation.radio.bonds import Bonds
from workbench.emulation.radio.wire import Event, Item

log = logging.getLogger(__name__)

# MP_BLUETOOTH_PASSKEY_ACTION_* of extmod/modbluetooth.h.
INPUT = 2
DISPLAY = 3
NUMERIC_COMPARISON = 4

# By the numbers of config(io=): the Security Manager's (Core 5.4, Vol 3, Part H, 2.3.2).
_IO_CAPABILITIES = tuple(PairingDelegate.IoCapability(number) for number in range(5))


def pairing_config(settings: Mapping[Item, int], delegate: Delegate) -> PairingConfig:
    """Returns bumble's pairing configuration for the firmware's settings."""
    return PairingConfig(
        sc=bool(settings[Item.LE_SECURE]),
        mitm=bool(settings[Item.MITM]),
        bonding=bool(settings[Item.BOND]),
        delegate=delegate,
        identity_address_type=PairingConfig.AddressType.RANDOM,
    )


class Delegate(PairingDelegate):
    """Passes bumble's questions during a pairing on to the firmware."""

    def __init__(self, connection: Connection, io: int, board: Board, bonds: Bonds) -> None:
        super().__init__(_IO_CAPABILITIES[io])
        self._connection = connection
        self._board = board
        self._bonds = bonds
        self._action = 0
        self._answer: asyncio.Future[int] | None = None

    async def accept(self) -> bool:
        # NimBLE's binding cannot refuse a pairing; it deletes the old bond first.
        if await self._bonds.forget_before_pairing(self._connection.peer_address):
            return True
        log.error(
            "radio: the firmware keeps the bond of a peer that pairs again; NimBLE would hang here"
        )
        return False

    def answer(self, action: int, passkey: int) -> bool:
        """Handles the firmware's gap_passkey; False if it does not match the pending action."""
        if self._answer is None or self._answer.done() or action != self._action:
            return False
        self._answer.set_result(passkey)
        return True

    async def _ask(self, action: int, passkey: int = 0) -> int:
        self._action = action
        self._answer = asyncio.get_running_loop().create_future()
        self._board.tell(Event.PASSKEY_ACTION, "HBI", self._connection.handle, action, passkey)
        return await self._answer

    async def generate_passkey(self) -> int:
        return await self._ask(DISPLAY)

    async def display_number(self, number: int, digits: int) -> None:
        """The firmware chose the passkey and has displayed it already."""

    async def get_number(self) -> int | None:
        return await self._ask(INPUT)

    async def compare_numbers(self, number: int, digits: int) -> bool:
        return bool(await self._ask(NUMERIC_COMPARISON, number))
