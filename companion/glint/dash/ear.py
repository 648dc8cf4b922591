# SPDX-License-Identifier: Apache-2.0
"""The live microphone of one pair of glasses, shared by all pages that listen."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from glint.client import Glasses
from glint.dash.pages import Pages
from glint.errors import GlintError
from glint.waiting import end_tasks

# A page that falls behind by more chunks than this is dropped.
_WAITING_CHUNKS = 256


class Ear:
    """Listens while any page does; the glasses' privacy light is on meanwhile.

    Args:
        glasses: Connected glasses.
    """

    def __init__(self, glasses: Glasses) -> None:
        self._glasses = glasses
        self._pages: Pages[bytes | GlintError] = Pages(_WAITING_CHUNKS)
        self._task: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        """Whether a page listens: then a recording that is announced is part of the live sound."""
        return self._task is not None and not self._task.done()

    async def follow(self) -> AsyncGenerator[bytes, None]:
        """Iterates over signed 16-bit samples, one channel, 16 kHz, in the machine's byte order.

        Raises:
            GlintError: The glasses do not record, or are gone.
        """
        if not self.open:
            self._task = asyncio.create_task(self._listen())
        try:
            async with contextlib.aclosing(self._pages.follow()) as heard:
                async for piece in heard:
                    if isinstance(piece, GlintError):
                        raise piece
                    yield piece
        finally:
            if not len(self._pages):
                await self.close()

    async def close(self) -> None:
        """Stops listening."""
        task, self._task = self._task, None
        if task is not None:
            await end_tasks(task)

    async def _listen(self) -> None:
        try:
            async with contextlib.aclosing(self._glasses.audio()) as chunks:
                async for chunk in chunks:
                    self._pages.publish(chunk.pcm)
        except GlintError as error:
            self._pages.publish(error)
        finally:
            self._pages.end()
