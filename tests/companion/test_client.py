# SPDX-License-Identifier: Apache-2.0
"""Tests how the client connects, and the events it gets from glasses that lose data or lie."""

import asyncio
import gc

import glint
import pytest
from client_fixtures import button, connected, take, until
from fake_glasses import fake_advertising
from glint import protocol
from glint import stream as glint_stream
from workbench.emulation.medium import Medium, Timing, serve

# Finding and connecting.


async def test_scan_and_find_by_name_and_address():
    async with fake_advertising() as (fake, hci):
        (found,) = await glint.scan(0.5, hci=hci)
        assert (found.name, found.address) == (fake.name, fake.address)
        assert found.rssi < 0
        for wanted in (fake.name, fake.address.lower(), None):
            async with glint.connect(wanted, hci=hci) as glasses:
                assert (await glasses.status()).board == "fake"


async def test_the_environment_names_the_transport(monkeypatch):
    async with fake_advertising() as (fake, hci):
        monkeypatch.setenv("GLINT_HCI", hci)
        (found,) = await glint.scan(0.5)
        async with glint.connect() as glasses:
            assert found.address == fake.address
            assert (await glasses.status()).board == "fake"


async def test_not_found_says_what_there_is():
    async with fake_advertising() as (_, hci):
        with pytest.raises(glint.NotFoundError, match=r"called Other .* only Fake Glasses"):
            async with glint.connect("Other", hci=hci, timeout_s=0.5):
                pass


async def test_nobody_there():
    server = await serve(Medium(), "tcp:127.0.0.1:0")
    try:
        with pytest.raises(glint.NotFoundError, match=r"No glasses heard within 0\.5 s"):
            async with glint.connect(hci=server.address, timeout_s=0.5):
                pass
    finally:
        await server.close()


async def test_no_controller():
    with pytest.raises(glint.BluetoothError, match="glint sim"):
        async with glint.connect(hci="tcp-client:127.0.0.1:9", timeout_s=5):
            pass


async def test_info():
    async with connected() as (fake, glasses):
        info = await glasses.info()
        assert (info.name, info.address) == (fake.name, fake.address)
        assert (info.manufacturer, info.model, info.firmware) == ("Glint", "fake", "0.1.0")
        assert info.battery_percent == 77
        assert info.os == "Glint fake"
        assert info.status.arena == {"okay_nabu": 26080}
        assert info.status == await glasses.status()


async def test_closing_leaves_nothing_behind():
    async with fake_advertising() as (fake, hci):
        before = asyncio.all_tasks()
        async with glint.connect(hci=hci) as glasses:
            assert fake.connection
            button(fake)
            events = glasses.events("unread")
            await take(events, 1)
            waiting = asyncio.create_task(anext(events))
            await asyncio.sleep(0.05)
        with pytest.raises(StopAsyncIteration):
            await waiting
        await until(lambda: asyncio.all_tasks() == before)
        assert fake.connection is None
        assert len(fake.server.ports) == 1  # its own
        with pytest.raises(glint.ClosedError, match="closed"):
            await glasses.status()
        with pytest.raises(glint.ClosedError, match="opened once"):
            async with glasses:
                pass
        with pytest.raises(glint.ClosedError, match="async with"):
            await glint.connect(hci=hci).status()


# Events.


async def test_events_come_in_order_and_are_acknowledged():
    async with connected() as (fake, glasses):
        fake.add(protocol.EVENT_BOOT, board="fake", firmware="0.1.0", boot=fake.boot)
        fake.add(protocol.EVENT_WAKE, word="okay_nabu", p=0.9, at_ms=77)
        events = glasses.events("unread")
        boot, wake = await take(events, 2)
        assert isinstance(boot, glint.Boot)
        assert (wake.word, wake.probability, wake.at_ms) == ("okay_nabu", 0.9, 77)
        assert fake.acknowledged in ([], [1])  # the second is still being handled
        button(fake, 40)
        assert [event.seq for event in await take(events, 40)] == list(range(3, 43))
        await until(lambda: max(fake.acknowledged) >= 41)
        assert len(fake.acknowledged) < 10
    await until(lambda: fake.acknowledged[-1] == 42)


