# SPDX-License-Identifier: Apache-2.0
"""Bleak's client over bumble, which pairs on demand and applies back-pressure as an OS does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from bleak import BleakScanner
from bleak.args import SizedBuffer
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bumble import att, core, gatt, hci
from bumble.device import Connection, Device, Peer

from glint.backend.discovery import discover
from glint.backend.host import Host
from glint.backend.scanner import BleakScannerBumble
from glint.turned_away import TurnedAwayError

T = TypeVar("T")

_SECURITY_ERRORS = (
    att.ATT_INSUFFICIENT_AUTHENTICATION_ERROR,
    att.ATT_INSUFFICIENT_ENCRYPTION_ERROR,
)
_ATT_HEADER_BYTES = 3
_ATT_MTU_DEFAULT = 23
ATT_MTU_WANTED = 517
# The ends of a link that are its peer's doing, not the radio's.
_TURNED_AWAY = (
    hci.HCI_ErrorCode.AUTHENTICATION_FAILURE_ERROR,
    hci.HCI_ErrorCode.PIN_OR_KEY_MISSING_ERROR,
    hci.HCI_ErrorCode.REMOTE_USER_TERMINATED_CONNECTION_ERROR,
)
# Glasses end a stranger's link at once. Those that know a companion give it a second at least to
# encrypt its link, which it may fail to do on a bad radio.
_TURNED_AWAY_WITHIN_S = 1.0
# So many writes without response may be queued for the controller before a writer has to wait.
_QUEUE_PACKETS = 64
_CANCEL_AGAIN_S = 0.1
# Errors below ATT: each of them means that the link cannot be used, or no longer.
_LINK_ERRORS = (core.BaseBumbleError, hci.HCI_Error, TimeoutError)


class BleakClientBumble(BaseBleakClient):
    """A GATT client over bumble."""

    spec: ClassVar[str]
    keystore: ClassVar[Path | None]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        services: set[str] | None = None,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        **_: Any,
    ) -> None:
        super().__init__(
            address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout
        )
        self._target: hci.Address | None = None
        self._name: str | None = None
        if isinstance(address_or_ble_device, BLEDevice):
            self._target = address_or_ble_device.details
            self._name = address_or_ble_device.name
        self._wanted_services = services
        self._device: Device | None = None
        self._connection: Connection | None = None
        self._peer: Peer | None = None
        self._subscribers: dict[int, Callable[[bytes], None]] = {}
        self._turned_away = False
        self._securing = asyncio.Lock()
        self._tasks: set[asyncio.Future[Any]] = set()

    @property
    def name(self) -> str:
        return self._name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return self._connection.att_mtu if self._connection else _ATT_MTU_DEFAULT

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    # Connecting

    async def connect(self, pair: bool, **_: Any) -> None:
        if self._connection is not None:
            raise BleakError("Client is already connected")
        device = await Host.of(self.spec, self.keystore)
        if self._target is None:
            await self._find()
        self._device = device
        connection = await self._connect(device)
        since_s = asyncio.get_running_loop().time()

        def ended(reason: int) -> None:
            took_s = asyncio.get_running_loop().time() - since_s
            at_once = took_s < _TURNED_AWAY_WITHIN_S and not connection.encryption
            self._turned_away = at_once and reason in _TURNED_AWAY
            self._on_disconnection()

        connection.on(Connection.EVENT_DISCONNECTION, ended)
        connection.on(Connection.EVENT_SECURITY_REQUEST, self._on_security_request)
        self._connection, self._peer = connection, Peer(connection)
        try:
            async with asyncio.timeout(self._timeout):
                if pair:
                    await self.pair()
                elif await self._has_bond(connection):
                    # BlueZ, macOS and phones do so; a peer that forgot the bond is found out later.
                    with contextlib.suppress(BleakError):
                        await self._secure(connection)
                peer = self._peer
                await self._request(lambda: peer.request_mtu(ATT_MTU_WANTED))
                await self._request(lambda: self._discover(peer))
        except BaseException:
            await self.disconnect()
            raise

    async def _find(self) -> None:
        class Scanner(BleakScannerBumble):
            spec = self.spec
            keystore = self.keystore

        found = await BleakScanner.find_device_by_address(
            self.address, timeout=self._timeout, backend=Scanner
        )
        if found is None:
            raise BleakDeviceNotFoundError(
                self.address, f"Device with address {self.address} was not found."
            )
        self._target, self._name = found.details, found.name

    async def _connect(self, device: Device) -> Connection:
        assert self._target is not None
        others = list(device.connections.values())
        try:
            return await device.connect_le(
                await self._advertised_address(device), timeout=self._timeout
            )
        except core.TimeoutError as error:
            raise TimeoutError from error
        except (core.BaseBumbleError, hci.HCI_Error) as error:
            raise BleakError(f"Could not connect: {error}") from error
        except asyncio.CancelledError:
            await self._take_back(device, others)
            raise

    async def _advertised_address(self, device: Device) -> hci.Address:
        """Returns the target's current address; bumble would look for a bonded one for ever."""
        assert self._target is not None
        resolver = device.address_resolver
        if resolver is None or not resolver.can_resolve_to(self._target):
            return self._target
        async with asyncio.timeout(self._timeout):
            return await device.find_peer_by_identity_address(self._target)

    async def _take_back(self, device: Device, others: list[Connection]) -> None:
        """Ends a connection attempt that bumble has given up but the controller has not."""
        with contextlib.suppress(*_LINK_ERRORS):
            if device.powered_on:
                await device.host.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
        for connection in list(device.connections.values()):
            if connection not in others:  # It was made at that very moment.
                with contextlib.suppress(*_LINK_ERRORS):
                    await connection.disconnect()

    async def _discover(self, peer: Peer) -> None:
        self.services = await discover(
            peer, self._wanted_services or (), lambda: self.mtu_size - _ATT_HEADER_BYTES
        )

    async def disconnect(self) -> None:
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(*_LINK_ERRORS):
                await connection.disconnect()

    def _on_disconnection(self) -> None:
        self._connection = self._peer = self.services = None
        self._subscribers.clear()
        self._cancel_requests()
        if self._disconnected_callback:
            self._disconnected_callback()

    def _disconnected(self) -> BleakError:
        return TurnedAwayError("Turned away") if self._turned_away else BleakError("Disconnected")

    def _cancel_requests(self) -> None:
        """Cancels the pending operation until it ends: wait_for may drop one cancellation."""
        for task in self._tasks:
            task.cancel()
        if self._tasks and self._connection is None:
            asyncio.get_running_loop().call_later(_CANCEL_AGAIN_S, self._cancel_requests)

    # Security

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        if self._connection is None:
            await self.connect(True)
            return
        await self._secure(self._connection)

    async def unpair(self) -> None:
        device = await Host.of(self.spec, self.keystore)
        if self._target is None:
            await self._find()
        assert device.keystore is not None
        with contextlib.suppress(KeyError):
            await device.keystore.delete(str(self._target))
        await self.disconnect()

    async def _has_bond(self, connection: Connection) -> bool:
        assert self._device is not None and self._device.keystore is not None
        keys = await self._device.keystore.get(str(connection.peer_address))
        return keys is not None and bool(keys.ltk or keys.ltk_central)

    async def _secure(self, connection: Connection) -> None:
        """Encrypts with the bond's key, or pairs; nothing if the link is encrypted already.

        Raises:
            BleakError: The peer refused, or has a different key or none.
        """
        async with self._securing:
            if connection.encryption:
                return
            try:
                if await self._has_bond(connection):
                    await self._request(connection.encrypt)
                else:
                    await self._request(connection.pair)
                    # BlueZ does so: a peer that has told its identity address is known by that.
                    self._target = connection.peer_address
                    self.address = self._target.to_string(False)
            except BleakError:
                raise
            except Exception as error:
                raise BleakError(f"Pairing failed: {_pairing_reason(error)}") from error

    def _on_security_request(self, *_: Any) -> None:
        async def obey(connection: Connection) -> None:
            with contextlib.suppress(BleakError):  # The peer knows why.
                await self._secure(connection)

        if self._connection is not None:
            task = asyncio.ensure_future(obey(self._connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    # Requests

    async def _request(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Awaits a request, and raises an error when the end of the link cancels it.

        Bumble cancels the one request in flight; those queued behind it would be sent to nobody.
        """
        if self._connection is None:
            raise self._disconnected()
        request = asyncio.ensure_future(operation())
        self._tasks.add(request)
        try:
            return await request
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._connection is None and not (task and task.cancelling()):
                raise self._disconnected() from None
            raise
        except core.TimeoutError as error:
            raise BleakError("The peer did not answer in time") from error
        finally:
            self._tasks.discard(request)

    async def _access(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Accesses an attribute; encrypts or pairs once when the peer asks for it."""
        connection = self._connection
        was_encrypted = connection is not None and bool(connection.encryption)
        for again in (True, False):
            try:
                return await self._request(operation)
            except att.ATT_Error as error:
                refused = BleakGATTProtocolError(int(error.error_code))
                refused.__cause__ = error
                if not again or error.error_code not in _SECURITY_ERRORS or was_encrypted:
                    raise refused from error
            assert connection is not None
            await self._secure(connection)
        raise AssertionError("unreachable")

    def _connected_peer(self) -> Peer:
        if self._peer is None:
            raise BleakError("Not connected")
        return self._peer

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_: Any) -> bytearray:
        peer = self._connected_peer()
        return bytearray(await self._access(lambda: peer.read_value(characteristic.obj)))

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **_: Any) -> bytearray:
        peer = self._connected_peer()
        return bytearray(await self._access(lambda: peer.read_value(descriptor.obj)))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        peer, value = self._connected_peer(), bytes(data)
        if not response:
            room = self.mtu_size - _ATT_HEADER_BYTES
            if len(value) > room:
                raise BleakError(f"{len(value)} bytes without response; the link takes {room}")
            await self._wait_for_room()
        await self._access(
            lambda: peer.write_value(characteristic.obj, value, with_response=response)
        )

    async def _wait_for_room(self) -> None:
        while self._connection is not None:
            queue = self._connection.data_packet_queue
            if queue is None or queue.pending < _QUEUE_PACKETS:
                return
            flowed = asyncio.Event()
            queue.once("flow", flowed.set)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(flowed.wait(), 0.1)  # The link may end without one.
        raise BleakError("Disconnected")

    async def write_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, data: SizedBuffer
    ) -> None:
        peer, value = self._connected_peer(), bytes(data)
        await self._access(lambda: peer.write_value(descriptor.obj, value, with_response=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_: Any
    ) -> None:
        peer = self._connected_peer()
        properties = gatt.Characteristic.Properties
        if not characteristic.obj.properties & (properties.NOTIFY | properties.INDICATE):
            raise BleakError(f"{characteristic.uuid} neither notifies nor indicates")
        if characteristic.handle in self._subscribers:
            raise BleakError(f"Notifications of {characteristic.uuid} are already started")

        def subscriber(value: bytes) -> None:
            callback(bytearray(value))

        self._subscribers[characteristic.handle] = subscriber
        try:
            await self._access(lambda: peer.subscribe(characteristic.obj, subscriber))
        except BaseException:
            self._subscribers.pop(characteristic.handle, None)
            raise

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        peer = self._connected_peer()
        subscriber = self._subscribers.pop(characteristic.handle, None)
        if subscriber is not None:
            await self._access(lambda: peer.unsubscribe(characteristic.obj, subscriber))


def _pairing_reason(error: Exception) -> str:
    missing = hci.HCI_ErrorCode.PIN_OR_KEY_MISSING_ERROR
    if isinstance(error, core.ProtocolError | hci.HCI_Error) and error.error_code == missing:
        return "the peer has forgotten this bond; unpair, then pair again"
    return str(error) or type(error).__name__
