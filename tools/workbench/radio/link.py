# SPDX-License-Identifier: Apache-2.0
"""One connection of the radio: its security, and the buffers that its notifications occupy."""

from __future__ import annotations

import asyncio
from collections import deque

from bumble.device import Connection
from bumble.hci import Address


class Link:
    """What NimBLE knows of a connection and bumble does not.

    Attributes:
        authenticated: The link's key was made with MITM protection.
        bonded: The link's key is stored.
        pairing: A pairing is going on.
        settled: The firmware knows how the link is secured.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        # bumble forgets it when it resolves the address anew.
        self.peer: Address = connection.peer_address
        self.authenticated = False
        self.bonded = False
        self.pairing = False
        self.settled = asyncio.Event()
        self.settled.set()
        self._occupied: deque[tuple[int, int]] = deque()

    def occupy(self, buffers: int) -> None:
        """Notes that what was queued last occupies so many buffers."""
        queue = self.connection.data_packet_queue
        self._occupied.append((queue.queued if queue else 0, buffers))

    def freed(self) -> int:
        """Returns how many buffers the controller has given back since the last call."""
        queue = self.connection.data_packet_queue
        count = 0
        while self._occupied and (queue is None or self._occupied[0][0] <= queue.completed):
            count += self._occupied.popleft()[1]
        return count

    def freed_at_end(self) -> int:
        """Returns the buffers that were still occupied when the connection ended."""
        count = sum(buffers for _, buffers in self._occupied)
        self._occupied.clear()
        return count
