# SPDX-License-Identifier: Apache-2.0
"""The radio's advertising, under an address that may be a private one, which changes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import struct
from collections.abc import AsyncIterator, Callable

from bumble import hci
from bumble.device import AdvertisingType, Device

from workbench.emulation.radio.board import CallError
from workbench.emulation.radio.stacks import CONNECTIONS_MAX
from workbench.emulation.radio.wire import Advertise

_UNCHANGED = 255
_ADVERTISE_LEAST_MS = 20.0
# ESP-IDF v5.2.2, components/bt/host/nimble/Kconfig.in, BT_NIMBLE_RPA_TIMEOUT.
RPA_TIMEOUT_S = 900


class Advertiser:
    """A radio's advertising.

    Args:
        links: How many connections there are.

    Attributes:
        device: bumble's device, once the radio is switched on.
        on: Set while the board advertises.
        is_private: Whether the next advertising goes by private addresses, which the controller
            draws (radio/addresses.py).
        rpa_timeout_s: How long a resolvable private address lasts.
    """

    def __init__(self, links: Callable[[], int]) -> None:
        self.device: Device | None = None
        self.on = asyncio.Event()
        self.is_private = False
        self.rpa_timeout_s = RPA_TIMEOUT_S
        self._links = links
        self._changing = asyncio.Lock()
        self._advertising: AdvertisingType | None = None
        self._interval_ms = 0.0
        self._advertisement = self._scan_response = b""

    def stop(self) -> None:
        """Stops because the radio is switched off."""
        self.device = None
        self.is_private = False
        self.on.clear()

    @contextlib.asynccontextmanager
    async def preempted(self) -> AsyncIterator[None]:
        """Ends advertising, and keeps it off while the host changes the resolving list.

        The board is not told: NimBLE a2acac3, nimble/host/src/ble_hs_pvcy.c:180 and ble_gap.c:7147
        (42849560: ble_hs_pvcy.c:138); the binding has no IRQ for BLE_GAP_EVENT_ADV_COMPLETE. To
        advertise anew meanwhile waits here; there, it is refused (ble_gap.c:2834).
        """
        async with self._changing:
            if self.device is not None and self.device.is_advertising:
                await self.device.stop_advertising()
            self.on.clear()
            yield

    def _powered(self) -> Device:
        if self.device is None or not self.device.powered_on:
            raise CallError(errno.ENODEV)
        return self.device

    async def change(self, body: bytes) -> None:
        """Carries out an ADVERTISE frame. Raises CallError."""
        async with self._changing:
            await self._change(body)

    async def _change(self, body: bytes) -> None:
        device = self._powered()
        mode, interval_us, data_bytes, response_bytes = struct.unpack_from("<BIBB", body)
        at = struct.calcsize("<BIBB")
        if data_bytes != _UNCHANGED:
            self._advertisement = body[at : at + data_bytes]
            at += data_bytes
        if response_bytes != _UNCHANGED:
            self._scan_response = body[at : at + response_bytes]
        if device.is_advertising:
            await device.stop_advertising()
        self.on.clear()
        if mode == Advertise.STOP:
            return
        self._interval_ms = interval_ms = interval_us / 1000
        if interval_ms < _ADVERTISE_LEAST_MS:
            raise CallError(errno.EINVAL, f"interval {interval_us} us; at least 20000")
        if mode == Advertise.CONNECTABLE and self._links() >= CONNECTIONS_MAX:
            raise CallError(errno.ENOMEM, f"{CONNECTIONS_MAX} connections")
        kind = AdvertisingType.UNDIRECTED_SCANNABLE
        if mode == Advertise.CONNECTABLE:
            kind = AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE
        self._advertising = kind
        await self._start(device)
        self.on.set()

    async def _start(self, device: Device) -> None:
        assert self._advertising is not None
        own = hci.OwnAddressType.RANDOM
        if self.is_private:
            own = hci.OwnAddressType.RESOLVABLE_OR_RANDOM
            await device.send_sync_command(
                hci.HCI_LE_Set_Resolvable_Private_Address_Timeout_Command(self.rpa_timeout_s)
            )
        await device.start_advertising(
            advertising_type=self._advertising,
            own_address_type=own,
            advertising_data=self._advertisement,
            scan_response_data=self._scan_response,
            advertising_interval_min=self._interval_ms,
            advertising_interval_max=self._interval_ms,
        )
