# SPDX-License-Identifier: Apache-2.0
"""Tests the emulated radio's private addresses, for a bonded companion and for a sniffer.

The sources are MicroPython 1.25.0's extmod/nimble/modbluetooth_nimble.c, lines 707 to 764, and
ESP-IDF v5.2.2's NimBLE (a2acac3), nimble/host/src/ble_hs_pvcy.c.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from bleak import BleakScanner
from bumble import crypto, hci
from glint.backend import scanner_backend
from hostile import Central
from radio_fixtures import NAME, RadioSetup, radio_setup, uuid_of

RESOLVABLE = 2
EINVAL = 22
TIMEOUT_S = 20.0


@pytest_asyncio.fixture
async def w() -> AsyncIterator[RadioSetup]:
    async with radio_setup() as it:
        yield it


async def heard(w: RadioSetup, count: int) -> dict[hci.Address, bytes]:
    """Returns the first `count` addresses that a sniffer hears, each with the data sent from it."""
    found: dict[hci.Address, bytes] = {}
    enough = asyncio.Event()

    def on_advertisement(advertisement: Any) -> None:
        found.setdefault(advertisement.address, bytes(advertisement.data))
        if len(found) == count:
            enough.set()

    async with Central(w.address) as sniffer:
        sniffer.device.on("advertisement", on_advertisement)
        await sniffer.device.start_scanning(active=False)
        await asyncio.wait_for(enough.wait(), TIMEOUT_S)
        await sniffer.device.stop_scanning()
    return found


def is_drawn_with(irk: bytes, address: hci.Address) -> bool:
    """Core 5.4, Vol 6, Part B, 1.3.2.3."""
    data = bytes(address)
    return address.is_resolvable and crypto.ah(irk, data[3:6]) == data[:3]


def irk_of(w: RadioSetup) -> bytes:
    device = w.dut.radio._device
    assert device is not None
    return bytes(device.irk)


async def test_the_modes_are_those_of_the_binding(w: RadioSetup) -> None:
    assert (await heard(w, 1)).keys() == {hci.Address(w.dut.radio.address)}
    error = "try:\n ble.config({})\nexcept OSError as e:\n said = e.errno"
    await w.dut.run(error.format("addr_mode=0"))  # there is no public address
    assert await w.dut.run("said") == str(EINVAL)
    await w.dut.run("ble.config(addr_mode=2); advertise(); said = 0")
    await w.dut.run(error.format("'mac'"))
    assert await w.dut.run("said") == str(EINVAL)
    (address,) = await heard(w, 1)
    assert is_drawn_with(irk_of(w), address)
    await w.dut.run("ble.config(addr_mode=1); advertise()")
    assert (await heard(w, 1)).keys() == {hci.Address(w.dut.radio.address)}


async def test_a_sniffer_cannot_link_two_sightings(w: RadioSetup) -> None:
    w.dut.radio.advertiser.rpa_timeout_s = 1
    await w.dut.run("ble.config(addr_mode=2); advertise()")
    found = await heard(w, 3)
    assert len({bytes(address)[:3] for address in found}) == 3
    assert len({bytes(address)[3:] for address in found}) == 3
    assert all(is_drawn_with(irk_of(w), address) for address in found)
    assert not any(is_drawn_with(bytes(16), address) for address in found)
    # They send what every pair of glasses sends; it does not contain the identity.
    assert len(set(found.values())) == 1
    assert bytes(hci.Address(w.dut.radio.address)) not in next(iter(found.values()))


async def test_a_companion_with_the_bond_finds_them_under_every_address(w: RadioSetup) -> None:
    identity = hci.Address(w.dut.radio.address).to_string(False)
    w.dut.radio.advertiser.rpa_timeout_s = 1
    await w.dut.run("ble.config(addr_mode=2); advertise()")
    client = await w.client()
    assert client.address != identity  # a stranger hears no identity
    async with client:
        await client.pair()
        assert client.address == identity
    await w.dut.run("wait_until(lambda: events[-1][0] == 2); advertise()")
    under = set()
    for address in await heard(w, 2):
        under.add(address)
        assert (await w.find()).address == identity
        async with await w.client() as client:
            assert client.address == identity
            assert await client.read_gatt_char(uuid_of("encrypted")) is not None
        await w.dut.run("wait_until(lambda: events[-1][0] == 2); advertise()")
    assert len(under) == 2
    # By the identity alone, as one that was stored.
    found = await BleakScanner.find_device_by_address(
        identity, timeout=5, backend=scanner_backend(w.address)
    )
    assert found is not None
    assert found.name == NAME
