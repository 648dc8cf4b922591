# SPDX-License-Identifier: Apache-2.0
"""The companion's Bluetooth host over bumble; an OS has one such host per adapter."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any, ClassVar

from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason
from bumble import core, hci
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.keys import JsonKeyStore, KeyStore, MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport import open_transport
from bumble.transport.common import Transport

_CLOSE_TIMEOUT_S = 2.0
_NAME = "glint companion"


def _own_address(keystore: Path | None) -> hci.Address:
    """Returns the address that the bonds in `keystore` were made with, or a new one."""
    if keystore is not None and keystore.exists():
        with contextlib.suppress(ValueError, AttributeError, core.BaseBumbleError):
            for namespace in json.loads(keystore.read_text()):
                return hci.Address(namespace)
    return hci.Address.generate_static_address()


def _pairing_config(_: Connection) -> PairingConfig:
    return PairingConfig(
        sc=True,
        mitm=False,
        bonding=True,
        delegate=PairingDelegate(PairingDelegate.NO_OUTPUT_NO_INPUT),
        identity_address_type=PairingConfig.AddressType.RANDOM,
    )


class Host:
    """A bumble `Device` on an HCI transport; `Host.of` returns that of this event loop.

    Attributes:
        device: The device; None once the transport has gone.
    """

    _hosts: ClassVar[dict[tuple[asyncio.AbstractEventLoop, str], Host]] = {}

    def __init__(self, spec: str, keystore: Path | None) -> None:
        self.device: Device | None = None
        self._spec = spec
        self._keystore = keystore
        self._transport: Transport | None = None
        self._lock = asyncio.Lock()

    @classmethod
    async def of(cls, spec: str, keystore: Path | None) -> Device:
        """Returns the open device of this event loop and transport.

        Raises:
            BleakBluetoothNotAvailableError: There is no controller at the transport.
        """
        key = (asyncio.get_running_loop(), spec)
        host = cls._hosts.get(key)
        if host is None:
            host = cls._hosts[key] = cls(spec, keystore)
        async with host._lock:
            if host.device is None:
                await host._open()
            assert host.device is not None
            return host.device

    @classmethod
    async def close(cls, spec: str) -> None:
        """Closes the host of this event loop and transport, if there is one."""
        host = cls._hosts.pop((asyncio.get_running_loop(), spec), None)
        if host is not None:
            async with host._lock:
                await host._close()

    async def _open(self) -> None:
        try:
            transport = await open_transport(self._spec)
        except (OSError, core.BaseBumbleError) as error:
            raise BleakBluetoothNotAvailableError(
                f"No HCI controller at {self._spec}: {error}",
                BleakBluetoothNotAvailableReason.NO_BLUETOOTH,
            ) from error
        self._transport = transport
        address = _own_address(self._keystore)
        device = Device.from_config_with_hci(
            DeviceConfiguration(name=_NAME, address=address), transport.source, transport.sink
        )
        store: KeyStore = MemoryKeyStore()
        if self._keystore is not None:
            store = JsonKeyStore(str(address), str(self._keystore))
        device.keystore = store
        device.pairing_config_factory = _pairing_config
        try:
            await device.power_on()
        except BaseException:
            await self._close_transport()
            raise
        transport.source.terminated.add_done_callback(self._on_transport_gone)
        self.device = device

    def _on_transport_gone(self, _: asyncio.Future[Any]) -> None:
        # Bumble has told the connections' listeners that they ended, but would still send commands.
        if self.device is not None:
            self.device.powered_on = False
        self.device = None
        self._transport = None

    async def _close(self) -> None:
        device = self.device
        if device is None:
            return
        for connection in list(device.connections.values()):
            with contextlib.suppress(core.BaseBumbleError, TimeoutError):
                await asyncio.wait_for(connection.disconnect(), _CLOSE_TIMEOUT_S)
        await self._close_transport()

    async def _close_transport(self) -> None:
        if self._transport is None:
            return
        transport = self._transport
        await transport.close()
        # A socket's transport closes in a later turn of the loop; it must not outlive us.
        await asyncio.wait({transport.source.terminated}, timeout=_CLOSE_TIMEOUT_S)
