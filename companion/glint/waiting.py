# SPDX-License-Identifier: Apache-2.0
"""Helpers to wait for a broadcast, and to end tasks."""

import asyncio
from typing import Any

_CANCEL_AGAIN_S = 0.1


class Broadcast:
    """An event without memory: `set_off` wakes those who wait at that moment, and nobody later."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()

    def set_off(self) -> None:
        """Wakes everybody who waits."""
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


async def end_tasks(*tasks: asyncio.Task[Any]) -> None:
    """Cancels tasks until they have ended, however they end.

    Once is not enough: Python 3.11's `asyncio.wait_for`, which the stacks below bleak use, swallows
    a cancellation that comes just as its future is done.
    """
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_CANCEL_AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)
