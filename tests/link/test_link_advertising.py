# SPDX-License-Identifier: Apache-2.0
"""The firmware's link advertises again when the stack has stopped advertising without an event."""

import asyncio

from dut import Dut
from hostile import Central
from radio_fixtures import Medium, serve
from workbench.paths import FIRMWARE

QUIET_S = 4.0

SERVE = """
import asyncio, sys
sys.path.append('{firmware}')
from glasses import smp, media
from glasses.bonds import Bonds
from glasses.journal import Journal
from glasses.link import Link
journal = Journal()
bonds = Bonds('{path}')
link = Link('Glint', 'linux', '0', journal, media.Outbox(journal), smp.Server(), bonds)
calls = []
advertise = link._door._advertise
def counted(from_task):
    calls.append(len(list(bonds)))
    advertise(from_task)
link._door._advertise = counted
def serve(ms):
    try:
        asyncio.run(asyncio.wait_for_ms(link.run(), ms))
    except asyncio.TimeoutError:
        pass
"""


async def test_a_pairing_that_stops_advertising_is_followed_by_more(tmp_path):
    server = await serve(Medium(None), "tcp:127.0.0.1:0")
    dut = await Dut.start(server.address)
    try:
        source = SERVE.format(firmware=FIRMWARE, path=tmp_path / "bonds.json")
        assert await dut.run(source) == "None"
        serving = asyncio.create_task(dut.run("serve(7000)"))
        async with Central(server.address) as companion:
            await companion.connect()
            await asyncio.sleep(QUIET_S)  # meanwhile the glasses advertise for others
            await companion.pair()
            assert await serving == "None"
            # With the bond there, and its link still up.
            assert 1 in await dut.value("calls")
            await companion.leave()
    finally:
        await dut.stop()
        await server.close()
