# SPDX-License-Identifier: Apache-2.0
"""On the glasses under test: services, battery, button, SMP, leaving and reconnecting."""

import asyncio
import sys

import pytest
from glint.events import Battery, Button

SMPCLIENT = """
import asyncio, sys
from glint import backend
from smpclient import SMPClient
from smpclient.requests.os_management import EchoWrite
from smpclient.transport.ble import SMPBLETransport

async def main():
    async with SMPClient(SMPBLETransport(), "Glint") as client:
        print((await client.request(EchoWrite(d="is it you?"))).r)
    await backend.close(sys.argv[1])

backend.install(sys.argv[1], backend.keystore(sys.argv[1]))
asyncio.run(main())
"""

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def first(glasses, kind, since):
    async def read():
        async for event in glasses.events(since):
            if isinstance(event, kind):
                return event
        raise AssertionError("the events ended")

    return await asyncio.wait_for(read(), 20)


async def test_device_information(target, glasses):
    info = await glasses.info()
    assert info.manufacturer == "Glint"
    assert info.model == target.board
    assert info.firmware == (await glasses.status()).firmware
    assert target.board in info.os


@pytest.mark.needs("peripherals")
async def test_the_battery_is_told(target, glasses):
    since = (await glasses.status()).next
    target.sim.do("battery", percent=41, mv=3712)
    battery = await first(glasses, Battery, since)
    assert (battery.percent, battery.mv) == (41, 3712)
    assert (await glasses.info()).battery_percent == 41


@pytest.mark.needs("peripherals")
async def test_events_from_before_the_connection_are_kept(target):
    async with target.connect() as glasses:
        since = (await glasses.status()).next
    target.sim.do("button", pressed=False)
    async with target.connect() as glasses:
        event = await first(glasses, Button, since)
        assert event.seq >= since


@pytest.mark.needs("hci")
async def test_smpclient_gets_its_echo(target):
    # In a process of its own, as it replaces the backend of all of bleak.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SMPCLIENT, target.sim.address, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    assert said.decode().strip() == "is it you?"


@pytest.mark.needs("range")
async def test_walking_away_and_back(target, glasses):
    since = (await glasses.status()).next
    target.sim.do("range", **{"in": False})
    target.sim.do("button", pressed=True)
    await asyncio.sleep(1)
    target.sim.do("range", **{"in": True})
    assert (await first(glasses, Button, since)).pressed
