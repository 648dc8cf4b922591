# SPDX-License-Identifier: Apache-2.0
"""Wakes every task that waits at that moment."""

import asyncio


class Pulse:
    """An event without memory: `set_off` wakes those who wait now, and nobody later."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()

    def set_off(self) -> None:
        """Wakes all who wait."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self) -> None:
        """Waits for the next `set_off`."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)
