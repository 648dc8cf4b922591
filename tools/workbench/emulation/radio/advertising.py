# SPDX-License-Identifier: Apache-2.0
"""The radio's advertising, and its own address, which may be a private one that changes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import struct
from collections.abc import Callable

from bumble import hci
from bumble.device import AdvertisingType, Device

from workbench.emulation.radio.board import CallError
from workbench.emulation.radio.stacks import CONNECTIONS_MAX
from workbench.emulation.radio.wire import Advertise

_UNCHANGED = 255
_ADVERTISE_LEAST_MS = 20.0
# ESP-IDF v5.2.2, components/bt/host/nimble/Kconfig.in, BT_NIMBLE_RPA_TIMEOUT.
RPA_TIMEOUT_S = 900.0


class Advertiser:
    """A radio's advertising.

    Args:
        links: How many connections there are.

    Attributes:
        device: bumble's device, once the radio is switched on.
        on: Set while the board advertises.
        rpa_timeout_s: How long a resolvable private address lasts.
    """

    def __init__(self, links: Callable[[], int]) -> None:
        self.device: Device | None = None
        self.on = asyncio.Event()
        self.rpa_timeout_s = RPA_TIMEOUT_S
        self._links = links
        self._rotating: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()
        self._advertising: AdvertisingType | None = None
        self._interval_ms = 0.0
        self._advertisement = self._scan_response = b""

    def stop(self) -> None:
        """Stops because the radio is switched off."""
        self.device = None
        self.on.clear()
        if self._rotating is not None:
            self._rotating.cancel()
            self._rotating = None

    def _powered(self) -> Device:
        if self.device is None or not self.device.powered_on:
            raise CallError(errno.ENODEV)
        return self.device

    # Own addresses. On a board, the controller draws them from the key that NimBLE gave it for the
    # peer 00:00:00:00:00:00 (ble_hs_pvcy.c, ble_hs_pvcy_set_our_irk), also while it advertises.

    async def draw_addresses(self, private: bool) -> None:
        """Uses private addresses, each for a time, if enabled, else the fixed address."""
        device = self._powered()
        if self._rotating is not None:
            self._rotating.cancel()
            self._rotating = None
        if private:
            await self._draw_address()
            self._rotating = asyncio.create_task(self._rotate())
        else:
            await self._go_by(device.static_address)

    async def _rotate(self) -> None:
        while True:
            await asyncio.sleep(self.rpa_timeout_s)
            with contextlib.suppress(CallError):  # the controller is gone
                await self._draw_address()

    async def _draw_address(self) -> None:
        device = self._powered()
        if self._links():
            return  # bumble's controller has one address for links and advertising
        await self._go_by(hci.Address.generate_private_address(device.irk))

    async def _go_by(self, address: hci.Address) -> None:
        device = self._powered()
        async with self._changing:
            again = device.is_advertising
            if again:
                await device.stop_advertising()
            device.random_address = address
            await device.send_sync_command(
                hci.HCI_LE_Set_Random_Address_Command(random_address=address)
            )
            if again and self.on.is_set():  # no companion has connected meanwhile
                await self._start(device)

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
        await device.start_advertising(
            advertising_type=self._advertising,
            advertising_data=self._advertisement,
            scan_response_data=self._scan_response,
            advertising_interval_min=self._interval_ms,
            advertising_interval_max=self._interval_ms,
        )
