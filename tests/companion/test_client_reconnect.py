# SPDX-License-Identifier: Apache-2.0
"""Tests the client against glasses that drop the link, restart and vanish."""

import asyncio

import glint
import pytest
from client_fixtures import button, connected, take, until
from fake_glasses import FakeGlasses, fake_advertising
from glint import protocol


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
