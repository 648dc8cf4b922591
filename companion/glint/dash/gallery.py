# SPDX-License-Identifier: Apache-2.0
"""The photos and recordings of one pair of glasses, kept for pages to show."""

import asyncio
from dataclasses import dataclass

from glint.client import Glasses
from glint.errors import MediaError
from glint.events import Media
from glint.waiting import end_tasks

_MAX_KEPT = 200
_MAX_KEPT_BYTES = 64 << 20


@dataclass(frozen=True)
class Kept:
    """A photo or a recording.

    Attributes:
        media_type: Its media type, such as "image/jpeg".
        data: The contents of such a file.
    """

    media_type: str
    data: bytes


class Gallery:
    """Collects what the glasses announce; drops the oldest when that becomes too much.

    Args:
        glasses: Connected glasses.
    """

    def __init__(self, glasses: Glasses) -> None:
        self._glasses = glasses
        self._tasks: dict[tuple[int | None, int], asyncio.Task[Kept]] = {}  # the oldest first

    def take(self, media: Media) -> None:
        """Starts collecting an object that has just been announced."""
        task = asyncio.create_task(self._collect(media))
        task.add_done_callback(self._collected)
        self._tasks[media.boot_id, media.seq] = task

    async def get(self, boot_id: int, seq: int) -> Kept:
        """Returns an object by the event that announced it, once it has arrived.

        Raises:
            MediaError: It did not arrive completely, or is no longer kept.
        """
        task = self._tasks.get((boot_id, seq))
        if task is not None:
            await asyncio.wait([task])  # It goes on for other pages if this one leaves.
        if task is None or task.cancelled():
            raise MediaError("This photo or recording is no longer kept here: take another one.")
        return task.result()

    async def close(self) -> None:
        """Stops collecting."""
        await end_tasks(*self._tasks.values())

    async def _collect(self, media: Media) -> Kept:
        if media.kind == "audio":
            return Kept("audio/wav", (await self._glasses.audio(media)).wav())
        return Kept("image/jpeg", (await self._glasses.photo(media)).data)

    def _collected(self, task: asyncio.Task[Kept]) -> None:
        if not task.cancelled():
            task.exception()  # A page that asks for the object gets the error.
        while len(self._tasks) > _MAX_KEPT or self._kept_bytes() > _MAX_KEPT_BYTES:
            self._tasks.pop(next(iter(self._tasks))).cancel()

    def _kept_bytes(self) -> int:
        done = (task for task in self._tasks.values() if task.done() and not task.cancelled())
        return sum(len(task.result().data) for task in done if task.exception() is None)
