# SPDX-License-Identifier: Apache-2.0
"""Sends the board's notifications and indications, and accounts for the buffers that they take."""

from __future__ import annotations

import struct

from bumble import att

from workbench.emulation.radio.board import Board
from workbench.emulation.radio.gatt import BoardServer
from workbench.emulation.radio.link import Link
from workbench.emulation.radio.wire import Event, blocks_for

_TIMED_OUT = 13  # BLE_HS_ETIMEOUT


class Sender:
    """Sends notifications and indications.

    Args:
        board: The board to report the outcome to.
        links: The connections, by their handles.

    Attributes:
        server: The GATT server with the attributes; None while the radio is off.
        notifications: Sent so far.
        notified_bytes: Their payload.
    """

    def __init__(self, board: Board, links: dict[int, Link]) -> None:
        self.server: BoardServer | None = None
        self.notifications = self.notified_bytes = 0
        self._board = board
        self._links = links

    def notify(self, body: bytes) -> None:
        """Carries out a NOTIFY frame by sending a notification."""
        handle, attribute = struct.unpack_from("<HH", body)
        value = body[4:]
        link = self._links.get(handle)
        if link is None or self.server is None:
            self.free(blocks_for(len(value)))
            return
        blocks = blocks_for(len(value))
        value = value[: link.connection.att_mtu - 3]
        self.server.send_gatt_pdu(
            link.connection,
            bytes(
                att.ATT_Handle_Value_Notification(attribute_handle=attribute, attribute_value=value)
            ),
        )
        link.occupy(blocks)
        self.notifications += 1
        self.notified_bytes += len(value)
        self.free(link.freed())

    def free(self, buffers: int) -> None:
        """Gives buffers back to the board."""
        if buffers:
            self._board.tell(Event.ROOM, "B", buffers)

    def flow(self) -> None:
        """Handles that the controller has taken packets."""
        for link in self._links.values():
            self.free(link.freed())

    async def indicate(self, handle: int, attribute_handle: int, value: bytes) -> None:
        """Sends an indication, and reports its outcome."""
        link, server = self._links.get(handle), self.server
        attribute = server.get_attribute(attribute_handle) if server else None
        if link is None or server is None or attribute is None:
            return
        status = 0
        try:
            await server.indicate_subscriber(link.connection, attribute, value, force=True)
        except TimeoutError:
            status = _TIMED_OUT
        if handle in self._links:
            self._board.tell(Event.GATTS_INDICATE_DONE, "HHB", handle, attribute_handle, status)

    async def update(self, handle: int, value: bytes) -> None:
        """Notifies all subscribers of a value."""
        attribute = self.server.get_attribute(handle) if self.server else None
        if self.server is not None and attribute is not None:
            await self.server.notify_subscribers(attribute, value)
            await self.server.indicate_subscribers(attribute, value)
