# SPDX-License-Identifier: Apache-2.0
"""Glasses, as an app sees them: events, photos, audio, state."""

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, overload

from bleak.uuids import normalize_uuid_16
from smpclient.generics import SMPRequest, TEr1, TEr2, TRep
from smpclient.requests.os_management import DateTimeWrite, OSApplicationInfoRead, ResetWrite

from glint import protocol
from glint.adapter import chosen, in_use
from glint.audio import Audio, Chunk, decoder
from glint.collect import Collector, Progress
from glint.connection import Connection
from glint.errors import (
    ClosedError,
    GlintError,
    LinkLostError,
    NoAnswerError,
    ProtocolError,
    RequestError,
)
from glint.events import Event, Media, MediaEnd, Seen, Wake
from glint.fetch import Fetcher
from glint.image import load
from glint.info import Info, Statistics, Status, Trust
from glint.link import Link
from glint.manage import Managed
from glint.media import MediaStore
from glint.microphone import Microphone
from glint.photo import Photo
from glint.reader import EventReader
from glint.sequence import LATEST, Sequence
from glint.smp import EventsWrite, FileWrite, PhotoWrite, RecordWrite, StatusRead, StopWrite
from glint.smp_manage import PairingRead
from glint.timeline import Timeline, now
from glint.update import Boot, BootRead, TrustRead, Updated, Updater
from glint.waiting import end_tasks

# Acknowledge after so many events or so much time, whichever comes first.
_ACKNOWLEDGE_EVENTS = 16
_ACKNOWLEDGE_S = 0.2
# After a pause in the events, see once whether the last of them went missing.
_TAIL_CHECK_S = 2.0


def connect(
    glasses: str | None = None, *, hci: str | None = None, timeout_s: float = 10.0
) -> "Glasses":
    """Connects to glasses, for as long as the `async with` block lasts.

        async with glint.connect() as glasses:
            async for event in glasses.events():
                print(event)

    Args:
        glasses: Name or address; None for the first that are heard.
        hci: HCI transport of a controller, as bumble writes it; None for GLINT_HCI, or without
            that for the machine's own Bluetooth.
        timeout_s: How long to look for the glasses, at first and when the link was lost;
            `math.inf` to wait for ever.

    Returns:
        An asynchronous context manager that gives the glasses.
    """
    return Glasses(glasses, hci=chosen(hci), timeout_s=timeout_s)


