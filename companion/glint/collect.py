# SPDX-License-Identifier: Apache-2.0
"""Waits for media objects, across lost links."""

import asyncio
from collections.abc import Callable

from glint.connection import Connection
from glint.errors import MediaError
from glint.events import Event, Media, Wake
from glint.fetch import Fetcher
from glint.media import MediaStore, Transfer
from glint.sequence import Sequence
from glint.waiting import Broadcast

# A recording is announced right after its wake word, an object right after the answer to its
# request; chunks come all the time, or as fast as sound is recorded. Only time with a link counts.
_ANNOUNCED_S = 3.0
_STALL_S = 10.0

Progress = Callable[[int, int], None]


class Collector:
    """Returns the objects of a store as soon as they are complete."""

    def __init__(
        self, store: MediaStore, fetcher: Fetcher, connection: Connection, sequence: Sequence
    ) -> None:
        self._store = store
        self._fetcher = fetcher
        self._connection = connection
        self._sequence = sequence

    async def recording(self, of: Wake | Media) -> Transfer:
        """Returns the recording that followed a wake word, or that an event announced.

        Raises:
            MediaError: There is none.
        """
        if isinstance(of, Media):
            return await self.announced(of.id, of)
        return await self._found(
            lambda: self._store.caused_by(of.seq),
            f"No recording belongs to wake word event {of.seq}: the glasses record while a "
            "companion listens to events, and one recording at a time.",
            of,
        )

    async def announced(self, number: int, by: Event | None = None) -> Transfer:
        """Returns an object that was announced or is about to be.

        Args:
            number: The object's id.
            by: The event that names it, if there is one.

        Raises:
            MediaError: It was not.
        """
        absent = f"Media object {number} did not arrive: ask again."
        return await self._found(lambda: self._store.find(number), absent, by)

    async def _found(
        self, look: Callable[[], Transfer | None], absent: str, of: Event | None
    ) -> Transfer:
        if of and of.boot_id != self._sequence.boot:
            raise MediaError(
                f"Event {of.seq} is from before the glasses last started, and they keep sound and "
                "pictures until then: ask for new ones."
            )
        while (transfer := look()) is None:
            # The record after a wake word's announces its recording.
            late = of and self._sequence.expected > of.seq + 1
            if late or not await self._news(self._store.announced, _ANNOUNCED_S):
                raise MediaError(absent)
        return transfer

    async def requested(
        self, number: int, kind: str, progress: Progress | None
    ) -> tuple[Media, bytes]:
        """Like `receive`, for an object that only the caller wants: cancelling discards it."""
        try:
            return await self.receive(await self.announced(number), kind, progress)
        except asyncio.CancelledError:
            self._fetcher.discard(number)
            raise

    async def receive(
        self, transfer: Transfer, kind: str, progress: Progress | None
    ) -> tuple[Media, bytes]:
        """Returns the event that announced an object, and its bytes once they are complete.

        Raises:
            MediaError: It did not arrive completely, or is of another kind.
        """
        if transfer.media.kind != kind:
            raise MediaError(
                f"Object {transfer.media.id} is not of kind {kind}, but {transfer.media.kind}."
            )
        while True:
            if progress:
                progress(transfer.received, transfer.bytes)
            if not await self.more(transfer):
                return transfer.media, transfer.data()

    async def more(self, transfer: Transfer) -> bool:
        """Waits until more has arrived; returns False when nothing more will."""
        return not transfer.complete and await self._news(transfer.changed, _STALL_S)

    async def _news(self, broadcast: Broadcast, seconds: float) -> bool:
        """Waits for a broadcast or a new link; returns False if neither came within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await broadcast.wait()
        except TimeoutError:
            if self._connection.connected:
                return False
            await self._connection.link()
        return True
