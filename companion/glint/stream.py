# SPDX-License-Identifier: Apache-2.0
"""The stream of events from the glasses: kept complete and in order, read, and acknowledged."""

import asyncio
import contextlib
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from smpclient.requests.os_management import DateTimeWrite

from glint.errors import (
    ClosedError,
    GlintError,
    LinkLostError,
    NoAnswerError,
    ProtocolError,
    RequestError,
)
from glint.events import Event, Media, MediaEnd
from glint.fetch import Fetcher
from glint.link import Link
from glint.media import MediaStore
from glint.reader import EventReader
from glint.sequence import LATEST, Sequence
from glint.smp import EventsWrite
from glint.timeline import Timeline, now

# Acknowledge after so many events or so much time, whichever comes first.
_ACKNOWLEDGE_EVENTS = 16
_ACKNOWLEDGE_S = 0.2
# After a pause in the events, see once whether the last of them went missing.
_TAIL_CHECK_S = 2.0


class EventStream:
    """Asks the glasses for their events, gives them to readers, and acknowledges what was read.

    Attributes:
        sequence: Puts the events in order.
        asking: Tasks that ask for events again.
    """

    def __init__(
        self, store: MediaStore, fetcher: Fetcher, link: Callable[[], Awaitable[Link]]
    ) -> None:
        """Makes a stream that has not started.

        Args:
            store: Is told of the media that events announce.
            fetcher: Is told, too.
            link: Waits for the link to the glasses.
        """
        self._store = store
        self._fetcher = fetcher
        self._link = link
        self.sequence = Sequence(self._on_event, self._ask_again, self._on_reboot)
        self._timeline = Timeline()
        self._readers: weakref.WeakSet[EventReader] = weakref.WeakSet()
        self._streaming = False
        self._start_lock = asyncio.Lock()
        self.asking: set[asyncio.Task[None]] = set()
        self._own = 0  # The first event of this boot.
        self._unread = 0  # The oldest that was unread when events were asked for last.
        self._acknowledged = 0
        self._given = 0  # To any reader, also one that is gone.
        self._some_done = asyncio.Event()
        self._many_done = asyncio.Event()

    def reader(self, since: int | None) -> EventReader:
        """Makes an iterator over events.

        Args:
            since: First sequence number wanted; 0 for the oldest unread, None for the next one.
        """
        reader = EventReader(since, self._start_reader, self._on_moved)
        if since is None:
            self._readers.add(reader)
            if 0 < self.sequence.expected < LATEST:
                reader.begin(self.sequence.expected, self._oldest_unread())
        return reader

    def jobs(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """What has to run while the glasses are connected."""
        return self._acknowledge_in_time(), self._watch()

    def _on_event(self, event: Event, number: int) -> None:
        event = self._timeline.dated(event)
        if isinstance(event, Media):
            self._store.announce(event)
            self._fetcher.announced(event.id)
        elif isinstance(event, MediaEnd):
            self._store.end(event)
            self._fetcher.announced(event.id)
        for reader in self._readers:
            reader.push(event, number)

    def _on_reboot(self) -> None:
        self._store.forget(LinkLostError("The glasses started anew: ask again."))
        self._fetcher.forget()
        self._acknowledged = self._given = 0
        for reader in self._readers:
            reader.rebooted(self._own, self._unread)

    async def resume(self, link: Link) -> None:
        """Goes on over a new link where the one before it ended."""
        time = now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with contextlib.suppress(NoAnswerError, ProtocolError, RequestError):
            await link.requests.request(DateTimeWrite(datetime=time))
        self._fetcher.restart()
        if self._streaming:
            await self._start(link, self.sequence.expected)

    async def _start_reader(self, reader: EventReader) -> None:
        if reader.latest and reader.since is not None:
            return  # it comes already
        since = LATEST if reader.since is None else reader.since
        while True:
            link = await self._link()
            with contextlib.suppress(LinkLostError):
                return await self._start(link, since, reader)

    async def ensure_started(self) -> None:
        """Starts events from now on if nobody has wanted any yet: media comes only with them."""
        if not self._streaming:
            await self._start(await self._link(), LATEST)

    async def _start(self, link: Link, since: int, reader: EventReader | None = None) -> None:
        async with self._start_lock:
            self._streaming = True
            in_order = False
            while not in_order:
                self.sequence.begin(since)
                if reader:
                    self._readers.add(reader)
                asked = now()
                answer = await link.requests.request(EventsWrite(since=since))
                self._unread = answer.first
                self._own = answer.own
                self._timeline.started(answer.boot, self._own, answer.uptime_ms, asked, now())
                for one in self._readers:
                    if one.since is None:
                        one.begin(answer.next, answer.first)
                in_order = self.sequence.started(answer.boot, answer.first, answer.next)
                if not in_order:
                    since = 0
                    if reader:
                        reader.start_over()

    def _ask_again(self) -> None:
        task = asyncio.create_task(self._restart())
        self.asking.add(task)
        task.add_done_callback(self.asking.discard)

    async def _restart(self) -> None:
        link = await self._link()
        try:
            await self._start(link, self.sequence.expected)
        except GlintError:
            await link.close()  # The connection takes it from here.

    async def _watch(self) -> None:
        checked = 0
        while True:
            expected = self.sequence.expected
            await asyncio.sleep(_TAIL_CHECK_S)
            if expected in (0, checked) or expected != self.sequence.expected:
                continue
            with contextlib.suppress(GlintError):
                link = await self._link()
                async with self._start_lock:
                    # It sends nothing anew unless something is missing.
                    answer = await link.requests.request(EventsWrite(since=expected))
                if expected == self.sequence.expected:
                    checked = expected if answer.next == expected else 0
                    self.sequence.check(answer.next)

    def end(self, error: Exception | None) -> None:
        """Ends all readers and transfers; `error` is why, or None for glasses that were closed."""
        for reader in self._readers:
            reader.end(error)
        self._store.fail(
            error or ClosedError("The glasses were closed: call glint.connect() again.")
        )

    def _on_moved(self, reader: EventReader) -> None:
        if reader.covers:
            self._given = max(self._given, reader.given)
        done = self._done()
        if done > self._acknowledged:
            self._some_done.set()
        if done - self._acknowledged >= _ACKNOWLEDGE_EVENTS:
            self._many_done.set()

    def _oldest_unread(self) -> int:
        return max(self._unread, self._acknowledged + 1)

    def _done(self) -> int:
        if not any(reader.covers for reader in self._readers):
            return 0
        return min(reader.done for reader in self._readers)

    async def _acknowledge_in_time(self) -> None:
        while True:
            await self._some_done.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ACKNOWLEDGE_S):
                    await self._many_done.wait()
            self._some_done.clear()
            self._many_done.clear()
            with contextlib.suppress(GlintError):
                await self._acknowledge_up_to(self._done)

    async def acknowledge(self, *, failed: bool) -> None:
        """Acknowledges before the link is closed.

        Args:
            failed: The app failed, so that what it was given last may not have been dealt with.

        Raises:
            LinkLostError: The link dropped meanwhile.
        """
        await self._acknowledge_up_to(self._done if failed else self._handed_over)

    def _handed_over(self) -> int:
        given = [reader.given for reader in self._readers]
        if not any(reader.covers for reader in self._readers):
            given.append(self._given)  # to readers that are gone
        return min(given)

    async def _acknowledge_up_to(self, wanted: Callable[[], int]) -> None:
        link = await self._link()
        # Only now: on a new link the glasses may count from 1 again.
        seq = wanted()
        if seq > self._acknowledged:
            before, self._acknowledged = self._acknowledged, seq
            try:
                await link.acknowledge(seq)
            except BaseException:  # Stopped, too: who leaves then has to say it again.
                self._acknowledged = min(self._acknowledged, before)
                raise
