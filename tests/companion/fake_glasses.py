# SPDX-License-Identifier: Apache-2.0
"""Glasses that misbehave on purpose: a bumble peripheral that speaks the wire protocol.

The companion reaches it through bleak and a simulated controller, like the real firmware, which is
tested elsewhere. The emulated protocol is our own: firmware/SPEC.md specifies it (its names are
those of `protocol`), and comments below name the code in firmware/glasses. Only SMP's frame is by
others (MCUmgr's, as in the package `smp`).
"""

import asyncio
import contextlib
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import cbor2
import fake_services
from bumble import data_types, hci
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport import open_transport
from glint import protocol
from glint.waiting import end_tasks
from smp.error import MGMT_ERR
from workbench.emulation.medium import Medium, Server, Timing, serve

_MAX_PENDING = 32
# SMP's code for an unknown command: smp/error.py of the package smp, MGMT_ERR.
ENOTSUP = int(MGMT_ERR.ENOTSUP)
_ADVERTISE_MS = 20


class FakeObject:
    """A media object, the chunks that are wanted, and those that get lost once."""

    def __init__(self, data: bytes, leave_out: set[int]) -> None:
        self.data = data
        self.leave_out = leave_out
        self.ranges: list[tuple[int, int]] = []


class FakeGlasses:
    """Glasses whose every step a test decides.

    Attributes:
        boot: The boot they are in.
        records: The journal, by sequence number; a test may put any bytes there.
        next: Sequence number of the next record.
        lose_once: Sequence numbers that are not sent the first time, as if the host dropped them.
        refuse: rc with which a command of the Glint group is refused, by command id.
        mute: Commands of the Glint group that get no answer.
        answers: Bodies that replace the right ones, by command id.
        acknowledged: Acknowledgements received.
        on_photo: Called with the object's id when a photo is asked for.
        on_record: Called with the object's id and length in ms when a recording is asked for.
        watching: The {"every_ms": ...} of all requests to watch, None for to watch no more.
        asked: The {"from": ...} of all requests for events.
        own: First record of this boot.
        clock_set: What the clock was set to, each time.
        media_writes: Values written to the media characteristic.
        pairing: The value of the pairing characteristic.
        battery_percent: The value of the battery level.
        away_s: How long after a disconnection they advertise again.
        half_s: How long they wait for the next write of a request.
    """

    def __init__(self, name: str = "Fake Glasses", address: str = "F0:00:00:00:00:01") -> None:
        self.name = name
        self.address = address
        self.boot = 1001
        self.records: dict[int, bytes] = {}
        self.next = 1
        self.time_ms = 0
        self.lose_once: set[int] = set()
        self.refuse: dict[int, int] = {}
        self.mute: set[int] = set()
        self.answers: dict[int, Any] = {}
        self.acknowledged: list[int] = []
        self.asked: list[int] = []
        self.watching: list[int | None] = []
        self.own = 1
        self.clock_set: list[str] = []
        self.on_photo: Callable[[int], None] = lambda number: None
        self.on_record: Callable[[int, int], None] = lambda number, ms: None
        self.next_object = 1
        self.objects: dict[int, FakeObject] = {}
        self.credits = 0
        self.media_writes: list[bytes] = []
        self.pairing = protocol.PAIRING_OPEN
        self.battery_percent = fake_services.BATTERY_PERCENT
        self.away_s = 0.0
        self.half_s = protocol.LIMIT_SMP_HALF_MS / 1000
        self.connection: Connection | None = None
        self._cursor: int | None = None
        self._pending = bytearray()
        self._written_s = 0.0
        self._work: asyncio.Queue[Callable[[], Any]] = asyncio.Queue()
        self._transport: Any = None
        self.server: Server

    async def start(self, transport: str) -> None:
        """Opens a controller and advertises."""
        self._transport = await open_transport(transport)
        self.device = device = Device.from_config_with_hci(
            DeviceConfiguration(
                name=self.name,
                address=hci.Address(self.address),
                advertising_interval_min=_ADVERTISE_MS,
                advertising_interval_max=_ADVERTISE_MS,
            ),
            self._transport.source,
            self._transport.sink,
        )
        device.keystore = MemoryKeyStore()
        device.gatt_server.max_mtu = 247  # less than link.py's 512, so that frames have to be cut
        device.pairing_config_factory = lambda _: PairingConfig(
            sc=True,
            mitm=False,
            bonding=True,
            delegate=PairingDelegate(PairingDelegate.IoCapability.NO_OUTPUT_NO_INPUT),
            identity_address_type=PairingConfig.AddressType.RANDOM,
        )
        self.events = fake_services.stream(protocol.UUID_EVENTS, self._on_acknowledge)
        self.media = fake_services.stream(protocol.UUID_MEDIA, self._on_media)
        self.smp = fake_services.stream(protocol.UUID_SMP, self._on_smp)
        device.add_services(
            fake_services.services(
                self.events,
                self.media,
                self.smp,
                lambda: self.pairing,
                lambda: self.battery_percent,
            )
        )
        uuids = data_types.CompleteListOf128BitServiceUUIDs([UUID(protocol.UUID_GLINT_SERVICE)])
        kind = data_types.Flags(AdvertisingData.Flags.LE_GENERAL_DISCOVERABLE_MODE)
        device.advertising_data = bytes(AdvertisingData([kind, uuids]))
        device.scan_response_data = bytes(
            AdvertisingData([data_types.CompleteLocalName(self.name)])
        )
        device.on("connection", self._on_connection)
        await device.power_on()
        await device.start_advertising()
        self._worker = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Disappears without disconnecting, as when the power fails."""
        await end_tasks(self._worker)
        await self._transport.close()

    async def drop_link(self) -> None:
        """Ends the connection, and goes on advertising."""
        assert self.connection
        await self.connection.disconnect()

    async def reboot(self) -> None:
        """Restarts: a new boot, and an empty journal; the firmware's keeps what it has stored."""
        self.boot += 1
        self.records.clear()
        self.objects.clear()
        self.next = 1
        self.add(protocol.EVENT_BOOT, board="fake", firmware="0.1.0", boot=self.boot)
        await self.drop_link()

    def add(self, code: int, **fields: Any) -> int:
        """Writes an event to the journal and sends it; returns its sequence number."""
        return self.add_raw(struct.pack("<IIB", self.next, self.time_ms, code), fields)

    def add_raw(self, header: bytes, fields: Any) -> int:
        """Writes a record with any header and body."""
        body = fields if isinstance(fields, bytes) else cbor2.dumps(fields)
        seq = self.next
        self.records[seq] = header + body
        self.next += 1
        self.time_ms += 10
        self._work.put_nowait(self._send_events)
        return seq

    def forget(self, below: int) -> None:
        """Drops the oldest records."""
        self.records = {seq: record for seq, record in self.records.items() if seq >= below}

    def send_object(
        self,
        kind: str,
        data: bytes,
        *,
        number: int | None = None,
        leave_out: range = range(0),
        crc_error: int = 0,
        error: str | None = None,
        stop_at: int | None = None,
        **about: Any,
    ) -> int:
        """Announces a media object, sends its chunks and ends it; returns its id.

        Args:
            kind: "audio" or "photo".
            data: The object.
            number: Its id; None for the next.
            leave_out: Offsets of the chunks that are lost the first time.
            crc_error: Bits that are wrong in the CRC-32.
            error: Give up with this reason.
            stop_at: Send only this many bytes, and do not end it.
            about: More of the announcement.
        """
        if number is None:
            number = self.next_object
        self.next_object = number + 1
        if kind == "audio":
            about = {"codec": protocol.CODEC_ADPCM, "rate_hz": 16000, **about}
        else:
            about = {"codec": protocol.CODEC_JPEG, "width": 8, "height": 8, **about}
        announced = {"id": number, "kind": kind, "bytes": len(data), **about}
        self.objects[number] = FakeObject(data[:stop_at], set(leave_out))
        self.add(protocol.EVENT_MEDIA, **announced)
        if error is not None:
            self.add(protocol.EVENT_MEDIA_END, id=number, error=error)
        elif stop_at is None:
            self.add(protocol.EVENT_MEDIA_END, id=number, crc=zlib.crc32(data) ^ crc_error)
        return number

    def send_rest(self, number: int, data: bytes) -> None:
        """Sends the rest of an object, and ends it."""
        self.objects[number].data = data
        self._work.put_nowait(self._send_media)
        self.add(protocol.EVENT_MEDIA_END, id=number, crc=zlib.crc32(data))

    def notify_raw(self, characteristic: Characteristic, data: bytes) -> None:
        """Sends any notification."""
        self._work.put_nowait(lambda: self._notify(characteristic, data))

    async def _run(self) -> None:
        while True:
            result = (await self._work.get())()
            if asyncio.iscoroutine(result):
                await result

    # SPEC.md, "Media"; link.py and wishes.py have the firmware's side.
    def _on_media(self, _connection: Connection, data: bytes) -> None:
        self.media_writes.append(data)
        command, number = struct.unpack_from("<BH", data)
        if command == protocol.MEDIA_CREDIT:
            self.credits = number
        elif command == protocol.MEDIA_RELEASE:
            self.objects.pop(number, None)
        elif number in self.objects:
            self.objects[number].ranges = list(struct.iter_unpack("<II", data[3:]))
        else:
            self.notify_raw(self.media, struct.pack("<HI", number, 0))
        self._work.put_nowait(self._send_media)

    async def _send_media(self) -> None:
        for number, item in list(self.objects.items()):
            while self.credits and self.connection and item.ranges:
                start, stop = item.ranges[0]
                step = self.connection.att_mtu - 3 - 6
                piece = item.data[start : min(stop, start + step)]
                if not piece:
                    break
                item.ranges[0] = (start + len(piece), stop)
                if start + len(piece) >= stop:
                    del item.ranges[0]
                self.credits -= 1
                if start in item.leave_out:
                    item.leave_out.discard(start)
                else:
                    await self._notify(self.media, struct.pack("<HI", number, start) + piece)

    # SPEC.md, "Events"; link.py, `listen` and `_send_next`.
    async def _send_from(self, since: int) -> None:
        self._cursor = min(since or 1, self.next)
        await self._send_events()

    async def _send_events(self) -> None:
        while self.connection and self._cursor is not None and self._cursor < self.next:
            seq = self._cursor = max(self._cursor, min(self.records, default=self.next))
            self._cursor += 1
            if seq in self.lose_once:
                self.lose_once.discard(seq)
            elif seq in self.records:
                await self._notify(self.events, self.records[seq])

    async def _notify(self, characteristic: Characteristic, data: bytes) -> None:
        connection = self.connection
        while connection and connection.data_packet_queue.pending > _MAX_PENDING:
            await asyncio.sleep(0.001)
            connection = self.connection
        if connection:
            await self.device.notify_subscriber(connection, characteristic, data)

    def _on_connection(self, connection: Connection) -> None:
        self.connection = connection
        self._cursor = None
        self.credits = 0
        for item in self.objects.values():
            item.ranges = []
        self._pending.clear()
        connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)

    def _on_disconnection(self, _reason: int) -> None:
        self.connection = self._cursor = None
        self._work.put_nowait(self._come_back)

    async def _come_back(self) -> None:
        await asyncio.sleep(self.away_s)
        await self.device.start_advertising()

    def _on_acknowledge(self, _connection: Connection, data: bytes) -> None:
        seq = struct.unpack("<I", data)[0]
        self.acknowledged.append(seq)
        self.forget(seq + 1)

    # smp/__init__.py, `Conversation.receive`, with its limit for half a request.
    def _on_smp(self, _connection: Connection, data: bytes) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s - self._written_s > self.half_s:
            self._pending.clear()
        self._written_s = now_s
        self._pending += data
        while len(self._pending) >= 8:
            length = 8 + int.from_bytes(self._pending[2:4], "big")
            if len(self._pending) < length:
                return
            frame = bytes(self._pending[:length])
            del self._pending[:length]
            self._answer(frame)

    # The header: smp/header.py of the package smp; SPEC.md, "Requests".
    def _answer(self, frame: bytes) -> None:
        op, flags, _, group, sequence, command = struct.unpack_from(">BBHHBB", frame)
        body = cbor2.loads(frame[8:]) if len(frame) > 8 else {}
        if group == protocol.SMP_GROUP_GLINT and command in self.mute:
            return
        answer = self.answers.get(command) if group == protocol.SMP_GROUP_GLINT else None
        if answer is None:
            answer = self._serve(group, command, body)
        encoded = answer if isinstance(answer, bytes) else cbor2.dumps(answer)
        header = struct.pack(">BBHHBB", op | 1, flags, len(encoded), group, sequence, command)
        connection = self.connection
        assert connection
        for offset in range(0, 8 + len(encoded), connection.att_mtu - 3):
            piece = (header + encoded)[offset : offset + connection.att_mtu - 3]
            self.notify_raw(self.smp, piece)
        if group == protocol.SMP_GROUP_GLINT and command == protocol.SMP_GLINT_EVENTS:
            self._work.put_nowait(lambda: self._send_from(body["from"]))

    def _serve(self, group: int, command: int, body: dict[str, Any]) -> Any:
        if group == protocol.SMP_GROUP_OS:
            if command == protocol.SMP_OS_DATETIME:
                self.clock_set.append(body["datetime"])
                return {}
            if command == protocol.SMP_OS_PARAMETERS:
                return {"buf_size": protocol.LIMIT_SMP_BYTES, "buf_count": 1}
            if command == protocol.SMP_OS_INFO:
                return {"output": "Glint fake"}
            return {"rc": ENOTSUP}
        if group != protocol.SMP_GROUP_GLINT:
            return {"rc": ENOTSUP}
        if command in self.refuse:
            return {"err": {"group": group, "rc": self.refuse[command]}}
        match command:
            case protocol.SMP_GLINT_STATUS:
                return {**fake_services.STATUS, "next": self.next}
            case protocol.SMP_GLINT_EVENTS:
                self.asked.append(body["from"])
                first = min(self.records, default=self.next)
                return {
                    "boot": self.boot,
                    "first": first,
                    "next": self.next,
                    "own": self.own,
                    "uptime_ms": self.time_ms,
                }
            case protocol.SMP_GLINT_PHOTO:
                number = self.next_object
                self.on_photo(number)
                return {"id": number}
            case protocol.SMP_GLINT_RECORD:
                number = self.next_object
                self.on_record(number, body["ms"])
                return {"id": number}
            case protocol.SMP_GLINT_WATCH:
                self.watching.append(body.get("every_ms"))
                return {"every_ms": body.get("every_ms") or 0}
        return {"rc": ENOTSUP}


@contextlib.asynccontextmanager
async def fake_advertising(
    timing: Timing | None = None, name: str = "Fake Glasses"
) -> AsyncIterator[tuple[FakeGlasses, str]]:
    """Gives glasses that advertise, and the HCI transport that reaches them."""
    fake = FakeGlasses(name)
    fake.server = await serve(Medium(timing), "tcp:127.0.0.1:0")
    await fake.start(fake.server.address)
    try:
        yield fake, fake.server.address
    finally:
        await fake.stop()
        await fake.server.close()
