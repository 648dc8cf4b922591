# SPDX-License-Identifier: Apache-2.0
"""The firmware's link gives strangers little time; the test shortens it, on the linux board."""

import asyncio

import glint
import pytest
from bumble import att
from dut import Dut
from glint import protocol
from glint.waiting import end_tasks
from hostile import ATT_CID, Central
from radio_fixtures import Medium, serve
from test_link import in_virtual_time
from workbench.emulation.medium import Timing
from workbench.paths import FIRMWARE

SERVE = """
import asyncio, sys
sys.path.append('{firmware}')
from glasses import protocol, smp, media
from glasses.bonds import Bonds
from glasses.journal import Journal
from glasses.link import Link
protocol.LIMIT_STRANGER_MS = 1500
journal = Journal()
bonds = Bonds('{path}')
link = Link('Glint', 'linux', '0', journal, media.Outbox(journal), smp.Server(), bonds)
def serve(ms):
    try:
        asyncio.run(asyncio.wait_for_ms(link.run(), ms))
    except asyncio.TimeoutError:
        pass
"""


async def crowd_in(hci):
    """Occupies a connection, and reconnects at once whenever it has lost it."""
    async with Central(hci) as stranger:
        address = await stranger.find()
        while True:
            await stranger.occupy(address)


@pytest.mark.parametrize("strangers", [1, 10])
def test_strangers_that_come_back_at_once_do_not_keep_the_owner_out(strangers):
    async def job(simulation):
        loop = asyncio.get_running_loop()
        async with glint.connect(hci=simulation.address) as glasses:
            await glasses.status()
        crowd = [asyncio.create_task(crowd_in(simulation.address)) for _ in range(strangers)]
        took_s = []
        for _ in range(4):
            await asyncio.sleep(1)
            start_s = loop.time()
            async with glint.connect(hci=simulation.address, timeout_s=60) as glasses:
                await glasses.status()
            took_s.append(loop.time() - start_s)
        await end_tasks(*crowd)
        return took_s

    # On the simulation's clock, which is not this machine's.
    assert max(in_virtual_time(job, Timing(30, phy=1))) < 3


@pytest.mark.parametrize("known", [False, True])
def test_who_came_too_early_has_time_to_pair_once_it_may(known):
    async def job(world):
        loop = asyncio.get_running_loop()
        async with glint.connect(hci=world.address) as glasses, Central(world.address) as other:
            if known:  # and has lost its bond since
                await glasses.let_pair()
                await other.connect()
                await other.pair()
                await other.leave()
            address = await other.find()
            for _ in range(8):
                await other.occupy(address)
            await glasses.let_pair()
            start_s = loop.time()
            await other.occupy(await other.find())
            return loop.time() - start_s

    # A quarter of the 30,000 ms in which a host may discover everything and then pair.
    assert in_virtual_time(job, Timing(30, phy=1)) > 7


@pytest.mark.stacks
async def test_outside_the_window_strangers_bring_nothing_about(tmp_path, stack):
    server = await serve(Medium(None), "tcp:127.0.0.1:0")
    dut = await Dut.start(server.address, stack)
    try:
        source = SERVE.format(firmware=FIRMWARE, path=tmp_path / "bonds.json")
        assert await dut.run(source + "bonds.window.is_open = False") == "None"
        asked = []
        get_secret = dut.radio.board.get_secret
        dut.radio._bonds._get_secret = lambda *which: asked.append(which) or get_secret(*which)
        serving = asyncio.create_task(dut.run("serve(4000)"))
        async with Central(server.address) as stranger:
            for _ in range(5):
                # It is dropped before it has sent anything; that needs no task to be ready.
                await stranger.occupy(await stranger.find())
        assert await serving == "None"
        assert asked == []
        assert await dut.value("link.counts()['dropped']") == 5
    finally:
        await dut.stop()
        await server.close()


@pytest.mark.stacks
async def test_reading_and_writing_asks_for_no_secrets(tmp_path, stack):
    server = await serve(Medium(None), "tcp:127.0.0.1:0")
    dut = await Dut.start(server.address, stack)
    try:
        source = SERVE.format(firmware=FIRMWARE, path=tmp_path / "bonds.json")
        assert await dut.run(source) == "None"
        asked = []
        get_secret = dut.radio.board.get_secret
        dut.radio._bonds._get_secret = lambda *which: asked.append(which) or get_secret(*which)
        serving = asyncio.create_task(dut.run("serve(3000)"))
        async with Central(server.address) as stranger:
            await stranger.connect()
            values = await stranger.read_all()
            assert set(values.values()) >= {0x05, bytes([protocol.PAIRING_OPEN])}
            for each in stranger.characteristics():
                command = att.ATT_Write_Command(attribute_handle=each.handle, attribute_value=b"x")
                stranger.send(ATT_CID, bytes(command))
            await stranger.settle()
            await stranger.leave()
        assert await serving == "None"
        assert asked == []
    finally:
        await dut.stop()
        await server.close()


@pytest.mark.stacks
async def test_who_only_takes_up_the_place_is_dropped(tmp_path, stack):
    server = await serve(Medium(None), "tcp:127.0.0.1:0")
    dut = await Dut.start(server.address, stack)
    try:
        source = SERVE.format(firmware=FIRMWARE, path=tmp_path / "bonds.json")
        assert await dut.run(source) == "None"
        serving = asyncio.create_task(dut.run("serve(8000)"))
        async with Central(server.address) as stranger:
            for _ in range(2):
                await stranger.connect()
                assert not stranger.gone.is_set()
                await stranger.dropped()
        async with Central(server.address) as companion:
            # Known companions may stay.
            await companion.connect()
            await companion.pair()
            await asyncio.sleep(2)
            assert not companion.gone.is_set()
            await companion.leave()
        assert await serving == "None"
        assert len(await dut.value("[b.id for b in bonds]")) == 1
    finally:
        await dut.stop()
        await server.close()