async def test_the_last_event_is_not_acknowledged_when_the_app_fails():
    async with fake_advertising() as (fake, hci):
        button(fake, 2)

        async def fail_at_2():
            async with glint.connect(hci=hci) as glasses:
                async for event in glasses.events("unread"):
                    if event.seq == 2:
                        await until(lambda: 1 in fake.acknowledged)
                        raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail_at_2()
        async with glint.connect(hci=hci) as glasses:
            assert [event.seq for event in await take(glasses.events("unread"), 1)] == [2]


async def test_reading_from_a_number_on():
    async with connected() as (fake, glasses):
        button(fake, 10)
        assert [event.seq for event in await take(glasses.events(since=7), 4)] == [7, 8, 9, 10]
        # For numbers of some earlier boot, it starts from the oldest.
        assert (await take(glasses.events(since=999), 1))[0].seq == 1


async def test_two_readers_each_get_everything():
    async with connected() as (fake, glasses):
        button(fake, 5)
        one = glasses.events("unread")
        assert [event.seq for event in await take(one, 3)] == [1, 2, 3]
        two = glasses.events(since=2)
        assert [event.seq for event in await take(two, 2)] == [2, 3]
        button(fake, 1)
        assert [event.seq for event in await take(one, 3)] == [4, 5, 6]
        assert [event.seq for event in await take(two, 3)] == [4, 5, 6]


async def test_events_that_the_host_lost_are_asked_for_again():
    async with connected() as (fake, glasses):
        fake.lose_once = {2, 3, 7}
        button(fake, 10)
        assert [event.seq for event in await take(glasses.events("unread"), 10)] == list(
            range(1, 11)
        )


async def test_the_last_event_lost_is_found_out(monkeypatch):
    monkeypatch.setattr(glint_stream, "_TAIL_CHECK_S", 0.1)
    async with connected() as (fake, glasses):
        events = glasses.events("unread")
        button(fake)
        await take(events, 1)
        fake.lose_once = {2}
        button(fake)
        assert [event.seq for event in await take(events, 1)] == [2]


async def test_hostile_records_are_passed_over_and_counted(monkeypatch):
    monkeypatch.setattr(glint_stream, "_TAIL_CHECK_S", 0.1)
    async with connected() as (fake, glasses):
        events = glasses.events("unread")
        button(fake)
        await take(events, 1)
        for data in (b"", b"x", bytes(200), b"\x02\0\0\0\0\0\0\0\x02\xa1", bytes(9) + b"\xa0"):
            fake.notify_raw(fake.events, data)
        for data in (b"", b"abc", bytes(6), b"\xff" * 100):
            fake.notify_raw(fake.media, data)
            fake.notify_raw(fake.smp, data)
        fake.add_raw(b"\x02\0\0\0\0\0\0\0\x02", b"\xff")
        button(fake)
        gap, after = await take(events, 2)
        assert isinstance(gap, glint.Gap)
        assert (gap.count, after.seq) == (1, 3)
        assert (await glasses.status()).board == "fake"


async def test_a_host_that_drops_notifications_loses_no_event():
    async with connected(Timing(interval_ms=7.5, phy=2, drop_notifications=0.05)) as (
        fake,
        glasses,
    ):
        count = 200
        events = glasses.events("unread")

        async def produce():
            for _ in range(count):
                button(fake)
                await asyncio.sleep(0.005)

        producing = asyncio.create_task(produce())
        got = await take(events, count, 30)
        await producing
        assert [event.seq for event in got] == list(range(1, count + 1))
        assert not any(isinstance(event, glint.Gap) for event in got)


async def test_readers_that_are_gone_take_no_memory():
    async with connected() as (fake, glasses):
        button(fake, 3)
        for _ in range(10):
            await take(glasses.events("unread"), 1)
        gc.collect()
        assert len(glasses._events._readers) == 0
