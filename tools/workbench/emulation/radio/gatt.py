# SPDX-License-Identifier: Apache-2.0
"""The GATT server of emulated glasses, with NimBLE's rules and values from the board.

bumble does not check properties, allows writes to declarations, counts Just Works as
authentication, and runs each request in a task of its own, so that writes overtake each other. Here
the rules are those of NimBLE's ble_att_svr_check_perms, and requests of a connection are served in
order.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import struct
from collections.abc import Callable
from typing import Any, Protocol

from bumble import att
from bumble.core import UUID
from bumble.device import Connection, Device
from bumble.gatt import (
    Characteristic,
    CharacteristicValue,
    Descriptor,
    Service,
)
from bumble.gatt_server import Server

log = logging.getLogger(__name__)

# MP_BLUETOOTH_CHARACTERISTIC_FLAG_* of extmod/modbluetooth.h, which are NimBLE's.
READ = 0x0002
WRITE_NO_RESPONSE = 0x0004
WRITE = 0x0008
READ_ENCRYPTED = 0x0200
READ_AUTHENTICATED = 0x0400
WRITE_ENCRYPTED = 0x1000
WRITE_AUTHENTICATED = 0x2000
_PROPERTIES_MASK = 0xFF


class Firmware(Protocol):
    """The requests that the server makes to the board."""

    async def read(self, connection: Connection, handle: int) -> bytes:
        """Returns the value; raises ATT_Error when the firmware denies it."""

    async def write(self, connection: Connection, handle: int, value: bytes) -> None:
        """Passes on a written value; returns when the firmware has handled it."""

    async def has_bond(self, connection: Connection) -> bool:
        """Whether a key for this peer is stored."""

    async def settled(self, connection: Connection) -> None:
        """Returns once the firmware has been told how the link is secured."""

    def is_authenticated(self, connection: Connection) -> bool:
        """Whether the link's key was made with MITM protection."""


class _BoardAttribute:
    """Mixin of attributes whose value lives on the board."""

    handle: int
    flags: int
    firmware: Firmware

    async def _check(self, connection: Connection, *, reading: bool) -> None:
        flags = self.flags
        if reading:
            allowed, code = flags & READ, att.ATT_READ_NOT_PERMITTED_ERROR
            authenticated = bool(flags & READ_AUTHENTICATED)
            encrypted = authenticated or bool(flags & READ_ENCRYPTED)
        else:
            # NimBLE's permissions distinguish only one kind of write.
            allowed, code = flags & (WRITE | WRITE_NO_RESPONSE), att.ATT_WRITE_NOT_PERMITTED_ERROR
            authenticated = bool(flags & WRITE_AUTHENTICATED)
            encrypted = authenticated or bool(flags & WRITE_ENCRYPTED)
        if not allowed:
            raise att.ATT_Error(code, self.handle)
        if encrypted and not connection.encryption:
            if await self.firmware.has_bond(connection):
                raise att.ATT_Error(att.ATT_INSUFFICIENT_ENCRYPTION_ERROR, self.handle)
            raise att.ATT_Error(att.ATT_INSUFFICIENT_AUTHENTICATION_ERROR, self.handle)
        if authenticated and not self.firmware.is_authenticated(connection):
            raise att.ATT_Error(att.ATT_INSUFFICIENT_AUTHENTICATION_ERROR, self.handle)

    async def read_value(self, bearer: Connection) -> bytes:
        await self._check(bearer, reading=True)
        return await self.firmware.read(bearer, self.handle)

    async def write_value(self, bearer: Connection, value: bytes) -> None:
        await self._check(bearer, reading=False)
        await self.firmware.write(bearer, self.handle, value)


class BoardCharacteristic(_BoardAttribute, Characteristic):  # type: ignore[misc,type-arg]
    """A characteristic that the firmware registered."""

    def __init__(
        self, uuid: UUID, flags: int, descriptors: list[Descriptor], firmware: Firmware
    ) -> None:
        properties = Characteristic.Properties(flags & _PROPERTIES_MASK)
        Characteristic.__init__(
            self, uuid, properties, Characteristic.Permissions(0), b"", descriptors
        )
        self.flags = flags
        self.firmware = firmware


class BoardDescriptor(_BoardAttribute, Descriptor):  # type: ignore[misc]
    """A descriptor that the firmware registered; NimBLE's binding drops its security flags."""

    def __init__(self, uuid: UUID, flags: int, firmware: Firmware) -> None:
        Descriptor.__init__(self, uuid, Descriptor.Permissions(0))
        self.flags = flags & (READ | WRITE | WRITE_NO_RESPONSE)
        self.firmware = firmware


