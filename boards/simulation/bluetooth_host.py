# SPDX-License-Identifier: Apache-2.0
"""The stack below the emulated module `bluetooth`: calls, events, secrets, attribute values.

The radio runs in the workbench, at the other end of the simulation bus; the frames are defined in
workbench/emulation/radio/wire.py. Attribute values are kept here, as in NimBLE's binding. Lines are
those of MicroPython 1.25.0: "modbluetooth" is extmod/modbluetooth.c, "binding"
extmod/nimble/modbluetooth_nimble.c.
"""

import errno
import struct
import sys
import time
from collections import deque

import bus as simulation_bus
from micropython import const

_OP_CONFIG = const(2)
_OP_NOTIFY = const(16)
_OP_UPDATE = const(18)
_OP_ANSWER = const(19)
_OP_PAUSE = const(20)
# Added to the frames of a handler's calls: the host's own task makes them.
_OP_IN_EVENT = const(0x80)

_ITEM_MTU = const(1)

_EVENT_REPLY = const(0)
_IRQ_CENTRAL_CONNECT = const(1)
_IRQ_CENTRAL_DISCONNECT = const(2)
_IRQ_GATTS_WRITE = const(3)
_IRQ_GATTS_READ_REQUEST = const(4)
_IRQ_GET_SECRET = const(29)
_IRQ_SET_SECRET = const(30)
_EVENT_ROOM = const(128)
_EVENT_LOCK = const(129)
_EVENT_UNLOCK = const(130)

# How the numbers of the other events are packed; each is a field of the handler's tuple.
_FORMATS = {20: "<HHB", 21: "<HH", 27: "<5H", 28: "<H4B", 31: "<HBI"}

# NimBLE as MicroPython builds it; workbench/emulation/radio has the sources (wire.py, stacks.py).
_BLOCKS = const(12)
_FIRST_BLOCK_BYTES = const(219)
_BLOCK_BYTES = const(240)
_ATTRIBUTE_BYTES = const(20)  # MP_BLUETOOTH_DEFAULT_ATTR_LEN, extmod/modbluetooth.h:84
_NO_CONNECTION = const(0xFFFF)  # BLE_HS_CONN_HANDLE_NONE of NimBLE's host/ble_hs.h
_ATT_NOT_FOUND = const(10)  # BLE_ATT_ERR_ATTR_NOT_FOUND: binding:864
# BLE_STORE_OBJ_TYPE_PEER_SEC of NimBLE's host/ble_store.h.
SECRET_TYPE_PEER = const(2)


class Value:
    """An attribute's value, as the binding's database keeps it (modbluetooth:1697 to 1766)."""

    def __init__(self):
        self.resize(_ATTRIBUTE_BYTES, False)

    def resize(self, size, append):
        self._buffer = bytearray(size)
        self._length = 0
        self._append = append

    def get(self):
        return memoryview(self._buffer)[: self._length]

    def take(self):
        value = bytes(self.get())
        if self._append:
            self._length = 0
        return value

    def set(self, data):
        if len(data) > len(self._buffer):
            self._buffer = bytearray(len(data))
        self._buffer[: len(data)] = data
        self._length = len(data)

    def receive(self, data):
        """Stores what a peer wrote, silently truncated to the buffer's size (binding:881)."""
        start = self._length if self._append else 0
        data = data[: len(self._buffer) - start]
        self._buffer[start : start + len(data)] = data
        self._length = start + len(data)


class _Call:
    """A call that waits for its reply."""

    reply = None


