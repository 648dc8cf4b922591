# SPDX-License-Identifier: Apache-2.0
"""What the glasses hear, for as long as somebody listens: one recording after the other.

A recording ends after a minute. Each begins with sound from before it was asked for, so the next
one overlaps with the last, and the microphone's time in its announcement says by how much.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta

from glint import protocol
from glint.audio import SAMPLE_BYTES, Chunk, decoder
from glint.collect import Collector
from glint.errors import GlintError, LinkLostError, MediaError, Reason, RequestError
from glint.fetch import Fetcher
from glint.media import MediaStore, Transfer

# The glasses may be recording what followed a wake word.
_BUSY_S = 0.2
# A recording of which nothing comes may be one that a reboot or a long way out of range cost.
_FAILURES = 3


class Microphone:
    """A microphone that is listened to.

    Args:
        record: Asks for a recording of so many milliseconds; gives the object's id.
        store: Holds the objects.
        fetcher: Fetches them.
        collector: Waits for them.
    """

    def __init__(
        self,
        record: Callable[[int], Awaitable[int]],
        store: MediaStore,
        fetcher: Fetcher,
        collector: Collector,
    ) -> None:
        self._record = record
        self._store = store
        self._fetcher = fetcher
        self._collector = collector
        self._boot: int | None = None
        self._next = 0  # the sample that the next chunk should begin with
        self._until: datetime | None = None  # when the last chunk ended

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """Iterates over what is heard from now on; the recording ends with the iteration.

        Raises:
            LinkLostError: The glasses were not found again in time.
            MediaError: Nothing can be recorded.
            RequestError: The glasses refuse, or are recording something else when this begins.
        """
        failures = 0
        first = True
        while True:
            transfer = await self._begin(first)
            first = False
            got = False
            try:
                async for chunk in self._of(transfer):
                    got = True
                    yield chunk
                transfer.data()
            except (LinkLostError, MediaError):
                failures = 0 if got else failures + 1
                if failures == _FAILURES:
                    raise
            finally:
                self._fetcher.discard(transfer.media.id)
                self._store.drop(transfer.media.id)

    async def _begin(self, first: bool) -> Transfer:
        while True:
            try:
                number = await self._record(protocol.LIMIT_RECORD_MAX_MS)
            except RequestError as error:
                if first or error.reason is not Reason.BUSY:
                    raise
                await asyncio.sleep(_BUSY_S)
                continue
            try:
                return await self._collector.announced(number)
            except BaseException:
                self._fetcher.discard(number)
                raise

    async def _of(self, transfer: Transfer) -> AsyncIterator[Chunk]:
        """The chunks of one recording, without what the one before it had."""
        media = transfer.media
        if media.at_ms is None:
            raise GlintError(
                "These glasses do not say when their recordings begin: update their firmware.",
                reason=Reason.WRONG_VERSION,
            )
        decode = decoder(media).decode
        started = (
            None if media.time is None else media.time - timedelta(milliseconds=media.preroll_ms)
        )
        sample = media.at_ms * media.rate_hz // 1000
        begun = sample
        if self._boot != media.boot_id or self._until is None:
            gap = self._rebooted(started)
            self._boot, self._next = media.boot_id, sample
        else:
            gap = max(0, sample - self._next) * 1000 // media.rate_hz
        position = 0
        while position < transfer.arrived or await self._collector.more(transfer):
            piece = transfer.read(position)
            position += len(piece)
            pcm = decode(piece)
            known = SAMPLE_BYTES * max(0, self._next - sample)
            at = sample + min(known, len(pcm)) // SAMPLE_BYTES
            sample += len(pcm) // SAMPLE_BYTES
            pcm = pcm[known:]
            if not pcm:
                continue
            since_start = timedelta(seconds=(at - begun) / media.rate_hz)
            time = None if started is None else started + since_start
            yield Chunk(pcm, media.rate_hz, at * 1000 // media.rate_hz, time, gap)
            gap = 0
            self._next = sample
            self._until = time and time + timedelta(seconds=(sample - at) / media.rate_hz)

    def _rebooted(self, started: datetime | None) -> int:
        """How much is missing, by this machine's clock, when the microphone's began anew."""
        if self._until is None or started is None:
            return 0
        return max(0, round((started - self._until) / timedelta(milliseconds=1)))
