# SPDX-License-Identifier: Apache-2.0
"""Finds glasses that advertise."""

import asyncio
from dataclasses import dataclass

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from glint import bluez, protocol
from glint.adapter import chosen, errors_explained, in_use, scanner_backend
from glint.errors import NotFoundError


@dataclass(frozen=True)
class Found:
    """Glasses that advertise.

    Attributes:
        name: The name that they advertise; empty if none was received.
        address: Bluetooth address (on macOS, an identifier that stands for it).
        rssi: Strength of the last advertisement in dBm.
    """

    name: str
    address: str
    rssi: int


def _scanner(hci: str | None) -> BleakScanner:
    return BleakScanner(service_uuids=[protocol.UUID_GLINT_SERVICE], backend=scanner_backend(hci))


async def scan(timeout_s: float = 3.0, hci: str | None = None) -> list[Found]:
    """Listens for glasses.

    Args:
        timeout_s: How long to listen.
        hci: HCI transport of a controller, as bumble writes it; None for GLINT_HCI or,
            without that, the machine's own Bluetooth.

    Returns:
        The glasses that were heard, the strongest first.

    Raises:
        BluetoothError: There is no usable Bluetooth.
    """
    hci = chosen(hci)
    async with in_use(hci):
        with errors_explained("scan", hci):
            async with _scanner(hci) as scanner:
                await asyncio.sleep(timeout_s)
        heard = scanner.discovered_devices_and_advertisement_data.values()
    found = [Found(_name(device, heard), device.address, heard.rssi) for device, heard in heard]
    return sorted(found, key=lambda one: -one.rssi)


async def find(
    wanted: str | None, *, timeout_s: float, hci: str | None
) -> tuple[BLEDevice, bytes | None]:
    """Returns the first glasses heard that match, or that this machine is connected to already.

    With them, what they advertise of their pairing window: the pairing characteristic's value, or
    None where they say nothing of it.

    Args:
        wanted: Name or address; None for any.
        timeout_s: How long to listen.
        hci: HCI transport of a controller; None for the machine's own Bluetooth.

    Raises:
        BluetoothError: There is no usable Bluetooth.
        NotFoundError: No such glasses were heard.
    """
    others = set()
    with errors_explained("scan", hci):
        if hci is None:
            for device in await bluez.left_connected():
                if _matches(wanted, device.name or "", device.address):
                    return device, None
        async with _scanner(hci) as scanner:
            try:
                async with asyncio.timeout(timeout_s):
                    async for device, heard in scanner.advertisement_data():
                        name = _name(device, heard)
                        if _matches(wanted, name, device.address):
                            return device, heard.manufacturer_data.get(protocol.ADVERTISED_COMPANY)
                        others.add(name or device.address)
            except TimeoutError:
                pass
    within = f"within {round(timeout_s, 1):g} s"
    if others:
        seen = ", ".join(sorted(others))
        raise NotFoundError(f"No glasses called {wanted} heard {within}, only {seen}.")
    raise NotFoundError(
        f"No glasses heard {within}: are they on, near, and not connected to another companion?"
    )


def _matches(wanted: str | None, name: str, address: str) -> bool:
    return wanted is None or wanted.lower() in (name.lower(), address.lower())


def _name(device: BLEDevice, heard: AdvertisementData) -> str:
    return heard.local_name or device.name or ""
