# SPDX-License-Identifier: Apache-2.0
"""Tests several companions at a time, and a stack that must not be called at certain moments."""

import asyncio
import contextlib

import glint
import pytest
from dut import Dut
from glint.backend import close
from glint.errors import RequestError
from glint.events import Button
from glint.smp import WatchWrite
from hostile import Central
from radio_fixtures import Medium, serve
from test_link import connected
from test_link_strangers import SERVE
from workbench.paths import FIRMWARE


@contextlib.asynccontextmanager
async def another_machine(simulation):
    """The address at which a second companion's machine is in the same medium."""
    server = await serve(simulation.medium, f"unix:{simulation.flash / 'another'}")
    try:
        yield server.address
    finally:
        await close(server.address)
        await server.close()


@pytest.mark.stacks
@pytest.mark.usefixtures("stack")
def test_two_companions_are_served_side_by_side():
    async def pressed(glasses, since):
        async for event in glasses.events(since):
            if isinstance(event, Button):
                return event.seq

    async def job(simulation, first):
        await first.let_pair()
        async with (
            another_machine(simulation) as address,
            glint.connect(hci=address, timeout_s=60) as second,
        ):
            mine, theirs = await first.bonds(), await second.bonds()
            assert [bond.this for bond in mine] == [True, False]
            assert [bond.this for bond in theirs] == [False, True]
            since = (await first.status()).next
            waiting = [asyncio.create_task(pressed(each, since)) for each in (first, second)]
            await asyncio.sleep(1)
            simulation.peripherals.button(True)
            one, other = await asyncio.gather(*waiting)
            assert one == other
            for each in (first, second, first):
                photo = await each.photo()
                assert len(photo.data) == simulation.photo_bytes
            # A companion that leaves does not affect the other.
            reading = asyncio.create_task(first.photo())
        assert len((await reading).data) == simulation.photo_bytes

    connected(job)


def test_the_most_eager_companion_decides_how_often_the_glasses_look():
    async def job(simulation, first):
        await first.let_pair()
        since = (await first.status()).next
        reading = asyncio.create_task(anext(first.events(since + 1000)))  # asks for events
        async with (
            another_machine(simulation) as address,
            glint.connect(hci=address, timeout_s=60) as second,
        ):
            with pytest.raises(RequestError, match="events"):  # its own, not the first's
                await second.request(WatchWrite(every_ms=200))
            await second._events.ensure_started()
            await first.request(WatchWrite(every_ms=1000))
            assert (await second.status()).watch_every_ms == 1000
            await second.request(WatchWrite(every_ms=200))
            assert (await first.status()).watch_every_ms == 200
            assert (await first.status()).light
        while (state := await first.status()).watch_every_ms == 200:
            await asyncio.sleep(0.1)
        assert (state.watch_every_ms, state.light) == (1000, True)
        await first.request(WatchWrite())
        await asyncio.sleep(0.5)
        state = await first.status()
        assert (state.watch_every_ms, state.light) == (0, False)
        reading.cancel()

    connected(job)


@pytest.mark.stacks
@pytest.mark.usefixtures("stack")
def test_nothing_is_called_while_a_companion_secures_its_link():
    async def press(simulation):
        while True:
            await asyncio.sleep(0.02)
            simulation.peripherals.button(True)

    async def job(simulation, first):
        await first.let_pair()
        reading = asyncio.create_task(anext(first.events((await first.status()).next)))
        async with another_machine(simulation) as address:
            async with glint.connect(hci=address, timeout_s=60) as second:
                await second.status()
            pressing = asyncio.create_task(press(simulation))
            simulation.radio.board.locked_s = 0.05
            before = simulation.radio.counters()
            for _ in range(3):
                async with glint.connect(hci=address, timeout_s=60) as second:
                    await second.status()
                await asyncio.sleep(1)
            after = simulation.radio.counters()
            pressing.cancel()
        await reading
        assert after["notifications"] > before["notifications"] + 30

    connected(job)  # which checks that no call was made while the host was locked


@contextlib.asynccontextmanager
async def glasses(tmp_path, stack):
    """The link alone, on the linux board: (dut, its HCI transport)."""
    server = await serve(Medium(None), "tcp:127.0.0.1:0")
    dut = await Dut.start(server.address, stack)
    try:
        source = SERVE.format(firmware=FIRMWARE, path=tmp_path / "bonds.json")
        assert await dut.run(source) == "None"
        yield dut, server.address
    finally:
        await close(server.address)
        await dut.stop()
        await server.close()


async def test_an_event_that_cannot_be_taken_ends_the_link(tmp_path, stack):
    async with glasses(tmp_path, stack) as (dut, hci):
        await dut.run("bonds.begin = None")
        serving = asyncio.create_task(dut.run("serve(20000)"))
        with contextlib.suppress(glint.GlintError):
            async with glint.connect(hci=hci, timeout_s=2):
                pass
        assert "object isn't callable" in await serving
        assert await dut.value("link.faults") == 1


async def test_what_the_stack_refuses_is_tried_again(tmp_path, stack):
    async with glasses(tmp_path, stack) as (dut, hci):
        await dut.run(
            """
calls = []
def refusing(name, times):
    call = getattr(link._ble, name)
    def refuse(*args, **kwargs):
        calls.append(name)
        if calls.count(name) <= times:
            raise OSError(-12)
        return call(*args, **kwargs)
    setattr(link._ble, name, refuse)
refusing('gap_advertise', 3)
refusing('gap_disconnect', 2)
link._door.look(anew=True)
"""
        )
        serving = asyncio.create_task(dut.run("serve(6000)"))
        async with Central(hci) as stranger:
            await stranger.connect()
            await stranger.dropped()
        assert await serving == "None"
        assert await dut.value("link.counts()['refused']") == 5