class BoardServer(Server):
    """Serves one request of a connection at a time, in the order they came."""

    def __init__(
        self, device: Device, firmware: Firmware, mtu: int, name: Callable[[], bytes]
    ) -> None:
        super().__init__(device)
        self.max_mtu = mtu
        self._firmware = firmware
        self._requests: dict[att.Bearer, asyncio.Queue[att.ATT_PDU]] = {}
        self._workers: dict[att.Bearer, asyncio.Task[None]] = {}
        readable = Characteristic.Permissions.READABLE
        read = Characteristic.Properties.READ
        gap_name: Characteristic[bytes] = Characteristic(
            "2A00", read, readable, CharacteristicValue(read=lambda _: name())
        )
        appearance: Characteristic[bytes] = Characteristic("2A01", read, readable, bytes(2))
        changed: Characteristic[bytes] = Characteristic(
            "2A05", Characteristic.Properties.INDICATE, Characteristic.Permissions(0), b""
        )
        self.add_services([Service("1800", [gap_name, appearance]), Service("1801", [changed])])

    def register(self, data: bytes) -> bytes:
        """Adds the services of a REGISTER frame and returns the handles of their values."""
        reader = _Reader(data)
        values: list[att.Attribute[Any]] = []
        for _ in range(reader.u8()):
            uuid, characteristics = reader.uuid(), []
            for _ in range(reader.u8()):
                characteristic_uuid, flags = reader.uuid(), reader.u16()
                descriptors: list[Descriptor] = [
                    BoardDescriptor(reader.uuid(), reader.u16(), self._firmware)
                    for _ in range(reader.u8())
                ]
                characteristic = BoardCharacteristic(
                    characteristic_uuid, flags, descriptors, self._firmware
                )
                characteristics.append(characteristic)
                values += [characteristic, *descriptors]
            self.add_service(Service(uuid, characteristics))
        return struct.pack(f"<{len(values)}H", *(value.handle for value in values))

    def on_gatt_pdu(self, bearer: att.Bearer, att_pdu: att.ATT_PDU) -> None:
        queue = self._requests.get(bearer)
        if queue is None:
            queue = self._requests[bearer] = asyncio.Queue()
            self._workers[bearer] = asyncio.create_task(self._serve(bearer, queue))
        queue.put_nowait(att_pdu)

    def on_disconnection(self, bearer: att.Bearer) -> None:
        super().on_disconnection(bearer)
        self._requests.pop(bearer, None)
        worker = self._workers.pop(bearer, None)
        if worker is not None:
            worker.cancel()

    def close(self) -> None:
        """Ends all workers."""
        for connection in list(self._workers):
            self.on_disconnection(connection)

    async def _serve(self, connection: Any, queue: asyncio.Queue[att.ATT_PDU]) -> None:
        while True:
            pdu = await queue.get()
            if not isinstance(pdu, att.ATT_Exchange_MTU_Request):
                await self._firmware.settled(connection)
            if isinstance(pdu, att.ATT_Write_Command):
                await self._write_command(connection, pdu)
                continue
            if isinstance(pdu, att.ATT_Write_Request) and self._is_fixed(pdu.attribute_handle):
                error = _error(pdu, att.ATT_WRITE_NOT_PERMITTED_ERROR)
                self.send_response(connection, error)
                continue
            handler = getattr(self, f"on_{pdu.name.lower()}", None)
            if handler is None or not hasattr(handler, "__wrapped__"):
                with contextlib.suppress(Exception):  # answered and logged there
                    super().on_gatt_pdu(connection, pdu)
                continue
            # bumble's decorator starts the coroutine as a task: take what it decorates.
            try:
                await inspect.unwrap(handler)(self, connection, pdu)
            except Exception as error:
                code: int = att.ATT_UNLIKELY_ERROR_ERROR
                if isinstance(error, att.ATT_Error):
                    code = error.error_code
                else:
                    log.exception("GATT request %s", pdu.name)
                if pdu.op_code in att.ATT_REQUESTS:
                    self.send_response(connection, _error(pdu, code))

    async def _write_command(self, connection: Connection, pdu: att.ATT_Write_Command) -> None:
        attribute = self.get_attribute(pdu.attribute_handle)
        if attribute is not None and not self._is_fixed(pdu.attribute_handle):
            with contextlib.suppress(att.ATT_Error):  # a command has no response to say so
                await attribute.write_value(connection, pdu.attribute_value)

    def _is_fixed(self, handle: int) -> bool:
        """Whether an attribute is read-only. bumble allows writes to declarations."""
        attribute = self.get_attribute(handle)
        if attribute is None or isinstance(attribute, _BoardAttribute):
            return False
        return not attribute.permissions & att.Attribute.Permissions.WRITEABLE


def _error(pdu: att.ATT_PDU, code: int) -> att.ATT_Error_Response:
    return att.ATT_Error_Response(
        request_opcode_in_error=pdu.op_code, attribute_handle_in_error=0, error_code=code
    )


class _Reader:
    """Parses a REGISTER frame."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _take(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]

    def u8(self) -> int:
        return self._take(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self._take(2), "little")

    def uuid(self) -> UUID:
        return UUID.from_bytes(self._take(self.u8()))