class Host:
    """The connection to the radio that the module's BLE is built on."""

    def _setup(self):
        self._bus = None
        self._handler = None
        self._active = False
        self._in_handler = False
        self._is_locked = False  # in a handler that is called with the host locked
        self._events = deque((), 64, 1)
        self._calls = []
        self._settings = {"mtu": 256}
        self._reset()
        pauses.host = self

    def _reset(self):
        self._private = False  # it is drawn anew at each start, as NimBLE's binding does
        self._is_awaited = False  # the host has its lock, and waits for MicroPython's
        self._is_pausing = False  # which it gets now
        self._values = {}
        self._connections = set()
        self._room = _BLOCKS
        self._events_clear()

    def _events_clear(self):
        while self._events:
            self._events.popleft()

    # Frames

    def _post(self, op, *parts):
        """Sends a frame that has no reply."""
        if self._in_handler and not self._is_locked:
            op |= _OP_IN_EVENT
        self._bus.send(simulation_bus.RADIO, bytes((op,)), *parts)

    def _call(self, op, *parts):
        """Sends a call and returns its reply. Raises the OSError that the radio reports."""
        call = _Call()
        self._calls.append(call)  # before sending: the reply may be dispatched at once
        try:
            self._post(op, *parts)
            while call.reply is None:
                self._bus.pump()
        except OSError:
            if call in self._calls:
                self._calls.remove(call)
            raise
        (error,) = struct.unpack_from("<h", call.reply)
        if error:
            raise OSError(error, str(call.reply[2:], "utf-8"))
        return call.reply[2:]

    def _on_frame(self, frame):
        kind = frame[0]
        if kind == _EVENT_REPLY:
            self._calls.pop(0).reply = bytes(frame[1:])
        elif kind == _EVENT_ROOM:
            self._room += frame[1]
        elif self._in_handler:
            # NimBLE's one task runs one handler at a time (on ESP32 the host's: modbluetooth:1261,
            # which also keeps scheduled code waiting, 1278). The radio answers calls while an event
            # waits here, so a handler that makes a call does get its reply.
            self._events.append(bytes(frame))
        else:
            # Copied, since the next frame takes this one's place when the handler makes a call.
            self._dispatch(memoryview(bytes(frame)))
            while self._events:
                self._dispatch(memoryview(self._events.popleft()))

    def _dispatch(self, frame):
        kind = frame[0]
        # The fields of each event: modbluetooth:1311 to 1376; what brings it: binding:405 to 507.
        if kind == _IRQ_CENTRAL_CONNECT or kind == _IRQ_CENTRAL_DISCONNECT:
            connection, address_type = struct.unpack_from("<HB", frame, 1)
            if kind == _IRQ_CENTRAL_CONNECT:
                self._connections.add(connection)
            else:
                self._connections.discard(connection)
            self._irq(kind, (connection, address_type, frame[4:]))
        elif kind == _IRQ_GATTS_WRITE:
            connection, handle = struct.unpack_from("<HH", frame, 1)
            value = self._values.get(handle)
            if value is not None:
                value.receive(frame[5:])
                self._irq(kind, (connection, handle))
            self._answer(0)
        elif kind == _IRQ_GATTS_READ_REQUEST:
            connection, handle = struct.unpack_from("<HH", frame, 1)
            error, data = self._read_for_peer(connection, handle)
            self._answer(error, data)
        elif kind == _EVENT_LOCK:
            self._is_awaited = True
            self._answer(0)
            if self._is_pausing:
                self._post(_OP_PAUSE)
        elif kind == _EVENT_UNLOCK:
            self._is_awaited = False
        elif kind == _IRQ_GET_SECRET:
            self._is_awaited = False
            secret = self._get_secret(frame[1], frame[2], frame[3:] if len(frame) > 3 else None)
            if secret is None:
                self._answer(0)
            else:
                self._answer(1, secret)
        elif kind == _IRQ_SET_SECRET:
            self._is_awaited = False
            at = 3 + frame[2]
            value = frame[at:] if len(frame) > at else None
            self._answer(1 if self._irq(kind, (frame[1], frame[3:at], value)) else 0)
        else:
            self._irq(kind, struct.unpack_from(_FORMATS[kind], frame, 1))

    def pause(self):
        """Lets the host go first if it waits for MicroPython's lock.

        On ESP32, MicroPython gives that lock up in each pause, also in one of no length
        (ports/esp32/mphalport.c:202 to 208, mp_hal_delay_ms), and the host's task has the higher
        priority.
        """
        if self._is_awaited and not self._in_handler:
            self._is_pausing = True
            try:
                self._post(_OP_PAUSE)
                while self._is_awaited:
                    self._bus.pump()
            finally:
                self._is_pausing = False

    def _answer(self, result, data=b""):
        self._bus.send(simulation_bus.RADIO, bytes((_OP_ANSWER, result)), data)

    def _irq(self, event, data):
        """Calls the handler; one that raises is reported and dropped (modbluetooth:1241)."""
        if self._handler is None:
            return None
        nested = self._in_handler
        self._in_handler = True
        self._is_locked = event in (_IRQ_GET_SECRET, _IRQ_SET_SECRET)
        try:
            return self._handler(event, data)
        except Exception as error:
            print("Unhandled exception in IRQ callback handler")
            sys.print_exception(error)
            self._handler = None
        finally:
            self._in_handler = nested
            self._is_locked = False

    def _read_for_peer(self, connection, handle):
        """Returns (ATT error, value) once the handler has decided (binding:857, 864, 867)."""
        error = self._irq(_IRQ_GATTS_READ_REQUEST, (connection, handle))
        if isinstance(error, int) and error:
            return error & 0xFF, b""
        value = self._values.get(handle)
        if value is None:
            return _ATT_NOT_FOUND, b""
        return 0, value.get()

    def _get_secret(self, kind, index, key):
        secret = self._irq(_IRQ_GET_SECRET, (kind, index, key))
        return None if secret is None else bytes(secret)

    def _check_active(self):
        if not self._active:  # binding:58, ERRNO_BLUETOOTH_NOT_ACTIVE
            raise OSError(errno.ENODEV)

    # Attribute values

    def _value(self, handle):
        self._check_active()
        value = self._values.get(handle)
        if value is None:
            raise OSError(errno.EINVAL)
        return value

    def _send_value(self, op, connection, handle, data):
        self._check_active()
        if data is None:  # the stored value: binding:1044
            data = bytes(self._read_for_peer(_NO_CONNECTION, handle)[1])
        if op == _OP_NOTIFY:
            blocks = 2 + -(-max(0, len(data) - _FIRST_BLOCK_BYTES) // _BLOCK_BYTES)
            if blocks > self._room:
                # Any call: before its answer, the radio tells of what it handed on meanwhile.
                self._call(_OP_CONFIG, struct.pack("<BH", _ITEM_MTU, self._settings["mtu"]))
            if blocks > self._room:
                raise OSError(errno.ENOMEM)
        if connection not in self._connections:
            raise OSError(errno.ENOTCONN)
        if op == _OP_NOTIFY:
            self._room -= blocks
        self._post(op, struct.pack("<HH", connection, handle), data)


class _Time:
    """The module `time`, whose pauses of no length are `Host.pause` as well."""

    host = None

    def __getattr__(self, name):
        return getattr(time, name)

    def sleep_ms(self, length_ms):
        if self.host and not length_ms:
            self.host.pause()
        time.sleep_ms(length_ms)


pauses = sys.modules["time"] = _Time()
