# SPDX-License-Identifier: Apache-2.0
"""One app's position in the stream of events."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

from glint.events import Event, Gap
from glint.waiting import Broadcast

# A journal holds fewer; an app that lags further behind gets a Gap.
_MAX_QUEUED = 4096


class EventReader(AsyncIterator[Event]):
    """Iterates over events; made by `Glasses.events`.

    An event counts as handled, and is acknowledged to the glasses, when the next one is asked for.

    Attributes:
        since: First sequence number wanted; None while that is the next there will be, and nobody
            has asked the glasses which that is.
        latest: What it wants is what happens from now on.
        covers: It has, or wants, all that the glasses hold unread. What a reader of the latest
            events never wanted is not to be acknowledged for it.
        done: Sequence number up to which this reader has handled everything.
        given: Sequence number up to which this reader has been given everything.
    """

    def __init__(
        self,
        since: int | None,
        start: Callable[["EventReader"], Awaitable[None]],
        moved: Callable[["EventReader"], None],
    ) -> None:
        """Makes a reader that has not started.

        Args:
            since: First sequence number wanted; 0 for the oldest that is unread, None for the next.
            start: Starts the stream for this reader; awaited before the first event.
            moved: Called when `done` or `given` has moved.
        """
        self.since = since
        self.latest = since is None
        self.covers = not self.latest
        self.done = 0
        self.given = 0
        self._start = start
        self._started = False
        self._moved = moved
        self._next = since or 0
        self._queue: deque[tuple[Event, int]] = deque()
        self._overrun = 0
        self._ended = False
        self._error: Exception | None = None
        self._changed = Broadcast()

    def push(self, event: Event, number: int) -> None:
        """Takes the next event; `number` may be acknowledged once it is handled."""
        if self.since is None or number < self._next:
            return  # Another reader asked for it again.
        self._next = number + 1
        if len(self._queue) >= _MAX_QUEUED:
            self._overrun += 1
            return
        if self._overrun:
            self._queue.append((Gap(event.seq, event.time_ms, self._overrun), number - 1))
            self._overrun = 0
        self._queue.append((event, number))
        self._changed.set_off()

    def begin(self, since: int, unread: int) -> None:
        """What this reader wants begins with number `since`; `unread` is the oldest unread."""
        self.since = self._next = since
        self.done = self.given = since - 1
        self.covers = since <= unread

    def start_over(self) -> None:
        """Starts with the oldest event, as the wanted number does not exist in this boot."""
        self.since = self._next = 0

    def rebooted(self, own: int, unread: int) -> None:
        """Notes a reboot: what is queued is still given, but not acknowledged.

        Args:
            own: First number of this boot.
            unread: Oldest number that is unread.
        """
        if self.covers:
            self._next = self.done = self.given = 0
        elif self.since is not None:
            self.begin(own, unread)
        self._queue = deque((event, 0) for event, _ in self._queue)

    def end(self, error: Exception | None) -> None:
        """Ends the iteration once what is queued has been read, with an error or without."""
        self._ended = True
        self._error = error
        self._changed.set_off()

    async def __anext__(self) -> Event:
        """Returns the next event; ends when the glasses are closed.

        Raises:
            LinkLostError: The glasses could not be reached again in time.
        """
        self.done = self.given
        self._moved(self)
        if not self._started:
            await self._start(self)
            self._started = True
        while not self._queue:
            if self._error:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            await self._changed.wait()
        event, number = self._queue.popleft()
        self.given = max(self.given, number)
        self._moved(self)
        return event
