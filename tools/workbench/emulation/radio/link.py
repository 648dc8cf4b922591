# SPDX-License-Identifier: Apache-2.0
"""One connection of the radio: its events, its security, and the buffers of its notifications."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from bumble.device import Connection
from bumble.hci import Address
from bumble.keys import PairingKeys

from workbench.emulation.radio.board import Board
from workbench.emulation.radio.bonds import OUR_SECRET, Bonds
from workbench.emulation.radio.stacks import Stack
from workbench.emulation.radio.wire import Event

_KEY_BYTES = 16
# How long a stack that reports the MTU first may delay reporting the connection.
_CONNECT_TOLD_S = 0.05
# How long a firmware must expect that a link is being secured, after it was told of the link or
# asked for one of its secrets.
EXPECTED_S = 2.0


class Link:
    """Keeps what NimBLE knows of a connection and bumble does not, and reports to the firmware.

    Args:
        connection: bumble's connection.
        board: The board to report to.
        bonds: The store of keys.
        stack: The stack to imitate.
        on_end: Called when the connection has ended, before the firmware is told.

    Attributes:
        authenticated: The link's key was made with MITM protection.
        ending: The glasses have ended it, but the peer does not know yet.
        settled: The firmware knows how the link is secured.
    """

    def __init__(
        self,
        connection: Connection,
        board: Board,
        bonds: Bonds,
        stack: Stack,
        on_end: Callable[[Link], None],
    ) -> None:
        self.connection = connection
        # Kept here: bumble's changes when it resolves the address anew.
        self.peer: Address = connection.peer_address
        self.authenticated = False
        self.pairing = False
        self.ending = False
        self.settled = asyncio.Event()
        self.settled.set()
        self._board = board
        self._bonds = bonds
        self._stack = stack
        self._on_end = on_end
        self._bonded = False
        self._restoring: asyncio.Task[None] | None = None
        self._occupied: deque[tuple[int, int]] = deque()
        self._expected_s: float | None = None
        self._connecting: asyncio.TimerHandle | None = asyncio.get_running_loop().call_later(
            _CONNECT_TOLD_S, self.tell_connected
        )
        if not stack.mtu_first:
            self.tell_connected()
        for event, handler in (
            (Connection.EVENT_DISCONNECTION, self._on_disconnection),
            (Connection.EVENT_CONNECTION_ATT_MTU_UPDATE, self._on_mtu),
            (Connection.EVENT_CONNECTION_PARAMETERS_UPDATE, self._on_parameters),
            (Connection.EVENT_CONNECTION_ENCRYPTION_CHANGE, self._on_encryption),
            (Connection.EVENT_PAIRING_START, self._on_pairing_start),
            (Connection.EVENT_PAIRING, self._on_paired),
            (Connection.EVENT_PAIRING_FAILURE, self._on_pairing_failure),
        ):
            connection.on(event, handler)

    def tell_connected(self) -> None:
        """Reports the connection, unless that has already happened."""
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
            self._expected_s = asyncio.get_running_loop().time()
            self._tell_peer(Event.CENTRAL_CONNECT)

    def _tell_peer(self, event: Event) -> None:
        self._board.tell(
            event,
            "HB",
            self.connection.handle,
            not self.peer.is_public,
            data=bytes(reversed(bytes(self.peer))),
        )

    def _on_disconnection(self, _: int) -> None:
        self.tell_connected()
        self.settled.set()
        if self._restoring is not None:
            self._restoring.cancel()
        self._on_end(self)
        storing = self._bonds.storing
        if storing is None or storing.done():
            self._tell_peer(Event.CENTRAL_DISCONNECT)
        else:
            storing.add_done_callback(lambda _: self._tell_peer(Event.CENTRAL_DISCONNECT))

    def _on_mtu(self) -> None:
        connection = self.connection
        self._board.tell(Event.MTU_EXCHANGED, "HH", connection.handle, connection.att_mtu)

    def _on_parameters(self) -> None:
        self.tell_connected()
        parameters = self.connection.parameters
        self._board.tell(
            Event.CONNECTION_UPDATE,
            "5H",
            self.connection.handle,
            round(parameters.connection_interval / 1.25),
            parameters.peripheral_latency,
            round(parameters.supervision_timeout / 10),
            0,
        )

    # Security

    def expect_security(self) -> bool:
        """Whether the firmware already expects the link to be secured; from now on, it does."""
        now_s = asyncio.get_running_loop().time()
        expected_s, self._expected_s = self._expected_s, now_s
        return expected_s is not None and now_s < expected_s + EXPECTED_S and not self.ending

    @property
    def is_bonding(self) -> bool:
        """Whether the current pairing will store its keys."""
        session = self.connection.device.smp_manager.sessions.get(self.connection.handle)
        return session is not None and session.bonding

    def _on_pairing_start(self) -> None:
        self.pairing = True

    def _on_encryption(self) -> None:
        if not self.pairing:  # else NimBLE reports once, when the keys are exchanged
            self.settled.clear()
            self._restoring = asyncio.create_task(self._restore())

    async def _restore(self) -> None:
        """Handles encryption with a bond's key, which records whether it has MITM protection."""
        async with self._bonds.host_task:
            secret = await self._bonds.secret(OUR_SECRET, self.peer)
            self._bonded = secret is not None
            self.authenticated = secret is not None and secret.authenticated
            self._tell_encryption()
        self.settled.set()

    def on_keys(self, keys: PairingKeys) -> bool:
        """Handles a pairing that ended with these keys; returns whether to store them."""
        # What the peer sends next comes after its keys: the firmware must know of them.
        self.settled.clear()
        key = keys.ltk or keys.ltk_central
        self.authenticated = key is not None and key.authenticated
        self._bonded = self.is_bonding
        if not (self._bonded and self._stack.keys_first):
            self._tell_encryption()
        return self._bonded

    def on_kept(self) -> None:
        """Handles that the firmware has the keys of the pairing."""
        if self._stack.keys_first:
            self._tell_encryption()

    def _on_paired(self, _: PairingKeys) -> None:
        self.pairing = False
        self.peer = self.connection.peer_address
        self.settled.set()

    def _on_pairing_failure(self, _: int) -> None:
        self.pairing = False
        self._tell_encryption()
        self.settled.set()

    def _tell_encryption(self) -> None:
        self.tell_connected()
        encrypted = bool(self.connection.encryption)
        self._board.tell(
            Event.ENCRYPTION_UPDATE,
            "H4B",
            self.connection.handle,
            encrypted,
            encrypted and self.authenticated,
            encrypted and self._bonded,
            _KEY_BYTES if encrypted else 0,
        )

    # Buffers

    def occupy(self, buffers: int) -> None:
        """Records that the notification queued last occupies that many buffers."""
        queue = self.connection.data_packet_queue
        self._occupied.append((queue.queued if queue else 0, buffers))

    def freed(self) -> int:
        """Returns how many buffers were handed to the controller since the last call."""
        queue = self.connection.data_packet_queue
        count = 0
        # bumble reports how many packets are queued and how many done, not how many are sent.
        sent = queue.queued - len(queue._packets) if queue else 0
        while self._occupied and (queue is None or self._occupied[0][0] <= sent):
            count += self._occupied.popleft()[1]
        return count

    def freed_at_end(self) -> int:
        """Returns the buffers that were still occupied when the connection ended."""
        count = sum(buffers for _, buffers in self._occupied)
        self._occupied.clear()
        return count
