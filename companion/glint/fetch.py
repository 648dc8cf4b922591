# SPDX-License-Identifier: Apache-2.0
"""Fetches media objects: asks for their bytes, grants their notifications, releases them.

The glasses send only what was asked for on this link, and no more notifications than were
granted. Anything that this writes may get lost, so it is repeated after a pause.
"""

import asyncio
import struct
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from glint import protocol
from glint.errors import GlintError, MediaError
from glint.link import Link
from glint.media import MediaStore, Transfer

_HEADER = struct.Struct("<HI")
_COMMAND = struct.Struct("<BH")
_RANGE = struct.Struct("<II")

# Notifications granted at a time, renewed when half of them have come. A 1M link carries 15 in a
# connection interval of 30 ms; the rest covers the delay of a grant, and losses.
WINDOW = 64
# What is missing is asked for again after so long without a chunk. An object of which nothing has
# come yet may be queued behind others.
STALL_S = 0.5
_TURN_S = 5.0
_TICK_S = 0.25


@dataclass
class _Ask:
    """What was requested of one object on this link.

    Attributes:
        stop: End of the last range.
        at_s: When it was requested.
        heard_s: When the last chunk came or, before that, when it was requested.
        begun: Whether a chunk has come.
        again: Whether there are gaps that nothing in flight will fill.
    """

    stop: int
    at_s: float
    heard_s: float
    begun: bool = False
    again: bool = False


class Fetcher:
    """Decides what to write to the media characteristic.

    Attributes:
        chunks: The number of chunks received.
    """

    def __init__(self, store: MediaStore) -> None:
        self.chunks = 0
        self._store = store
        self._asks: dict[int, _Ask] = {}
        self._unwanted: set[int] = set()
        self._releases: list[int] = []
        self._since_grant = 0
        self._granted = False
        self._heard_s = 0.0
        self._due = asyncio.Event()

    def feed(self, chunk: bytes) -> None:
        """Takes one notification of the media characteristic."""
        self._heard_s = _now_s()
        self._since_grant += 1
        if 2 * self._since_grant >= WINDOW:
            self._due.set()
        transfer = None
        if len(chunk) >= _HEADER.size:
            number, offset = _HEADER.unpack_from(chunk)
            transfer = self._store.find(number)
        if transfer is None:
            return  # This is no chunk, or belongs to no known object.
        self.chunks += 1
        data = chunk[_HEADER.size :]
        if data:
            self._store.add(transfer, offset, data)
            self._look_for_holes(transfer, offset, offset + len(data))
        else:
            name = f"{transfer.media.kind} {number}"
            transfer.fail(MediaError(f"The glasses no longer have all of {name}: ask for another."))
        self._check(transfer)

    def _look_for_holes(self, transfer: Transfer, start: int, stop: int) -> None:
        ask = self._asks.get(transfer.media.id)
        if ask is None:
            return
        ask.heard_s = self._heard_s
        ask.begun = True
        # Ranges come in order: a gap before the last chunk will not fill itself. Gaps in sound are
        # requested at once, as somebody may be listening and the glasses overwrite it.
        over = stop >= ask.stop
        if transfer.media.kind == "audio" and ask.heard_s - ask.at_s > _TICK_S:
            over = over or start > transfer.arrived
        if over and transfer.missing():
            ask.again = True
            self._due.set()

    def announced(self, number: int) -> None:
        """Notes that another object can be fetched, or has ended."""
        if number in self._unwanted:
            self.discard(number)
        elif transfer := self._store.find(number):
            self._check(transfer)
        self._due.set()

    def _check(self, transfer: Transfer) -> None:
        if transfer.complete and not transfer.released:
            transfer.released = True
            self._asks.pop(transfer.media.id, None)
            self._release(transfer.media.id)

    def _release(self, number: int) -> None:
        self._releases.append(number)
        self._due.set()

    def discard(self, number: int) -> None:
        """Tells the glasses to forget an object, even one that is still to be announced."""
        self._unwanted.add(number)
        transfer = self._store.find(number)
        if transfer:
            self._unwanted.discard(number)
            transfer.fail(MediaError(f"{transfer.media.kind} {number} was cancelled."))
            self._check(transfer)

    def restart(self) -> None:
        """Starts over on a new link, on which nothing has been requested or granted."""
        self._asks.clear()
        self._granted = False
        self._due.set()

    def forget(self) -> None:
        """Starts over after a reboot: the glasses number their objects from the start again."""
        self._releases.clear()
        self._unwanted.clear()

    def releases(self) -> Iterator[bytes]:
        """Returns what to write so that the glasses forget objects, and takes it for written."""
        while self._releases:
            yield _COMMAND.pack(protocol.MEDIA_RELEASE, self._releases.pop(0))

    def messages(self) -> Iterator[bytes]:
        """Returns what to write now, and takes it for written."""
        yield from self.releases()
        incomplete = self._store.incomplete()
        if not incomplete:
            return
        now_s = _now_s()
        wanted = []
        stalled = False
        for transfer in incomplete:
            ask = self._asks.get(transfer.media.id)
            late = ask is not None and self._is_late(ask, now_s)
            if ask is None or ask.again or late:
                stalled = stalled or late
                wanted.append(transfer)
        if not self._granted or stalled or 2 * self._since_grant >= WINDOW:
            self._granted = True
            self._since_grant = 0
            yield _COMMAND.pack(protocol.MEDIA_CREDIT, WINDOW)
        for transfer in wanted:
            number = transfer.media.id
            ranges = transfer.missing()[: protocol.LIMIT_MEDIA_RANGES]
            if not ranges:
                continue  # Its end is still to come.
            self._asks[number] = _Ask(ranges[-1][1], now_s, now_s)
            command = _COMMAND.pack(protocol.MEDIA_WANT, number)
            yield command + b"".join(_RANGE.pack(*span) for span in ranges)

    def _is_late(self, ask: _Ask, now_s: float) -> bool:
        quiet = now_s - self._heard_s > STALL_S
        return now_s - ask.heard_s > (STALL_S if ask.begun or quiet else _TURN_S)

    async def run(self, link: Callable[[], Awaitable[Link]]) -> None:
        """Writes what is due, until it is cancelled.

        Args:
            link: Waits for the link.
        """
        while True:
            try:
                async with asyncio.timeout(_TICK_S if self._store.incomplete() else None):
                    await self._due.wait()
            except TimeoutError:
                pass
            self._due.clear()
            try:
                open_link = await link()
                for message in self.messages():
                    await open_link.ask_media(message)
            except GlintError:
                await asyncio.sleep(_TICK_S)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
