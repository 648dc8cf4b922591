# SPDX-License-Identifier: Apache-2.0
"""The radio of emulated glasses: implements the board's module `bluetooth` with bumble."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import struct
from collections.abc import Callable
from typing import Any

from bumble import core, hci
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.keys import PairingKeys
from bumble.pairing import PairingConfig
from bumble.snoop import Snooper
from bumble.transport import open_transport
from bumble.transport.common import SnoopingTransport, Transport
from glint.waiting import end_tasks

from workbench.emulation.radio.addresses import add_peer, set_own_key
from workbench.emulation.radio.advertising import Advertiser
from workbench.emulation.radio.board import RADIO, Board, Bus, CallError
from workbench.emulation.radio.bonds import (
    PEER_SECRET,
    SECRET_BYTES,
    Bonds,
    Secret,
    address_key,
)
from workbench.emulation.radio.gatt import BoardServer
from workbench.emulation.radio.link import Link
from workbench.emulation.radio.pairing import Delegate, pairing_config
from workbench.emulation.radio.sending import Sender
from workbench.emulation.radio.stacks import (
    DEFAULT,
    EALREADY,
    STACKS,
    UNKNOWN_CONNECTION,
)
from workbench.emulation.radio.wire import IN_EVENT, Event, Item, Op

log = logging.getLogger(__name__)

_IRK_BYTES = 16
_MTU_DEFAULT = 256
_NO_INPUT_OUTPUT = 3
_STATIC, _RESOLVABLE = 1, 2
_CLOSE_TIMEOUT_S = 2.0


COUNTERS = ["writes", "written_bytes", "reads"]


class Radio:
    """Serves one board's Bluetooth over a simulation bus.

    Args:
        bus: The board's simulation bus.
        transport_spec: The controller's bumble transport: a medium's address, "usb:0", "vhci".
        address: Static random address; None draws one.
        stack: The stack to imitate, one of `stacks.STACKS`.
        snooper: Is told all that passes between its host and its controller.

    Attributes:
        advertiser: Its advertising.
        advertising: Set while the board advertises.
        board: The board's end.
        address: The identity address behind the board's private addresses.
    """

    def __init__(
        self,
        bus: Bus,
        transport_spec: str,
        address: str | None = None,
        stack: str = DEFAULT,
        snooper: Snooper | None = None,
    ) -> None:
        self.advertiser = Advertiser(lambda: len(self._links))
        self.advertising = self.advertiser.on
        self._bus = bus
        self._spec = transport_spec
        self._snooper = snooper
        self._stack = STACKS[stack]
        self._address = hci.Address(address) if address else hci.Address.generate_static_address()
        self.address = str(self._address)
        self.board = Board(bus)
        self.board.is_announced = self._is_announced
        self._calls: asyncio.Queue[bytes] = asyncio.Queue()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._transport: Transport | None = None
        self._device: Device | None = None
        self._links: dict[int, Link] = {}
        self._sender = Sender(self.board, self._links)
        self._delegates: dict[int, Delegate] = {}
        # As in NimBLE, these outlive active(False).
        self._settings = {
            Item.MTU: _MTU_DEFAULT,
            Item.BOND: 0,
            Item.MITM: 0,
            Item.IO: _NO_INPUT_OUTPUT,
            Item.LE_SECURE: 0,
            Item.ADDR_MODE: _STATIC,
        }
        self._name = b""
        self._counters = dict.fromkeys(COUNTERS, 0)

    async def start(self) -> None:
        """Starts to serve the board; opens the controller once the board switches its radio on."""
        self._bus.on(RADIO, self._on_frame)
        self._spawn(self._serve_calls())

    async def close(self) -> None:
        """Switches the radio off, even if the board has it on."""
        await end_tasks(*self._tasks)
        await self._switch_off()

    def counters(self) -> dict[str, int]:
        """Returns traffic counters since the start, with the board's two counts of locked calls."""
        return {
            "notifications": self._sender.notifications,
            "notified_bytes": self._sender.notified_bytes,
            "locked_calls": self.board.locked_calls,
            "unannounced_calls": self.board.unannounced_calls,
            **self._counters,
        }

    def _is_announced(self, key: bytes) -> bool:
        if not key or self._device is None:
            return True  # the board switches its radio on, and waits
        announced = False
        for link in self._links.values():
            if address_key(link.peer) == key:
                announced = link.expect_security()
        return announced

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Frames from the board

    def _on_frame(self, payload: bytes) -> None:
        op, body = int.from_bytes(payload[:1], "little"), payload[1:]
        self.board.check_call(op)
        try:
            match op & ~IN_EVENT:
                case Op.ANSWER:
                    self.board.on_answer(body)
                case Op.PAUSE:
                    self.board.on_pause()
                case Op.NOTIFY:
                    self._sender.notify(body)
                case Op.INDICATE:
                    handle, attribute = struct.unpack_from("<HH", body)
                    self._spawn(self._sender.indicate(handle, attribute, body[4:]))
                case Op.UPDATE:
                    (attribute,) = struct.unpack_from("<H", body)
                    self._spawn(self._sender.update(attribute, body[2:]))
                case _:
                    self._calls.put_nowait(payload)
        except struct.error:
            log.error("radio: the board sent a broken frame: %s", payload[:32].hex())

    async def _serve_calls(self) -> None:
        calls: dict[int, Callable[[bytes], Any]] = {
            Op.ACTIVE: self._active,
            Op.CONFIG: self._config,
            Op.REGISTER: self._register,
            Op.ADVERTISE: self.advertiser.change,
            Op.DISCONNECT: self._disconnect,
            Op.PAIR: self._pair,
            Op.PASSKEY: self._passkey,
        }
        while True:
            payload = await self._calls.get()
            try:
                result = calls[payload[0] & ~IN_EVENT](payload[1:]) if payload else None
                if asyncio.iscoroutine(result):
                    result = await result
                self.board.tell(Event.REPLY, "h", 0, data=result or b"")
            except CallError as error:
                self._reply_error(error.errno, str(error))
            except Exception as error:
                log.exception("radio: call %d of the board", payload[0])
                self._reply_error(errno.EIO, f"{type(error).__name__}: {error}")

    def _reply_error(self, number: int, text: str) -> None:
        self.board.tell(Event.REPLY, "h", number, data=text.encode()[:200])

    # Calls of the board

    async def _active(self, body: bytes) -> bytes:
        await self._switch_off()
        self.board.forget()
        if not body[0]:
            return b""
        irk, stored = body[1 : 1 + _IRK_BYTES], body[1 + _IRK_BYTES :]
        if not any(irk):
            irk = os.urandom(_IRK_BYTES)
        secrets = [
            secret
            for at in range(0, len(stored), SECRET_BYTES)
            if (secret := Secret.unpack(stored[at : at + SECRET_BYTES]))
        ]
        try:
            self._transport = await open_transport(self._spec)
            if self._snooper is not None:
                self._transport = SnoopingTransport(self._transport, self._snooper)
        except (OSError, core.BaseBumbleError) as error:
            raise CallError(errno.ENODEV, f"no controller at {self._spec}: {error}") from error
        device = Device.from_config_with_hci(
            DeviceConfiguration(
                address=self._address,
                irk=irk,
                gap_service_enabled=False,
                gatt_service_enabled=False,
            ),
            self._transport.source,
            self._transport.sink,
        )
        bonds = Bonds(
            self.board.get_secret,
            self.board.set_secret,
            self._on_keys,
            self._unpaired,
            self._resolve,
        )
        device.keystore = self._bonds = bonds
        device.pairing_config_factory = self._pairing_config
        device.on(Device.EVENT_CONNECTION, self._on_connection)
        self._device = self.advertiser.device = device
        self._new_server()
        await device.power_on()
        await set_own_key(device, irk)
        await bonds.restore(secrets)
        if device.host.le_acl_packet_queue is not None:
            device.host.le_acl_packet_queue.on("flow", self._sender.flow)
        self._transport.source.terminated.add_done_callback(self._on_controller_gone)
        return b"\x01" + bytes(reversed(bytes(self._address))) + irk

    def _new_server(self) -> None:
        assert self._device is not None
        if self._sender.server is not None:
            self._sender.server.close()
        self._sender.server = BoardServer(
            self._device, self, self._settings[Item.MTU], lambda: self._name
        )
        self._device.gatt_server = self._sender.server

    async def _switch_off(self) -> None:
        device, self._device = self._device, None
        transport, self._transport = self._transport, None
        self.advertiser.stop()
        if device is not None and device.powered_on:
            for connection in list(device.connections.values()):
                with contextlib.suppress(core.BaseBumbleError, hci.HCI_Error, TimeoutError):
                    await asyncio.wait_for(connection.disconnect(), _CLOSE_TIMEOUT_S)
        if self._sender.server is not None:
            self._sender.server.close()
            self._sender.server = None
        self._links.clear()
        self._delegates.clear()
        if transport is not None:
            await transport.close()
            # A socket's transport closes in a later turn of the loop; it must not outlive us.
            await asyncio.wait({transport.source.terminated}, timeout=_CLOSE_TIMEOUT_S)

    def _on_controller_gone(self, _: asyncio.Future[Any]) -> None:
        if self._device is not None:
            log.error("radio: the controller at %s has gone", self._spec)
            self._device.powered_on = False
            self.advertising.clear()

    def _powered(self) -> Device:
        if self._device is None or not self._device.powered_on:
            raise CallError(errno.ENODEV)
        return self._device

    async def _resolve(self, peer: hci.Address, irk: bytes) -> None:
        device = self._device
        if device is not None and device.powered_on:
            async with self.advertiser.preempted():
                await add_peer(device, peer, irk, device.irk)

    def _config(self, body: bytes) -> None:
        item = Item(body[0])
        if item is Item.GAP_NAME:
            self._name = body[1:]
            return
        (self._settings[item],) = struct.unpack("<H", body[1:])
        if item is Item.MTU and self._sender.server is not None:
            self._sender.server.max_mtu = self._settings[item]
        if item is Item.ADDR_MODE:
            # From the next advertising on (binding:747, 829). Where there is no public address,
            # NimBLE would draw another identity as well (753); here, it stays.
            self.advertiser.is_private = self._settings[item] == _RESOLVABLE

    def _register(self, body: bytes) -> bytes:
        device = self._powered()
        if device.is_advertising or self._links:
            raise CallError(errno.EBUSY)
        self._new_server()
        assert self._sender.server is not None
        return self._sender.server.register(body)

    def _link(self, handle: int) -> Link:
        if handle not in self._links:
            raise CallError(errno.ENOTCONN)
        return self._links[handle]

    def _disconnect(self, body: bytes) -> None:
        link = self._links.get(*struct.unpack("<H", body))
        if link is None:
            raise CallError(UNKNOWN_CONNECTION)
        if link.ending:
            raise CallError(EALREADY)
        link.ending = True

        async def terminate() -> None:
            # A link layer asks the peer first, at the next connection event.
            await asyncio.sleep(link.connection.parameters.connection_interval / 1000)
            with contextlib.suppress(core.BaseBumbleError, hci.HCI_Error):
                await link.connection.disconnect()

        # The board gets its answer now and the disconnect event later, as from NimBLE.
        self._spawn(terminate())

    def _pair(self, body: bytes) -> None:
        self._link(*struct.unpack("<H", body)).connection.request_pairing()

    def _passkey(self, body: bytes) -> None:
        handle, action, passkey = struct.unpack("<HBI", body)
        delegate = self._delegates.get(handle)
        if delegate is None or not delegate.answer(action, passkey):
            raise CallError(errno.EINVAL, "no such passkey action is waiting")

    # What the GATT server asks (gatt.Firmware)

    async def read(self, connection: Connection, handle: int) -> bytes:
        self._counters["reads"] += 1
        return await self.board.read(connection, handle)

    async def write(self, connection: Connection, handle: int, value: bytes) -> None:
        self._counters["writes"] += 1
        self._counters["written_bytes"] += len(value)
        await self.board.write(connection, handle, value)

    async def has_bond(self, connection: Connection) -> bool:
        return await self._bonds.secret(PEER_SECRET, connection.peer_address) is not None

    async def settled(self, connection: Connection) -> None:
        link = self._links.get(connection.handle)
        if link is not None:
            await link.settled.wait()
            link.tell_connected()

    def is_authenticated(self, connection: Connection) -> bool:
        link = self._links.get(connection.handle)
        return link is not None and link.authenticated

    # Connections

    def _on_connection(self, connection: Connection) -> None:
        self.advertising.clear()
        self._links[connection.handle] = Link(
            connection, self.board, self._bonds, self._stack, self._on_link_end
        )

    def _on_link_end(self, link: Link) -> None:
        self._links.pop(link.connection.handle, None)
        self._delegates.pop(link.connection.handle, None)
        self._sender.free(link.freed_at_end())

    def _on_keys(self, keys: PairingKeys) -> Link | None:
        for link in self._links.values():
            if link.pairing:
                return link if link.on_keys(keys) else None
        return None

    def _unpaired(self, peer: hci.Address) -> None:
        for link in self._links.values():
            if link.peer == peer:
                with contextlib.suppress(CallError):  # it ends already
                    self._disconnect(struct.pack("<H", link.connection.handle))

    def _pairing_config(self, connection: Connection) -> PairingConfig:
        delegate = Delegate(connection, self._settings[Item.IO], self.board, self._bonds)
        self._delegates[connection.handle] = delegate
        return pairing_config(self._settings, delegate)
