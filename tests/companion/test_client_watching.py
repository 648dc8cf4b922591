# SPDX-License-Identifier: Apache-2.0
"""Tests `glasses.watch()`: when glasses are asked to look, and which changes an app is told."""

import asyncio
import contextlib
import json
import signal

import glint
import glint.sync
import pytest
from client_fixtures import connected, take, until
from fake_glasses import fake_advertising
from glint import protocol
from glint.cli import app
from test_cli import PATIENCE_S, start
from typer.testing import CliRunner


def sees(fake, *labels, **more):
    for label in labels:
        fake.add(protocol.EVENT_SEEN, label=label, p=0.9, by="person_detect", **more)


async def test_changes_are_told_until_it_is_left():
    async with connected() as (fake, glasses):
        sees(fake, "before anybody watched")
        async with contextlib.aclosing(glasses.watch(2)) as changes:
            first = asyncio.create_task(take(changes, 3))
            await until(lambda: fake.watching == [500])
            sees(fake, "no person")
            sees(fake, "a photo's", media=3)
            sees(fake, "no person", "person", "no person")
            assert [seen.label for seen in await first] == ["no person", "person", "no person"]
        assert fake.watching == [500, None]


async def test_it_is_asked_for_again_on_a_new_link():
    async with connected(timeout_s=60) as (fake, glasses):
        async with contextlib.aclosing(glasses.watch(2)) as changes:
            first = asyncio.create_task(take(changes, 2, 60))
            await until(lambda: fake.watching == [500])
            sees(fake, "person")
            await fake.drop_link()
            await until(lambda: fake.watching == [500, 500], 60)
            sees(fake, "person", "no person")  # the first is what they tell whoever begins
            assert [seen.label for seen in await first] == ["person", "no person"]
        assert fake.watching == [500, 500, None]


async def test_the_most_eager_decides_the_rate():
    async with connected() as (fake, glasses), contextlib.AsyncExitStack() as stack:
        slow = await stack.enter_async_context(contextlib.aclosing(glasses.watch(0.2)))
        waiting = asyncio.create_task(anext(slow))
        await until(lambda: fake.watching == [5000])
        async with contextlib.aclosing(glasses.watch(10)) as fast:
            both = asyncio.create_task(anext(fast))
            await until(lambda: fake.watching == [5000, 100])
            sees(fake, "person")
            assert (await both).label == (await waiting).label == "person"
        assert fake.watching == [5000, 100, 5000]


@pytest.mark.parametrize("rate_hz", [0, -1, 0.1, 10.1, float("nan"), float("inf")])
async def test_a_rate_that_there_is_not_is_refused_before_anything_is_asked(rate_hz):
    async with connected() as (fake, glasses):
        with pytest.raises(glint.GlintError, match=r"0.2 to 10 times a second"):
            await anext(glasses.watch(rate_hz))
        assert fake.watching == []


async def test_glasses_that_cannot_watch_say_so():
    async with connected() as (fake, glasses):
        fake.refuse = {protocol.SMP_GLINT_WATCH: protocol.RC_NO_CAMERA}
        with pytest.raises(glint.RequestError):
            await anext(glasses.watch())
        fake.refuse = {}
        fake.answers = {protocol.SMP_GLINT_WATCH: {"rc": 8}}  # older firmware
        with pytest.raises(glint.RequestError) as refusal:
            await anext(glasses.watch())
        assert refusal.value.reason is glint.Reason.WRONG_VERSION


async def test_a_script_watches():
    async with fake_advertising() as (fake, hci):

        def script():
            with glint.sync.connect(hci=hci, timeout_s=5) as glasses:
                for seen in glasses.watch(rate_hz=5, timeout_s=5):
                    return seen.label

        watched = asyncio.create_task(asyncio.to_thread(script))
        await until(lambda: fake.watching == [200])
        sees(fake, "person")
        assert await watched == "person"
        assert fake.watching == [200, None]


async def test_the_command_prints_what_changes():
    async with fake_advertising() as (fake, hci):
        process = await start("watch", "--rate", "4", "--json", hci=hci)
        await until(lambda: fake.watching == [250], PATIENCE_S)
        sees(fake, "no person", "person")
        for label in ("no person", "person"):
            line = json.loads(await asyncio.wait_for(process.stdout.readline(), PATIENCE_S))
            assert (line["type"], line["label"]) == ("seen", label)
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.communicate(), PATIENCE_S) == (b"", b"")
        assert fake.watching == [250, None]


async def test_the_command_ends_after_as_many_seconds_as_are_given():
    async with fake_advertising() as (_, hci):
        arguments = ["watch", "--seconds", "0.1", "--hci", hci]
        done = await asyncio.to_thread(CliRunner().invoke, app.build(), arguments)
        assert (done.exit_code, done.output) == (0, "")
