# SPDX-License-Identifier: Apache-2.0
"""Tests the client against glasses that lose data, lie, refuse, restart and vanish."""

import asyncio
import gc
import sys

import glint
import pytest
from client_fixtures import button, connected, take, until
from fake_glasses import FakeGlasses, fake_advertising
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


# Losing the link.


async def test_reconnects_and_goes_on_where_it_was():
    async with connected() as (fake, glasses):
        button(fake, 3)
        events = glasses.events("unread")
        await take(events, 3)
        await fake.drop_link()
        button(fake, 3)
        assert [event.seq for event in await take(events, 3)] == [4, 5, 6]
        assert fake.asked == [0, 4]
        assert glasses.statistics.links == 2


async def test_what_was_dropped_meanwhile_is_a_gap():
    async with connected() as (fake, glasses):
        button(fake, 3)
        events = glasses.events("unread")
        await take(events, 3)
        await fake.drop_link()
        button(fake, 10)
        fake.forget(9)
        gap, *rest = await take(events, 6)
        assert (gap.seq, gap.count) == (9, 5)
        assert [event.seq for event in rest] == [9, 10, 11, 12, 13]


async def test_a_reboot_is_told_and_starts_over():
    async with connected() as (fake, glasses):
        button(fake, 3)
        events = glasses.events("unread")
        await take(events, 3)
        fake.send_object("audio", bytes(500), stop_at=100)
        media = (await take(events, 1))[0]
        audio = asyncio.create_task(glasses.audio(media))
        await asyncio.sleep(0.1)
        await fake.reboot()
        button(fake)
        boot, after = await take(events, 2)
        assert isinstance(boot, glint.Boot)
        assert boot.boot == fake.boot
        assert (boot.seq, after.seq) == (1, 2)
        with pytest.raises(glint.LinkLostError, match="started anew"):
            await audio


async def test_numbers_of_one_boot_are_not_acknowledged_in_the_next():
    async with connected() as (fake, glasses):
        button(fake, 3)
        events = glasses.events("unread")
        await take(events, 3)
        fake.away_s = 0.4  # twice the longest wait of an acknowledgement
        await fake.reboot()
        fake.acknowledged.clear()
        await until(lambda: glasses.statistics.links == 2)
        await asyncio.sleep(0.1)
        assert fake.acknowledged == []


async def test_requests_wait_for_the_link():
    async with connected() as (fake, glasses):
        await fake.drop_link()
        await until(lambda: not glasses.connected)
        assert (await glasses.status()).board == "fake"


async def test_gone_for_good_is_said_to_everyone():
    async with fake_advertising() as (_, hci):
        away = FakeGlasses("Away", "F0:00:00:00:00:02")
        await away.start(hci)
        async with glint.connect("Away", hci=hci, timeout_s=1.0) as glasses:
            events = glasses.events("unread")
            away.send_object("audio", bytes(500), stop_at=100)
            (media,) = await take(events, 1)
            audio = asyncio.create_task(glasses.audio(media))
            await away.stop()
            with pytest.raises(glint.LinkLostError, match=r"Away was lost, and .* within 1 s"):
                await take(events, 1)
            with pytest.raises(glint.LinkLostError):
                await audio
            with pytest.raises(glint.LinkLostError):
                await glasses.status()


async def test_a_request_under_way_ends_with_the_link():
    async with connected() as (fake, glasses):
        fake.mute = {protocol.SMP_GLINT_STATUS}
        asking = asyncio.create_task(glasses.status())
        await asyncio.sleep(0.1)
        await fake.drop_link()
        with pytest.raises(glint.LinkLostError):
            await asking


# Requests.


