# SPDX-License-Identifier: Apache-2.0
"""On glasses with keys, the wearer types the digits that a companion shows (passkey entry)."""

import asyncio

import pytest
from bumble.pairing import PairingConfig, PairingDelegate
from glint import protocol
from glint.backend.scanner import uuid_text
from hostile import Central
from workbench.testing.emulated import Emulated

WAIT_S = 10.0
BATTERY = "00002a19-0000-1000-8000-00805f9b34fb"
NOT_AUTHENTICATED, NOT_AUTHORISED = 0x05, 0x08


class Screen(PairingDelegate):
    """A companion that shows six digits, and has no keys."""

    def __init__(self):
        super().__init__(PairingDelegate.IoCapability.DISPLAY_OUTPUT_ONLY)
        self.shown = asyncio.get_running_loop().create_future()

    async def display_number(self, number, digits):
        self.shown.set_result(f"{number:0{digits}}")


async def pair(sim, central, change=0):
    """Pairs; types the digits that are shown, plus `change`."""
    screen = Screen()
    central.device.pairing_config_factory = lambda _: PairingConfig(
        mitm=True, delegate=screen, identity_address_type=PairingConfig.AddressType.RANDOM
    )
    await central.connect()
    pairing = asyncio.create_task(central.pair())
    digits = int(await asyncio.wait_for(screen.shown, WAIT_S))
    # The companion shows them before the glasses ask: what is typed too early is not heard.
    while not pairing.done():
        sim.do("type", text="12345")  # nor is what cannot be a passkey
        sim.do("type", text=f"{(digits + change) % 10**6:06}")
        await asyncio.wait([pairing], timeout=0.2)


@pytest.mark.stacks
@pytest.mark.needs("hci")
async def test_the_digits_that_a_companion_shows_are_typed(target_name, stack):
    if target_name != "linux":
        pytest.skip(f"glasses '{target_name}' have no keys")
    async with Emulated(target_name, "--keypad") as target:
        async with Central(target.sim.address) as liar:
            await pair(target.sim, liar, change=1)
            assert await battery(liar) in (NOT_AUTHENTICATED, NOT_AUTHORISED, None)
            await liar.leave()
        async with Central(target.sim.address) as central:
            await pair(target.sim, central)
            assert await battery(central) == b"\x64"
            await central.leave()
            # The bond is kept, and counts.
            await central.connect()
            await central.encrypt()
            assert await battery(central) == b"\x64"
            assert "digits" in await method(central)
            await central.leave()


async def battery(central):
    return (await central.read_all())[BATTERY]


async def method(central):
    """What the glasses say of how they pair."""
    for each in central.characteristics():
        if uuid_text(each.uuid) == protocol.UUID_SMP:
            await each.subscribe()
    # SMP: read, group 64, command 33 with an empty map.
    central.heard.clear()
    central.write(protocol.UUID_SMP, bytes.fromhex("080000010040") + b"\x01\x21\xa0")
    async with asyncio.timeout(WAIT_S):
        while not any(b"method" in data for data in central.heard):
            await asyncio.sleep(0.05)
    return next(data for data in central.heard if b"method" in data).decode(errors="replace")
