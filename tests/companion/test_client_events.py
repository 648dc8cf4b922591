# SPDX-License-Identifier: Apache-2.0
"""Tests which events an app gets, their times, and which of them stay unread."""

import asyncio
from datetime import UTC, datetime, timedelta

import glint
import pytest
from client_fixtures import button, connected, take, until
from fake_glasses import fake_advertising
from glint import collect as glint_collect
from glint import protocol


async def test_events_start_now():
    async with fake_advertising() as (fake, hci):
        button(fake, 5)
        async with glint.connect(hci=hci) as glasses:
            events = glasses.events()
            reading = asyncio.create_task(take(events, 1))
            await until(lambda: fake.asked)
            fake.add(protocol.EVENT_WAKE, word="okay_nabu", p=0.9, at_ms=1)
            (wake,) = await reading
            assert (wake.seq, wake.word) == (6, "okay_nabu")
            missed = await take(glasses.events("unread"), 6)
            assert [event.seq for event in missed] == [1, 2, 3, 4, 5, 6]
            # A reader of live events does not get those again that another reader asks for.
            button(fake)
            assert [event.seq for event in await take(events, 1)] == [7]


async def test_now_is_when_events_were_asked_for_if_they_come_already():
    async with connected() as (fake, glasses):
        first = glasses.events("unread")
        button(fake, 2)
        await take(first, 2)
        second = glasses.events()
        button(fake, 2)
        assert [event.seq for event in await take(first, 2)] == [3, 4]
        assert [event.seq for event in await take(second, 2)] == [3, 4]


async def test_what_a_photo_shows_is_told_to_who_wanted_events_before():
    async with connected() as (fake, glasses):
        button(fake, 3)

        def take_photo(number):
            fake.send_object("photo", bytes(100), number=number)
            fake.add(protocol.EVENT_SEEN, label="cat", p=0.5, by="motion", media=number)

        fake.on_photo = take_photo
        events = glasses.events()
        await glasses.photo()
        kinds = [type(event) for event in await take(events, 3)]
        assert kinds == [glint.Media, glint.MediaEnd, glint.Seen]


async def test_what_was_missed_stays_unread():
    async with fake_advertising() as (fake, hci):
        button(fake, 3)
        async with glint.connect(hci=hci) as glasses:
            events = glasses.events()
            waiting = asyncio.create_task(take(events, 20))
            await until(lambda: fake.asked)
            button(fake, 20)
            await waiting
            await fake.drop_link()
            button(fake, 1)
            assert [event.seq for event in await take(events, 1)] == [24]
        assert fake.acknowledged == []
        async with glint.connect(hci=hci) as glasses:
            events = glasses.events("unread")
            assert [event.seq for event in await take(events, 24)] == list(range(1, 25))
        await until(lambda: fake.acknowledged and fake.acknowledged[-1] == 24)


async def test_nothing_missed_is_acknowledged_by_who_starts_now():
    async with connected() as (fake, glasses):
        events = glasses.events()
        waiting = asyncio.create_task(take(events, 1))
        await until(lambda: fake.asked)
        button(fake, 1)
        await waiting
        button(fake, 1)
        await take(events, 1)
        await until(lambda: fake.acknowledged)


async def test_events_that_start_now_go_on_after_a_reboot():
    async with fake_advertising() as (fake, hci):
        button(fake, 3)
        async with glint.connect(hci=hci) as glasses:
            events = glasses.events()
            waiting = asyncio.create_task(take(events, 1))
            await until(lambda: fake.asked)
            button(fake, 1)
            await waiting
            # The four are unread, and come again under new numbers before those of the next boot.
            fake.records.clear()
            fake.boot, fake.next, fake.own = 2002, 1, 5
            button(fake, 4)
            fake.add(protocol.EVENT_BOOT, board="fake", firmware="0.1.0", boot=2002)
            await fake.drop_link()
            button(fake, 1)
            boot, after = await take(events, 2)
            assert (boot.boot, boot.seq, after.seq) == (2002, 5, 6)
            assert boot.boot_id == after.boot_id == 2002


async def test_every_event_has_a_time_and_an_age():
    async with connected() as (fake, glasses):
        began = datetime.now(UTC) - timedelta(hours=1)
        fake.time_ms = 1000
        button(fake)
        fake.time_ms = 3_600_000
        old, new = await take(glasses.events("unread"), 1), glasses.events()
        button(fake)
        (now,) = await take(new, 1)
        assert abs(old[0].time - began - timedelta(seconds=1)) < timedelta(seconds=30)
        assert old[0].age_s == pytest.approx(3599, abs=30)
        assert now.time - old[0].time == timedelta(milliseconds=3_599_000)
        assert now.boot_id == fake.boot == glasses.boot_id
        set_to = datetime.fromisoformat(fake.clock_set[0])
        assert abs(datetime.now(UTC) - set_to) < timedelta(seconds=30)


async def test_events_of_earlier_boots_tell_their_own_time():
    async with connected() as (fake, glasses):
        fake.own = 4
        noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
        fake.add(protocol.EVENT_BUTTON, pressed=True)
        fake.add(protocol.EVENT_BOOT, board="fake", firmware="0.1.0", boot=999)
        fake.add(protocol.EVENT_BUTTON, pressed=True, utc=int(noon.timestamp()))
        fake.add(protocol.EVENT_BOOT, board="fake", firmware="0.1.0", boot=fake.boot)
        unknown, boot, dated, this = await take(glasses.events("unread"), 4)
        assert (unknown.time, unknown.age_s, unknown.boot_id) == (None, None, None)
        assert (boot.time, boot.boot_id) == (None, 999)
        assert (dated.time, dated.boot_id) == (noon, 999)
        assert this.boot_id == fake.boot
        assert this.age_s == pytest.approx(0, abs=30)


async def test_sound_that_is_gone_is_said_to_be_at_once(monkeypatch):
    monkeypatch.setattr(glint_collect, "_ANNOUNCED_S", 1000.0)
    async with connected() as (fake, glasses):
        fake.own = 2
        fake.add(protocol.EVENT_WAKE, word="okay_nabu", p=0.9, at_ms=1)
        fake.add(protocol.EVENT_BOOT, board="fake", firmware="0.1.0", boot=fake.boot)
        fake.add(protocol.EVENT_WAKE, word="okay_nabu", p=0.9, at_ms=1)
        button(fake)
        earlier, _, unheard, _ = await take(glasses.events("unread"), 4)
        with pytest.raises(glint.MediaError, match="before the glasses last started"):
            await glasses.audio(earlier)
        with pytest.raises(glint.MediaError, match="record while a companion listens"):
            await glasses.audio(unheard)
        number = {"id": 77, "kind": "audio", "codec": "x", "bytes": 9, "rate_hz": 1}
        events = glasses.events()
        fake.add(protocol.EVENT_MEDIA, **number)
        (media,) = await take(events, 1)
        with pytest.raises(glint.MediaError, match="no longer have all of audio"):
            await glasses.audio(media)