async def test_refusals_have_a_code_and_a_reason():
    async with connected() as (fake, glasses):
        fake.refuse = {protocol.SMP_GLINT_PHOTO: protocol.RC_NO_CAMERA}
        with pytest.raises(glint.RequestError, match="no camera") as refused:
            await glasses.photo()
        assert (refused.value.group, refused.value.rc) == (64, protocol.RC_NO_CAMERA)
        # The glasses' own message takes precedence over ours.
        error = {"group": 64, "rc": protocol.RC_BUSY}
        fake.answers = {protocol.SMP_GLINT_PHOTO: {"err": error, "rsn": "a photo is under way"}}
        with pytest.raises(glint.RequestError, match=r"^Refused: a photo is under way\.$"):
            await glasses.photo()
        fake.answers = {protocol.SMP_GLINT_RECORD: {"rc": 3, "rsn": "ms takes 1000 to 60000"}}
        with pytest.raises(glint.RequestError, match="ms takes 1000 to 60000") as refused:
            await glasses.record(1)
        assert (refused.value.group, refused.value.rc) == (0, 3)
        fake.answers = {}
        fake.refuse = {protocol.SMP_GLINT_RECORD: 99}
        with pytest.raises(glint.RequestError, match="error 99 of group 64"):
            await glasses.record(1)
        fake.answers = {protocol.SMP_GLINT_PHOTO: {"rc": 8}}
        with pytest.raises(glint.RequestError, match="ENOTSUP"):
            await glasses.photo()


async def test_a_request_broken_off_between_writes_harms_no_other(monkeypatch):
    monkeypatch.setattr(protocol, "LIMIT_SMP_HALF_MS", 100)
    async with connected() as (fake, glasses):
        fake.half_s = 0.1
        transport = (await glasses._connection.link())._transport
        write, sent = transport._write, []
        transport.max_write_bytes = 20

        async def stalls(data):
            if sent:
                await asyncio.Event().wait()
            sent.append(data)
            await write(data)

        monkeypatch.setattr(transport, "_write", stalls)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(glasses.get_file("models/of_a_name_that_takes_two_writes"), 0.2)
        assert len(sent) == 1
        monkeypatch.setattr(transport, "_write", write)
        for _ in range(3):
            assert (await glasses.status()).board == "fake"


async def test_the_rest_of_an_answer_that_was_lost_harms_no_other(monkeypatch):
    async with connected() as (fake, glasses):
        answer = b"\x03\x00\x00\x40\x00\x40\x00\x00" + bytes(20)
        # The start of one response, the rest of another, bytes that are none, and a flood of them.
        for junk in (answer, bytes(40), b"\xff" * 100, *[bytes(range(200))] * 200):
            fake.notify_raw(fake.smp, junk)
        assert (await glasses.status()).board == "fake"
        notify, sent = fake.notify_raw, []

        def loses_the_first(characteristic, data):
            sent.append(data)
            if len(sent) > 1:
                notify(characteristic, data)

        monkeypatch.setattr(fake, "notify_raw", loses_the_first)
        with pytest.raises(glint.NoAnswerError):
            await glasses.status()
        assert len(sent) > 1  # the answer takes several notifications
        assert (await glasses.status()).board == "fake"


async def test_a_request_that_was_given_up_is_not_dumped_on_the_terminal(tmp_path):
    script = tmp_path / "app.py"
    script.write_text(
        "import asyncio\n"
        "from glint.requests import Requests, Transport\n"
        "from glint.smp import StatusRead\n"
        "async def nowhere(data): pass\n"
        "async def main():\n"
        "    try: await Requests(Transport(nowhere)).request(StatusRead(), 0.05)\n"
        "    except Exception as error: print(error)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await process.communicate()
    assert out.startswith(b"The glasses did not answer")
    assert errors == b""


async def test_the_mtu_shows_in_what_the_glasses_send():
    async with connected() as (fake, glasses):
        transport = (await glasses._connection.link())._transport
        transport.max_write_bytes = 20  # the most, where the system does not tell the MTU
        heard = bytes(fake.connection.att_mtu - 3)
        fake.notify_raw(fake.media, heard)
        await until(lambda: transport.max_write_bytes == len(heard) == 244)


async def test_no_answer(monkeypatch):
    async with connected() as (fake, glasses):
        fake.mute = {protocol.SMP_GLINT_STATUS}
        with pytest.raises(glint.NoAnswerError, match="did not answer"):
            await glasses.status()
        fake.mute = set()
        assert (await glasses.status()).board == "fake"


@pytest.mark.parametrize(
    "answer", [b"", b"\xff", b"\x80", b"\xa1\x01\x02", {"board": 1}, {"rc": "x"}, b"\x81" * 900]
)
async def test_answers_that_are_none(answer):
    async with connected() as (fake, glasses):
        fake.answers = {protocol.SMP_GLINT_STATUS: answer}
        with pytest.raises(glint.ProtocolError, match="not understood"):
            await glasses.status()
        fake.answers = {}
        assert (await glasses.status()).board == "fake"


# On a link as it is.


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
