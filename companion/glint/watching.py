# SPDX-License-Identifier: Apache-2.0
"""Changes of what the glasses see, while somebody watches."""

import contextlib
from collections.abc import AsyncGenerator, Callable

from glint import protocol
from glint.connection import Connection
from glint.errors import GlintError, Reason
from glint.events import Seen
from glint.link import Link
from glint.reader import EventReader
from glint.smp import WatchWrite

RATE_LEAST_HZ = 1000 / protocol.LIMIT_WATCH_MAX_MS
RATE_MOST_HZ = 1000 / protocol.LIMIT_WATCH_MIN_MS


class Watches:
    """All watchers of one pair of glasses; the highest rate counts.

    The glasses watch for as long as the link lasts, so that they do not go on for a companion that
    is gone: they are asked again on each new link.
    """

    def __init__(self, connection: Callable[[], Connection]) -> None:
        """Starts without watching; `connection` returns the connection to the glasses."""
        self._connection = connection
        self._every_ms: list[int] = []

    async def changes(self, rate_hz: float, reader: EventReader) -> AsyncGenerator[Seen, None]:
        """Iterates over changes of what is seen; the glasses stop watching when it ends.

        Args:
            rate_hz: Looks per second.
            reader: The events from now on.

        Raises:
            LinkLostError: The glasses were not found again in time.
            NoAnswerError, ProtocolError, RequestError: The glasses cannot watch.
        """
        every_ms = every(rate_hz)
        self._every_ms.append(every_ms)
        try:
            await self._ask(await self._connection().link())
            last = None
            async for event in reader:
                # The glasses repeat it after a new link, and when somebody else starts to watch.
                if isinstance(event, Seen) and not event.media and event.label != last:
                    last = event.label
                    yield event
        finally:
            self._every_ms.remove(every_ms)
            if self._connection().connected:
                with contextlib.suppress(GlintError):
                    await self._ask(await self._connection().link())

    async def resume(self, link: Link) -> None:
        """Makes the glasses go on watching over a new link."""
        if self._every_ms:
            with contextlib.suppress(GlintError):
                await self._ask(link)

    async def _ask(self, link: Link) -> None:
        await link.requests.request(WatchWrite(every_ms=min(self._every_ms, default=None)))


def every(rate_hz: float) -> int:
    """Returns the time between looks, in milliseconds.

    Raises:
        GlintError: The glasses do not support that rate.
    """
    if not RATE_LEAST_HZ <= rate_hz <= RATE_MOST_HZ:
        raise GlintError(
            f"Glasses look {RATE_LEAST_HZ:g} to {RATE_MOST_HZ:g} times a second, not {rate_hz:g}.",
            reason=Reason.REFUSED,
        )
    return round(1000 / rate_hz)
