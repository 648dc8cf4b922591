# SPDX-License-Identifier: Apache-2.0
"""Bleak's scanner and adapter over bumble."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from bleak.backends.adapter import BaseBleakAdapter
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import (
    AdvertisementData,
    AdvertisementDataCallback,
    BaseBleakScanner,
)
from bleak.uuids import normalize_uuid_str
from bumble.core import UUID
from bumble.core import AdvertisingData as AD
from bumble.device import Advertisement, Device

from glint.backend.host import Host

_SERVICE_LISTS = (
    AD.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    AD.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    AD.COMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS,
    AD.INCOMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS,
    AD.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    AD.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
)
_SERVICE_DATA = (
    AD.SERVICE_DATA_16_BIT_UUID,
    AD.SERVICE_DATA_32_BIT_UUID,
    AD.SERVICE_DATA_128_BIT_UUID,
)


def uuid_text(uuid: UUID) -> str:
    """Returns a UUID as bleak writes it: 128 bits, lower case, with dashes."""
    return normalize_uuid_str(uuid.to_hex_str("-"))


class BleakScannerBumble(BaseBleakScanner):
    """Scans with bumble."""

    spec: ClassVar[str]
    keystore: ClassVar[Path | None]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        **_: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._active = scanning_mode != "passive"
        self._device: Device | None = None

    async def start(self) -> None:
        self.seen_devices.clear()
        self._device = await Host.of(self.spec, self.keystore)
        self._device.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        await self._device.start_scanning(active=self._active)

    async def stop(self) -> None:
        device, self._device = self._device, None
        if device is None:
            return
        device.remove_listener(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        if device.is_scanning and device.powered_on:
            await device.stop_scanning()

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        data: Any = advertisement.data  # The type that get() returns depends on its argument.
        name = data.get(AD.COMPLETE_LOCAL_NAME) or data.get(AD.SHORTENED_LOCAL_NAME)
        uuids: dict[str, None] = {}
        for kind in _SERVICE_LISTS:
            for uuids_of_kind in data.get_all(kind):
                uuids.update((uuid_text(uuid), None) for uuid in uuids_of_kind)
        if not self.is_allowed_uuid(list(uuids)):
            return
        heard_as = advertisement.address
        resolver = self._device.address_resolver if self._device else None
        if resolver is not None and heard_as.is_resolvable:
            # An OS does so: a bonded peer is known by its identity address.
            heard_as = resolver.resolve(heard_as) or heard_as
        address = heard_as.to_string(False)
        known = self.seen_devices.get(address)
        advertised = AdvertisementData(
            local_name=name,
            manufacturer_data={
                int(company): bytes(content)
                for company, content in data.get_all(AD.MANUFACTURER_SPECIFIC_DATA)
            },
            service_data={
                uuid_text(uuid): bytes(content)
                for kind in _SERVICE_DATA
                for uuid, content in data.get_all(kind)
            },
            service_uuids=list(uuids),
            tx_power=data.get(AD.TX_POWER_LEVEL),
            rssi=advertisement.rssi,
            platform_data=(advertisement,),
        )
        name = name or (known[0].name if known else None)
        device = self.create_or_update_device(address, address, name, heard_as, advertised)
        self.call_detection_callbacks(device, advertised)


class BleakAdapterBumble(BaseBleakAdapter):
    """The adapter reached by an HCI transport."""

    spec: ClassVar[str]
    keystore: ClassVar[Path | None]

    def __init__(self, device: Device) -> None:
        self._device = device

    @classmethod
    async def get(cls, **_: Any) -> BleakAdapterBumble:
        return cls(await Host.of(cls.spec, cls.keystore))

    async def get_connected_devices(self, service_uuids: frozenset[str]) -> list[BLEDevice]:
        return [
            BLEDevice(connection.peer_address.to_string(False), None, connection.peer_address)
            for connection in self._device.connections.values()
        ]