class Glasses(Managed):
    """One pair of glasses. They are connected inside `async with`, and again when the link drops.

    Every method may raise `LinkLostError` when the link drops meanwhile, or was lost and could not
    be had again within the time given to `connect`.

    Attributes:
        statistics: What has been received.
    """

    def __init__(self, glasses: str | None, *, hci: str | None, timeout_s: float) -> None:
        self.statistics = Statistics()
        self._store = MediaStore()
        self._fetcher = Fetcher(self._store)
        self._sequence = Sequence(self._on_event, self._ask_again, self._on_reboot)
        self._connection = Connection(
            glasses,
            hci=hci,
            timeout_s=timeout_s,
            statistics=self.statistics,
            on_event=self._sequence.feed,
            on_media=self._fetcher.feed,
            resume=self._resume,
            failed=self._end,
        )
        self._collector = Collector(self._store, self._fetcher, self._connection, self._sequence)
        self._timeline = Timeline()
        self._adapter = in_use(hci)
        self._readers: weakref.WeakSet[EventReader] = weakref.WeakSet()
        self._entered = False
        self._streaming = False
        self._start_lock = asyncio.Lock()
        self._asking: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._own = 0  # the first event of this boot
        self._unread = 0  # the oldest event that was unread when it was asked for events last
        self._acknowledged = 0
        self._given = 0  # to any reader, also one that is gone
        self._some_done = asyncio.Event()
        self._many_done = asyncio.Event()

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
        jobs = self._acknowledge(), self._watch(), self._fetcher.run(self._connection.link)
        self._tasks = [asyncio.create_task(job) for job in jobs]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnects. What was read is acknowledged.

        If the block ends in an error, the event that was read last is not, unless the next one was
        being waited for: it may not have been dealt with.
        """
        await end_tasks(*self._tasks, *self._asking)
        if self.connected:
            with contextlib.suppress(GlintError):
                await self._leave(self._done if kind else self._handed_over)
        await self._connection.close()
        await self._adapter.__aexit__(None, None, None)
        self._end(None)

    @property
    def connected(self) -> bool:
        """Whether there is a link right now."""
        return self._connection.connected

    @property
    def boot_id(self) -> int | None:
        """Random number of the glasses' run that sequence numbers belong to; None until known."""
        return self._sequence.boot

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
        reader = EventReader(wanted, self._start_reader, self._on_moved)
        if wanted is None:
            self._readers.add(reader)
            if 0 < self._sequence.expected < LATEST:
                reader.begin(self._sequence.expected, self._oldest_unread())
        return reader

    async def request(self, request: SMPRequest[TRep, TEr1, TEr2]) -> TRep:
        """Makes an SMP request, also one that only your glasses know.

        Args:
            request: One of smpclient's requests, or of your own class like them.

        Returns:
            What the request's class says that the answer holds.

        Raises:
            NoAnswerError, ProtocolError, RequestError: There is no such answer; the error says why.
        """
        link = await self._connection.link()
        return await link.requests.request(request)

    async def status(self) -> Status:
        """Asks for the glasses' state.

        Raises:
            NoAnswerError, ProtocolError, RequestError: They do not tell.
        """
        state = await self.request(StatusRead())
        return Status(**{name: getattr(state, name) for name in Status.__dataclass_fields__})

    async def update(
        self, path: str | Path, *, progress: Progress | None = None, allow_downgrade: bool = False
    ) -> Updated:
        """Has the glasses run an update image: sends it, tries it, confirms it when it is well.

        Whatever ends this earlier, what runs now runs on or is started again.

        Args:
            path: The image, as `glint image build` makes it.
            progress: Called with bytes that the glasses have and bytes in all.
            allow_downgrade: Take one that is older than what runs, too.

        Raises:
            UpdateError: It is no image, the glasses refuse it, or went back: the message says why.
        """
        return await Updater(self._connection, load(Path(path)), progress).run(allow_downgrade)

    async def boot(self) -> Boot:
        """Asks how the glasses started, why they last crashed, and why an update was refused."""
        answer = await self.request(BootRead())
        return Boot(answer.safe, answer.crash, answer.refused, answer.check)

    async def reset(self) -> None:
        """Starts the glasses anew."""
        await self.request(ResetWrite())

    async def info(self) -> Info:
        """Asks the glasses what they are.

        Raises:
            BluetoothError, NoAnswerError, ProtocolError, RequestError: They do not tell.
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

    async def _pairing(self) -> str:
        try:
            return (await self.request(PairingRead())).method
        except RequestError:
            return "unknown"

    async def _trust(self) -> Trust | None:
        try:
            said = await self.request(TrustRead())
        except RequestError:  # older firmware
            return None
        names = {key.hash.hex(): key.name for key in said.keys}
        return Trust(
            keys=names,
            development=any(key.development for key in said.keys),
            signed=names.get(said.signed.hex(), said.signed.hex()),
            counter=said.counter,
            closed=said.closed,
            damaged=said.damaged,
        )

    async def photo(
        self, of: Media | Seen | None = None, *, progress: Progress | None = None
    ) -> Photo:
        """Takes a photo, or collects one that an event announced.

        Args:
            of: Event that announced the photo, or that says what is in it; None to take one.
            progress: Called with bytes received and bytes in all.

        Raises:
            MediaError: The photo did not arrive whole.
            NoAnswerError, ProtocolError, RequestError: The glasses take none.
        """
        if of is None:
            await self._ensure_streaming()
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
            progress: Called with bytes received and bytes in all.

        Raises:
            MediaError: The recording did not arrive whole.
            NoAnswerError, ProtocolError, RequestError: The glasses do not record.
        """
        number = await self._begin_recording(round(seconds * 1000))
        return Audio.from_media(*await self._collector.requested(number, "audio", progress))

    async def _begin_recording(self, length_ms: int) -> int:
        await self._ensure_streaming()
        return (await self.request(RecordWrite(ms=length_ms))).id

    async def get_file(self, name: str, *, progress: Progress | None = None) -> bytes:
        """Reads a file from the glasses.

        Args:
            name: "models/NAME"; there are no other folders.
            progress: Called with bytes received and bytes in all.

        Raises:
            MediaError: The file did not arrive whole.
            NoAnswerError, ProtocolError, RequestError: The glasses do not send it.
        """
        await self._ensure_streaming()
        link = await self._connection.link()
        answer = await link.requests.request(FileWrite(name=name))
        return (await self._collector.requested(answer.id, "file", progress))[1]

    async def stop_recording(self) -> None:
        """Ends the recording that is under way, if there is one: it is as long as it has become.

        Raises:
            NoAnswerError, ProtocolError, RequestError: The glasses do not stop.
        """
        link = await self._connection.link()
        await link.requests.request(StopWrite())

    @overload
    def audio(self) -> AsyncIterator[Chunk]: ...

    @overload
    def audio(
        self, of: Wake | Media, *, progress: Progress | None = None
    ) -> Coroutine[Any, Any, Audio]: ...

    def audio(
        self, of: Wake | Media | None = None, *, progress: Progress | None = None
    ) -> AsyncIterator[Chunk] | Coroutine[Any, Any, Audio]:
        """Collects a recording (to be awaited), or iterates over what is heard from now on.

            audio = await glasses.audio(wake)
            async for chunk in glasses.audio():
                ...

        The iteration goes on until it is left, for hours too; the light is on meanwhile. A chunk
        says what is missing before it, as when the link was lost for longer than the glasses keep.

        Args:
            of: The wake event that the recording followed, or the event that announced it; None for
                what is heard from now on.
            progress: Called with bytes received and bytes in all.

        Raises:
            MediaError: There is none, or it did not arrive whole.
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
            MediaError: There is none, or it did not arrive whole.
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

    async def discard(self, of: Media) -> None:
        """Has the glasses forget a photo or a recording, also one that is under way."""
        self._fetcher.discard(of.id)

    # Events.

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

    async def _resume(self, link: Link) -> None:
        time = now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with contextlib.suppress(NoAnswerError, ProtocolError, RequestError):
            await link.requests.request(DateTimeWrite(datetime=time))
        self._fetcher.restart()
        if self._streaming:
            await self._start(link, self._sequence.expected)

    async def _start_reader(self, reader: EventReader) -> None:
        if reader.latest and reader.since is not None:
            return  # it comes already
        since = LATEST if reader.since is None else reader.since
        while True:
            link = await self._connection.link()
            with contextlib.suppress(LinkLostError):
                return await self._start(link, since, reader)

    async def _ensure_streaming(self) -> None:
        """Media comes with events only; start them from now on if nobody has wanted any yet."""
        if not self._streaming:
            await self._start(await self._connection.link(), LATEST)

    async def _start(self, link: Link, since: int, reader: EventReader | None = None) -> None:
        async with self._start_lock:
            self._streaming = True
            in_order = False
            while not in_order:
                self._sequence.begin(since)
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
                in_order = self._sequence.started(answer.boot, answer.first, answer.next)
                if not in_order:
                    since = 0
                    if reader:
                        reader.start_over()

    def _ask_again(self) -> None:
        task = asyncio.create_task(self._restart())
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _restart(self) -> None:
        link = await self._connection.link()
        try:
            await self._start(link, self._sequence.expected)
        except GlintError:
            await link.close()  # the connection takes it from here

    async def _watch(self) -> None:
        checked = 0
        while True:
            expected = self._sequence.expected
            await asyncio.sleep(_TAIL_CHECK_S)
            if expected in (0, checked) or expected != self._sequence.expected:
                continue
            with contextlib.suppress(GlintError):
                link = await self._connection.link()
                async with self._start_lock:
                    # It sends nothing anew unless something is missing.
                    answer = await link.requests.request(EventsWrite(since=expected))
                if expected == self._sequence.expected:
                    checked = expected if answer.next == expected else 0
                    self._sequence.check(answer.next)

    def _end(self, error: Exception | None) -> None:
        for reader in self._readers:
            reader.end(error)
        self._store.fail(
            error or ClosedError("The glasses were closed: call glint.connect() again.")
        )

    # Acknowledging.

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

    async def _acknowledge(self) -> None:
        while True:
            await self._some_done.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ACKNOWLEDGE_S):
                    await self._many_done.wait()
            self._some_done.clear()
            self._many_done.clear()
            with contextlib.suppress(GlintError):
                await self._send_acknowledge(self._done)

    async def _leave(self, read: Callable[[], int]) -> None:
        link = await self._connection.link()
        for message in self._fetcher.releases():
            await link.ask_media(message)
        await self._send_acknowledge(read)
        await link.ping()  # a disconnect would overtake what was written

    def _handed_over(self) -> int:
        given = [reader.given for reader in self._readers]
        if not any(reader.covers for reader in self._readers):
            given.append(self._given)  # to readers that are gone
        return min(given)

    async def _send_acknowledge(self, wanted: Callable[[], int]) -> None:
        link = await self._connection.link()
        # Only now: on a new link the glasses may count from 1 again.
        seq = wanted()
        if seq > self._acknowledged:
            before, self._acknowledged = self._acknowledged, seq
            try:
                await link.acknowledge(seq)
            except BaseException:  # Stopped, too: who leaves then has to say it again.
                self._acknowledged = min(self._acknowledged, before)
                raise
