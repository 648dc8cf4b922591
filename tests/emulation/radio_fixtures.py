# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of radio and backend: a medium, a firmware in it, and its bleak clients."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakGATTProtocolError
from dut import PROGRAM, Dut
from glint.backend import client_backend, close, scanner_backend
from workbench.emulation.medium import Medium, Server, Timing, serve
from workbench.emulation.radio.stacks import DEFAULT

SERVICE = "326f00f0-3c3b-4423-a411-52f6691438bd"
NAME = "DUT"
# Characteristics of SERVICE by their firmware names, and their flags of extmod/modbluetooth.h.
CHARACTERISTICS = {
    "plain": (0xAA01, 0x02 | 0x04 | 0x08 | 0x10),
    "readable": (0xAA02, 0x02),
    "writable": (0xAA03, 0x08),
    "unanswered": (0xAA04, 0x04),
    "encrypted": (0xAA05, 0x02 | 0x08 | 0x200 | 0x1000),
    "authenticated": (0xAA06, 0x02 | 0x400),
    "indicated": (0xAA07, 0x20),
}
_REGISTERED = ", ".join(f"(UUID({uuid}), {flags})" for uuid, flags in CHARACTERISTICS.values())
SERVE = f"""
ble.active(True)
ble.irq(irq)
ble.config(gap_name='DUT', mtu=247, bond=True, le_secure=True, mitm=False, io=3)
service = UUID('{SERVICE}')
(({", ".join(CHARACTERISTICS)}),) = ble.gatts_register_services(((service, ({_REGISTERED})),))
advertised = b'\\x02\\x01\\x06\\x11\\x07' + bytes(service)
def advertise():
    ble.gap_advertise(20000, advertised, resp_data=b'\\x04\\x09DUT')
advertise()
"""


def uuid_of(name: str) -> str:
    """Returns a characteristic of the firmware in the form that bleak takes."""
    return f"{CHARACTERISTICS[name][0]:04x}"


async def att_error(access: Awaitable[object]) -> int:
    """Returns the ATT error code with which an access fails."""
    with pytest.raises(BleakGATTProtocolError) as raised:
        await access
    return int(raised.value.args[0])


class RadioSetup:
    """A medium with one firmware in it."""

    def __init__(self, medium: Medium, server: Server, dut: Dut, keystore: Path | None) -> None:
        self.medium = medium
        self.server = server
        self.dut = dut
        self._keystore = keystore

    @property
    def address(self) -> str:
        return self.server.address

    async def find(self) -> BLEDevice:
        found = await BleakScanner.find_device_by_name(
            NAME, timeout=5, backend=scanner_backend(self.address, self._keystore)
        )
        assert found is not None
        return found

    async def client(self, **kwargs: object) -> BleakClient:
        """A client of the firmware, not yet connected."""
        backend = client_backend(self.address, self._keystore)
        return BleakClient(await self.find(), backend=backend, timeout=5, **kwargs)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def radio_setup(
    timing: Timing | None = None, keystore: Path | None = None, stack: str = DEFAULT
) -> AsyncIterator[RadioSetup]:
    """A firmware that serves CHARACTERISTICS and advertises; skips when it is not built."""
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not built: run 'make build'")
    medium = Medium(timing)
    server = await serve(medium, "tcp:127.0.0.1:0")
    dut = await Dut.start(server.address, stack)
    try:
        assert await dut.run(SERVE) == "None"
        yield RadioSetup(medium, server, dut, keystore)
    finally:
        await close(server.address)
        await dut.stop()
        await server.close()
