# SPDX-License-Identifier: Apache-2.0
"""Glasses that reset themselves start again with the same address, flash and bonds."""

import glint
import pytest
import sweep
from emulators import emulated
from glint.errors import RequestError
from smpclient.requests.os_management import ResetWrite
from workbench.emulation.radio.stacks import DEFAULT
from workbench.emulation.simprocess import simulator
from workbench.testing.base import settings


@pytest.fixture(params=["linux", "corstone300"])
def board(request, stack):
    """A board's name."""
    if request.param != "linux" and stack != DEFAULT and not sweep.WHOLE:
        pytest.skip("a sweep: make test-all runs it")
    return emulated(request.param)


@pytest.mark.stacks
async def test_reset_by_request(board):
    async with simulator("--board", board, "--stack", settings.stack) as sim:
        sim.do("battery", percent=12, mv=3300)
        async with glint.connect(hci=sim.address, timeout_s=20) as glasses:
            before = await glasses.info()
            events = glasses.events("unread")
            assert isinstance(await anext(events), glint.Boot)
            link = await glasses._connection.link()
            await link.requests.request(ResetWrite())
            await sim.wait_for("restarted", timeout_s=20, status=75)
            async for event in events:
                if isinstance(event, glint.Boot):
                    break
            # The same companion may connect again, although pairing is closed: it is known.
            after = await glasses.info()
            assert after.address == before.address
            assert after.status.uptime_ms < 20000
            assert after.battery_percent == 12
            mark = sim.mark()
            sim.do("mic", files=[], realtime=False)
            await sim.wait_for("mic_done", since=mark)
            assert (await glasses.photo()).width > 0


async def test_button_held_at_the_start_leads_to_safe_mode(board):
    async with (
        simulator("--board", board, "--stack", settings.stack) as sim,
        glint.connect(hci=sim.address, timeout_s=20) as glasses,
    ):
        assert not (await glasses.boot()).safe
        sim.do("button", pressed=True)
        await glasses.reset()
        await sim.wait_for("restarted", timeout_s=20)
        assert (await glasses.boot()).safe
        with pytest.raises(RequestError):
            await glasses.status()
        sim.do("button", pressed=False)
        mark = sim.mark()
        await glasses.reset()
        await sim.wait_for("restarted", since=mark, timeout_s=20)
        assert not (await glasses.boot()).safe
