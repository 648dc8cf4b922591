# SPDX-License-Identifier: Apache-2.0
"""Tests firmware and companion over a simulated link: priorities, resuming, and what is lost.

They run in virtual time (emulation/virtual_time.py): the same on any machine, and faster.
"""

import asyncio
import itertools
import random
import struct
import tempfile
from pathlib import Path

import cbor2
import glint
import pytest
from bleak import BleakClient, BleakScanner
from glasses.journal import JournalFile
from glint import protocol
from glint.backend import client_backend, scanner_backend
from glint.events import Boot, Button, Gap, Media, MediaEnd
from workbench.emulation.link_simulation import simulated_link
from workbench.emulation.medium import Timing
from workbench.emulation.virtual_time import VirtualTimeLoop
from workbench.testing.base import settings

FAST = Timing(15, phy=2)
PHONE = Timing(30, phy=1, ll_octets=27)


def in_virtual_time(job, timing=FAST, mtu=512):
    """Runs `job(simulation)` on a clock of its own."""

    async def run():
        with tempfile.TemporaryDirectory(prefix="glint-test-") as folder:
            async with (
                simulated_link(timing, Path(folder), mtu, settings.stack) as simulation,
                asyncio.timeout(3600),
            ):
                result = await job(simulation)
                assert simulation.radio.board.locked_calls == 0
                assert simulation.radio.board.unannounced_calls == 0
                return result

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(run())


def connected(job, timing=FAST, mtu=512):
    """Runs `job(simulation, glasses)` with a companion that never gives up lost glasses."""

    async def run(simulation):
        async with glint.connect(hci=simulation.address, timeout_s=1000) as glasses:
            return await job(simulation, glasses)

    return in_virtual_time(run, timing, mtu)


async def until(condition):
    while not condition():
        await asyncio.sleep(0.01)


async def follow(glasses, kind):
    async for event in glasses.events((await glasses.status()).next):
        if isinstance(event, kind):
            return event
    raise AssertionError("the events ended")


@pytest.mark.parametrize("drops", [0.0, 0.01])
@pytest.mark.parametrize("errors", [0.0, 0.1])
def test_nothing_is_lost_unnoticed(errors, drops):
    async def job(simulation, glasses):
        simulation.photo_bytes = 4000
        async with simulation.dropping(0.5, 2.5):
            return [
                await simulation.events(glasses, 1000, 200),
                await simulation.photos(glasses, 40, 3),
                await simulation.recordings(glasses, 10, 1.0),
            ]

    timing = Timing(15, phy=2, packet_error_rate=errors, drop_notifications=drops)
    events, photos, recordings = connected(job, timing)
    assert (events.arrived, events.reported) == (1000, 0)
    for tally in (events, photos, recordings):
        assert (tally.undetected, tally.wrong) == (0, 0)
        assert tally.arrived > 0.5 * tally.sent


def test_what_the_journal_had_no_room_for_is_a_gap_of_that_count():
    async def job(simulation, glasses):
        return await simulation.events(glasses, 900, 600)

    tally = connected(job)
    assert tally.reported > 0
    assert (tally.undetected, tally.wrong) == (0, 0)


@pytest.mark.stacks
@pytest.mark.usefixtures("stack")
def test_a_phone_gets_everything():
    async def job(simulation, glasses):
        return [
            await simulation.events(glasses, 100, 50),
            await simulation.photos(glasses, 3, 2),
            await simulation.recordings(glasses, 2, 1.0),
        ]

    for tally in connected(job, PHONE, 185):
        assert (tally.arrived, tally.wrong) == (tally.sent, 0)


def test_events_come_before_sound_and_sound_before_pictures():
    async def job(simulation, glasses):
        simulation.photo_bytes = 150_000
        order = []

        async def note(what, job):
            await job
            order.append(what)

        photo = asyncio.create_task(note("photo", glasses.photo()))
        await follow(glasses, Media)
        async with simulation.hearing(0.5):
            audio = asyncio.create_task(note("audio", glasses.record(2.0)))
            await asyncio.sleep(1.0)
            event = asyncio.create_task(note("event", follow(glasses, Button)))
            await asyncio.sleep(0.1)
            simulation.peripherals.button(True)
            await asyncio.gather(photo, audio, event)
        return order

    assert connected(job, PHONE, 185) == ["event", "audio", "photo"]


def test_a_photo_goes_on_where_the_link_was_lost():
    async def job(simulation, glasses):
        simulation.photo_bytes = 60_000
        await simulation.photos(glasses, 1, 1)
        before = glasses.statistics.notified_bytes
        taking = asyncio.create_task(simulation.photos(glasses, 1, 1))
        await until(lambda: glasses.statistics.notified_bytes > before + 40_000)
        simulation.drop()
        return await taking, glasses.statistics.notified_bytes - before

    tally, notified = connected(job, PHONE, 185)
    assert tally.arrived == 1
    # Headers and events make up less than a tenth.
    assert 60_000 < notified < 66_000


@pytest.mark.parametrize("drops", [0.0, 0.01])
def test_a_file_arrives_whatever_happens(drops):
    data = random.Random(4).randbytes(200_000)

    async def job(simulation, glasses):
        (simulation.flash / "models" / "some.bin").write_bytes(data)
        async with simulation.dropping(0.8, 2.0):
            return [await glasses.get_file("models/some.bin") for _ in range(2)]

    assert connected(job, Timing(15, phy=2, drop_notifications=drops)) == [data, data]


