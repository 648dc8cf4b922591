# SPDX-License-Identifier: Apache-2.0
"""What the dashboard knows: the last events, and who wants to hear of the next ones."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from glint.client import Glasses

KEPT_EVENTS = 1000
# A page that is slower than this is told to load anew, and gets what is kept.
_WAITING_EVENTS = 256


class Board:
    """The events of one pair of glasses, for any number of pages.

    Args:
        glasses: Connected.

    Attributes:
        events: The last ones, as JSON holds them, the oldest first.
    """

    def __init__(self, glasses: Glasses) -> None:
        self.glasses = glasses
        self.events: deque[dict[str, Any]] = deque(maxlen=KEPT_EVENTS)
        self._pages: set[asyncio.Queue[dict[str, Any] | None]] = set()

    async def run(self) -> None:
        """Reads events until the glasses are closed. Raises LinkLostError: they are gone."""
        try:
            async for event in self.glasses.events():
                fields = event.as_json()
                self.events.append(fields)
                for page in list(self._pages):
                    if page.full():
                        self._pages.discard(page)
                        page.get_nowait()
                        page.put_nowait(None)
                    else:
                        page.put_nowait(fields)
        finally:
            for page in self._pages:
                with contextlib.suppress(asyncio.QueueFull):
                    page.put_nowait(None)

    async def follow(self) -> AsyncIterator[dict[str, Any]]:
        """Iterates over what happens from now on; ends when the page is too slow."""
        page: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(_WAITING_EVENTS)
        self._pages.add(page)
        try:
            while (fields := await page.get()) is not None:
                yield fields
        finally:
            self._pages.discard(page)
