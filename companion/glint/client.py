# SPDX-License-Identifier: Apache-2.0
"""The glasses as an app uses them: events, photos, audio, state."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, overload

from bleak.uuids import normalize_uuid_16
from smpclient.generics import SMPRequest, TEr1, TEr2, TRep
from smpclient.requests.os_management import OSApplicationInfoRead

from glint import protocol
from glint.adapter import chosen, in_use
from glint.audio import Audio, Chunk, decoder
from glint.collect import Collector, Progress
from glint.connection import Connection
from glint.errors import ClosedError, GlintError
from glint.events import Media, Seen, Wake
from glint.fetch import Fetcher
from glint.image import load
from glint.info import Info, Statistics, Status
from glint.link import Link
from glint.manage import Managed
from glint.media import MediaStore
from glint.microphone import Microphone
from glint.photo import Photo
from glint.reader import EventReader
from glint.smp import FileWrite, PhotoWrite, RecordWrite, StatusRead, StopWrite
from glint.stream import EventStream
from glint.update import Updated, Updater
from glint.waiting import end_tasks
from glint.watching import Watches, every


def connect(
    glasses: str | None = None, *, hci: str | None = None, timeout_s: float = 10.0
) -> "Glasses":
    """Connects to glasses, for as long as the `async with` block lasts.

        async with glint.connect() as glasses:
            async for event in glasses.events():
                print(event)

    Args:
        glasses: Name or address; None for the first that are heard.
        hci: HCI transport of a controller, as bumble writes it; None for GLINT_HCI or,
            without that, the machine's own Bluetooth.
        timeout_s: How long to look for the glasses, at first and when the link was lost;
            `math.inf` to wait for ever.

    Returns:
        An asynchronous context manager that gives the glasses.
    """
    return Glasses(glasses, hci=chosen(hci), timeout_s=timeout_s)


class Glasses(Managed):
    """One pair of glasses, connected inside `async with`, and reconnected after a lost link.

    Every method may raise `LinkLostError`: the link dropped meanwhile, or was lost and not
    re-established within the time given to `connect`.

    Attributes:
        statistics: What has been received.
    """

    def __init__(self, glasses: str | None, *, hci: str | None, timeout_s: float) -> None:
        self.statistics = Statistics()
        self._store = MediaStore()
        self._fetcher = Fetcher(self._store)
        self._events = EventStream(self._store, self._fetcher, lambda: self._connection.link())
        self._watches = Watches(lambda: self._connection)
        self._connection = Connection(
            glasses,
            hci=hci,
            timeout_s=timeout_s,
            statistics=self.statistics,
            on_event=self._events.sequence.feed,
            on_media=self._fetcher.feed,
            resume=self._resume,
            failed=self._events.end,
        )
        self._collector = Collector(
            self._store, self._fetcher, self._connection, self._events.sequence
        )
        self._adapter = in_use(hci)
        self._entered = False
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Glasses":
        """Finds the glasses and connects.

        Raises:
            BluetoothError: There is no usable Bluetooth, or it cannot connect.
            ClosedError: They were opened before.
            LinkLostError, NoAnswerError, NotFoundError: The glasses are not there, or not well.
        """
        if self._entered:
            raise ClosedError("Glasses are opened once: call glint.connect() again.")
        self._entered = True
        await self._adapter.__aenter__()
        try:
            await self._connection.open()
        except BaseException:
            await self._adapter.__aexit__(None, None, None)
            raise
        jobs = (*self._events.jobs(), self._fetcher.run(self._connection.link))
        self._tasks = [asyncio.create_task(job) for job in jobs]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Acknowledges the events that were read, and disconnects.

        If the block ends in an error, the event that was read last may not have been handled: it
        is acknowledged only if the next one was already being waited for.
        """
        await end_tasks(*self._tasks, *self._events.asking)
        if self.connected:
            with contextlib.suppress(GlintError):
                await self._leave(failed=kind is not None)
        await self._connection.close()
        await self._adapter.__aexit__(None, None, None)
        self._events.end(None)

    @property
    def connected(self) -> bool:
        """Whether there is a link at this moment."""
        return self._connection.connected

    @property
    def boot_id(self) -> int | None:
        """Random number of the glasses' run that sequence numbers belong to; None until known."""
        return self._events.sequence.boot

    def events(self, since: int | Literal["now", "unread"] = "now") -> EventReader:
        """Iterates over events as they happen; with `since="unread"`, also over those missed.

        When the link is lost, the iteration goes on where it was. An event is acknowledged when the
        next one is asked for, so that the glasses may forget it; but with "now", nothing is as long
        as the glasses hold something older that nobody has read: it stays for who asks for it.

        Args:
            since: "now" for what happens from now on (from when the first event is asked for, if
                nothing was asked of the glasses yet that comes with events); "unread" for the
                oldest that nobody has read, which may be from an earlier run of the glasses; or the
                first sequence number wanted, by which those before it count as dealt with.

        Returns:
            An asynchronous iterator. It ends when the glasses are closed.
        """
        wanted = {"now": None, "unread": 0}[since] if isinstance(since, str) else since
        return self._events.reader(wanted)

    async def request(self, request: SMPRequest[TRep, TEr1, TEr2]) -> TRep:
        """Makes an SMP request, which may be one that only your glasses know.

        Args:
            request: One of smpclient's requests, or one of your own class like them.

        Returns:
            The response, of the class that the request names.

        Raises:
            NoAnswerError, ProtocolError, RequestError: There is no response; the error says why.
        """
        link = await self._connection.link()
        return await link.requests.request(request)

    async def status(self) -> Status:
        """Asks for the glasses' state.

        Raises:
            NoAnswerError, ProtocolError, RequestError: They did not answer.
        """
        state = await self.request(StatusRead())
        return Status(**{name: getattr(state, name) for name in Status.__dataclass_fields__})

    async def update(
        self, path: str | Path, *, progress: Progress | None = None, allow_downgrade: bool = False
    ) -> Updated:
        """Sends an update image, tries it, and confirms it when its self-check passes.

        If this ends early, the present version goes on running or is started again.

        Args:
            path: The image, as `glint image build` makes it.
            progress: Called with the bytes that the glasses have, and the total.
            allow_downgrade: Also accept an image older than what runs.

        Raises:
            UpdateError: It is no image, or was refused or reverted; the message says why.
        """
        return await Updater(self._connection, load(Path(path)), progress).run(allow_downgrade)

    async def info(self) -> Info:
        """Asks what the glasses are, and for their state.

        Raises:
            BluetoothError, NoAnswerError, ProtocolError, RequestError: They did not answer.
        """
        link = await self._connection.link()

        async def text(assigned_number: int) -> str | None:
            value = await link.read(normalize_uuid_16(assigned_number))
            return None if value is None else value.decode(errors="replace")

        battery = await link.read(normalize_uuid_16(protocol.SIG_BATTERY_LEVEL))
        system = await link.requests.request(OSApplicationInfoRead(format="a"))
        return Info(
            name=link.name,
            address=link.address,
            manufacturer=await text(protocol.SIG_MANUFACTURER_NAME),
            model=await text(protocol.SIG_MODEL_NUMBER),
            firmware=await text(protocol.SIG_FIRMWARE_REVISION),
            battery_percent=battery[0] if battery else None,
            os=system.output,
            status=await self.status(),
            pairing=await self._pairing(),
            trust=await self._trust(),
        )

    async def photo(
        self, of: Media | Seen | None = None, *, progress: Progress | None = None
    ) -> Photo:
        """Takes a photo, or collects one that an event announced.

        Args:
            of: The event that announced the photo or says what is in it; None to take one.
            progress: Called with the bytes received, and the total.

        Raises:
            MediaError: The photo did not arrive completely.
            NoAnswerError, ProtocolError, RequestError: The glasses cannot take one.
        """
        if of is None:
            await self._events.ensure_started()
            link = await self._connection.link()
            answer = await link.requests.request(PhotoWrite())
            return Photo.from_media(*await self._collector.requested(answer.id, "photo", progress))
        number = of.media if isinstance(of, Seen) else of.id
        transfer = await self._collector.announced(number, of)
        return Photo.from_media(*await self._collector.receive(transfer, "photo", progress))

    async def record(self, seconds: float, *, progress: Progress | None = None) -> Audio:
        """Records the microphone.

        Args:
            seconds: Length of the recording.
            progress: Called with the bytes received, and the total.

        Raises:
            MediaError: The recording did not arrive completely.
            NoAnswerError, ProtocolError, RequestError: The glasses do not record.
        """
        number = await self._begin_recording(round(seconds * 1000))
        return Audio.from_media(*await self._collector.requested(number, "audio", progress))

    async def _begin_recording(self, length_ms: int) -> int:
        await self._events.ensure_started()
        return (await self.request(RecordWrite(ms=length_ms))).id

    async def get_file(self, name: str, *, progress: Progress | None = None) -> bytes:
        """Reads a file from the glasses.

        Args:
            name: "models/NAME"; there are no other folders.
            progress: Called with the bytes received, and the total.

        Raises:
            MediaError: The file did not arrive completely.
            NoAnswerError, ProtocolError, RequestError: The glasses do not send it.
        """
        await self._events.ensure_started()
        link = await self._connection.link()
        answer = await link.requests.request(FileWrite(name=name))
        return (await self._collector.requested(answer.id, "file", progress))[1]

    async def stop_recording(self) -> None:
        """Ends the recording in progress, if there is one; what has been recorded is kept.

        Raises:
            NoAnswerError, ProtocolError, RequestError: The glasses do not stop.
        """
        link = await self._connection.link()
        await link.requests.request(StopWrite())

    @overload
    def audio(self) -> AsyncGenerator[Chunk, None]: ...

    @overload
    def audio(
        self, of: Wake | Media, *, progress: Progress | None = None
    ) -> Coroutine[Any, Any, Audio]: ...

    def audio(
        self, of: Wake | Media | None = None, *, progress: Progress | None = None
    ) -> AsyncGenerator[Chunk, None] | Coroutine[Any, Any, Audio]:
        """Collects a recording (to be awaited), or iterates over what is heard from now on::

            audio = await glasses.audio(wake)
            async for chunk in glasses.audio():
                ...

        The iteration goes on until it is left, for hours too; the light is on meanwhile. A chunk
        says what is missing before it, as when the link was lost for longer than the glasses keep.

        Args:
            of: The wake event that the recording followed, or the event that announced it; None for
                what is heard from now on.
            progress: Called with the bytes received, and the total.

        Raises:
            MediaError: There is none, or it did not arrive completely.
            NoAnswerError, ProtocolError, RequestError: The glasses do not record from now on.
        """
        if of is None:
            microphone = Microphone(
                self._begin_recording, self._store, self._fetcher, self._collector
            )
            return microphone.chunks()
        return self._recorded(of, progress)

    async def _recorded(self, of: Wake | Media, progress: Progress | None) -> Audio:
        transfer = await self._collector.recording(of)
        return Audio.from_media(*await self._collector.receive(transfer, "audio", progress))

    async def audio_stream(self, of: Wake | Media) -> AsyncIterator[bytes]:
        """Iterates over a recording while it arrives.

        Args:
            of: The wake event, or the event that announced the recording.

        Yields:
            Signed 16-bit samples, one channel, in the machine's byte order.

        Raises:
            MediaError: There is none, or it did not arrive completely.
        """
        transfer = await self._collector.recording(of)
        decode = decoder(transfer.media).decode
        position = 0
        while True:
            if position < transfer.arrived:
                piece = transfer.read(position)
                position += len(piece)
                yield decode(piece)
            elif not await self._collector.more(transfer):
                break
        transfer.data()

    async def watch(self, rate_hz: float = 1.0) -> AsyncGenerator[Seen, None]:
        """Has the glasses look by themselves, and iterates over changes of what they see::

            async for seen in glasses.watch(rate_hz=2):
                print(seen.label)

        It begins with what is in view. The camera and the privacy light are on until it is left, or
        the link is lost: on a new link the glasses look again, and what has changed is told.

        Args:
            rate_hz: Looks a second, 0.2 to 10; where others watch, too, the highest rate counts.

        Raises:
            GlintError: The glasses have no such rate.
            NoAnswerError, ProtocolError, RequestError: They have no camera, or do not watch.
        """
        every(rate_hz)  # what is wrong with it is said before anything is asked
        await self._events.ensure_started()
        changes = self._watches.changes(rate_hz, self._events.reader(None))
        async with contextlib.aclosing(changes):
            async for seen in changes:
                yield seen

    async def discard(self, of: Media) -> None:
        """Tells the glasses to forget a photo or a recording, even one in progress."""
        self._fetcher.discard(of.id)

    async def _resume(self, link: Link) -> None:
        await self._events.resume(link)
        await self._watches.resume(link)

    async def _leave(self, failed: bool) -> None:
        link = await self._connection.link()
        for message in self._fetcher.releases():
            await link.ask_media(message)
        await self._events.acknowledge(failed=failed)
        await link.ping()  # A disconnect would overtake what was written.
