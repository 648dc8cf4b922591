# SPDX-License-Identifier: Apache-2.0
"""Passes news to any number of pages, each at its own pace."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

T = TypeVar("T")


class Pages(Generic[T]):
    """The pages that follow a source of news.

    Args:
        waiting: A page that falls behind by more is dropped, and has to reload.
    """

    def __init__(self, waiting: int) -> None:
        self._waiting = waiting
        self._queues: set[asyncio.Queue[T | None]] = set()

    def __len__(self) -> int:
        return len(self._queues)

    def publish(self, news: T) -> None:
        """Passes news to all pages that follow."""
        for queue in list(self._queues):
            if queue.full():
                self._let_go(queue)
            else:
                queue.put_nowait(news)

    def end(self) -> None:
        """Ends the streams of all pages."""
        for queue in list(self._queues):
            self._let_go(queue)

    async def follow(self) -> AsyncGenerator[T, None]:
        """Iterates over news published from now on; ends when the page is dropped."""
        queue: asyncio.Queue[T | None] = asyncio.Queue(self._waiting)
        self._queues.add(queue)
        try:
            while (news := await queue.get()) is not None:
                yield news
        finally:
            self._queues.discard(queue)

    def _let_go(self, queue: asyncio.Queue[T | None]) -> None:
        self._queues.discard(queue)
        if queue.full():
            with contextlib.suppress(asyncio.QueueEmpty):
                queue.get_nowait()
        queue.put_nowait(None)
