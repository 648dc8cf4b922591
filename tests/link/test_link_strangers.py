# SPDX-License-Identifier: Apache-2.0
"""The firmware's link gives a stranger little time; shortened here, on the linux board."""

import asyncio

import pytest
from dut import Dut
from hostile import Central
from radio_fixtures import Air, serve
from workbench.paths import FIRMWARE

SERVE = """
import asyncio, sys
sys.path.append('{firmware}')
from glasses import protocol, smp, media
from glasses.bonds import Bonds
from glasses.journal import Journal
from glasses.link import Link
protocol.LIMIT_STRANGER_MS = 300
journal = Journal()
bonds = Bonds('{path}')
link = Link('Glint', 'linux', '0', journal, media.Outbox(journal), smp.Server(), bonds)
def serve(ms):
    try:
        asyncio.run(asyncio.wait_for_ms(link.run(), ms))
    except asyncio.TimeoutError:
        pass
"""


@pytest.mark.stacks
async def test_who_only_takes_up_the_place_is_dropped(tmp_path, stack):
    server = await serve(Air(None), "tcp:127.0.0.1:0")
    dut = await Dut.start(server.address, stack)
    try:
        source = SERVE.format(firmware=FIRMWARE, path=tmp_path / "bonds.json")
        assert await dut.run(source) == "None"
        serving = asyncio.create_task(dut.run("serve(4000)"))
        async with Central(server.address) as stranger:
            for _ in range(2):
                await stranger.connect()
                assert not stranger.gone.is_set()
                await stranger.dropped()
            # Who is known may stay.
            await stranger.connect()
            await stranger.pair()
            await asyncio.sleep(1)
            assert not stranger.gone.is_set()
            await stranger.leave()
        assert await serving == "None"
        assert len(await dut.value("[b.id for b in bonds]")) == 1
    finally:
        await dut.stop()
        await server.close()