def test_a_recording_goes_on_while_the_link_is_away():
    async def job(simulation, glasses):
        async with simulation.hearing(0.5):
            recording = asyncio.create_task(glasses.record(6.0))
            await follow(glasses, Media)
            await asyncio.sleep(1)
            simulation.drop()
            return len((await recording).pcm)

    assert connected(job) == 6 * 16000 * 2


def test_of_a_recording_the_glasses_keep_the_last_seconds_and_say_so():
    async def job(simulation, glasses):
        async with simulation.hearing(0.5):
            recording = asyncio.create_task(glasses.record(40.0))
            await follow(glasses, Media)
            simulation.medium.out_of_range()
            await asyncio.sleep(25)
            simulation.medium.out_of_range(False)
            with pytest.raises(glint.MediaError, match="no longer have all of audio"):
                await recording

    connected(job)


def test_a_recording_is_stopped_and_cancelled_and_the_light_goes_off():
    async def job(simulation, glasses):
        async with simulation.hearing(0.5):
            recording = asyncio.create_task(glasses.record(30.0))
            await follow(glasses, Media)
            assert simulation.lights[-1]
            await asyncio.sleep(2)
            await glasses.stop_recording()
            audio = await recording
            assert 1.0 < audio.seconds < 10.0
            assert not simulation.lights[-1]
            recording = asyncio.create_task(glasses.record(30.0))
            media = await follow(glasses, Media)
            assert simulation.lights[-1]
            ending = asyncio.create_task(follow(glasses, MediaEnd))
            await asyncio.sleep(0.1)
            await glasses.discard(media)
            assert (await ending).error == "cancelled"
            with pytest.raises(glint.MediaError, match="cancelled"):
                await recording
            assert not simulation.lights[-1]
            assert not (await glasses.status()).light

    connected(job)


def test_media_waits_for_a_grant_and_a_wish():
    """A companion written for this test sends and reads the bytes."""

    async def job(simulation):
        device = await BleakScanner.find_device_by_name(
            "Glint", backend=scanner_backend(simulation.address)
        )
        async with BleakClient(device, backend=client_backend(simulation.address)) as client:
            await client.pair()
            chunks, answers = [], []
            await client.start_notify(protocol.UUID_MEDIA, lambda _, data: chunks.append(data))
            await client.start_notify(protocol.UUID_SMP, lambda _, data: answers.append(data))

            async def write(uuid, data):
                await client.write_gatt_char(uuid, data, response=False)
                await asyncio.sleep(1)

            # SMP headers: op, flags, length, group 64, sequence, command; {"from": 0} and {}.
            await write(protocol.UUID_SMP, bytes.fromhex("0a00000700400001a16466726f6d00"))
            await write(protocol.UUID_SMP, bytes.fromhex("0a00000100400102a0"))
            number, other = cbor2.loads(answers[1][8:])["id"], 7
            assert chunks == []
            want = struct.pack("<BHIIII", protocol.MEDIA_WANT, number, 1000, 1100, 20_000, 30_000)
            await write(protocol.UUID_MEDIA, want)
            assert chunks == []
            await write(protocol.UUID_MEDIA, struct.pack("<BH", protocol.MEDIA_CREDIT, 1))
            assert [(*struct.unpack_from("<HI", c), len(c)) for c in chunks] == [
                (number, 1000, 106)
            ]
            await write(protocol.UUID_MEDIA, struct.pack("<BH", protocol.MEDIA_CREDIT, 9))
            assert [(*struct.unpack_from("<HI", c), len(c)) for c in chunks[1:]] == [
                (number, 20_000, 486)  # to the end of the object
            ]
            await write(protocol.UUID_MEDIA, struct.pack("<BHII", protocol.MEDIA_WANT, other, 0, 9))
            assert chunks[2:] == [struct.pack("<HI", other, 0)]  # there never was such an object
            await write(protocol.UUID_MEDIA, struct.pack("<BH", protocol.MEDIA_RELEASE, number))
            await write(protocol.UUID_MEDIA, want)
            assert chunks[3:] == [struct.pack("<HI", number, 0)]
            for nonsense in (b"", b"\x02", b"\x02\x01\x00", want[:-1], bytes(200), b"\xff" * 131):
                await write(protocol.UUID_MEDIA, nonsense)
            assert len(chunks) == 4
            assert client.is_connected

    in_virtual_time(job)


def test_events_outlive_a_reboot():
    async def press(simulation):
        for number in range(5):
            simulation.peripherals.button(bool(number & 1))
        simulation.peripherals.battery(40, 3600)
        await asyncio.sleep(1)

    async def read(simulation):
        async with glint.connect(hci=simulation.address) as glasses:
            wanted, seen = (await glasses.status()).next - 1, []
            async for event in glasses.events("unread"):
                seen.append(event)
                if event.seq == wanted:
                    return seen

    async def run():
        with tempfile.TemporaryDirectory(prefix="glint-test-") as folder:
            for job in (press, press, read):
                async with simulated_link(FAST, Path(folder)) as simulation:
                    seen = await job(simulation)
            return seen, *JournalFile(folder + "/journal.bin").read()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        first, stored, acknowledged = runner.run(run())
    boots = [at for at, event in enumerate(first) if isinstance(event, Boot)]
    assert len(boots) == 3, first
    for start, stop in itertools.pairwise(boots):
        pressed = [event.pressed for event in first[start:stop] if isinstance(event, Button)]
        assert pressed == [False, True, False, True, False], first
        # The batteries' records were not to be kept: one at the start, one told.
        assert sum(event.count for event in first[start:stop] if isinstance(event, Gap)) <= 2
    assert [event.seq for event in first] == list(range(1, len(first) + 1))
    # The companion acknowledged all of these when it left.
    assert acknowledged >= max(int.from_bytes(record[:4], "little") for record in stored)
