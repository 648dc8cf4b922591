# SPDX-License-Identifier: Apache-2.0
"""The module `bluetooth` for emulated boards, which behaves as MicroPython 1.25's NimBLE binding.

The central role and L2CAP channels are not emulated. Lines are those of MicroPython 1.25.0:
"modbluetooth" is extmod/modbluetooth.c, "binding" extmod/nimble/modbluetooth_nimble.c.
"""

import errno
import struct

import bus as simulation_bus
from bluetooth_host import SECRET_TYPE_PEER, Host, Value
from bluetooth_uuid import UUID
from micropython import const

# extmod/modbluetooth.h:95 to 99.
FLAG_READ = const(0x0002)
FLAG_WRITE_NO_RESPONSE = const(0x0004)
FLAG_WRITE = const(0x0008)
FLAG_NOTIFY = const(0x0010)
FLAG_INDICATE = const(0x0020)

_OP_ACTIVE = const(1)
_OP_CONFIG = const(2)
_OP_REGISTER = const(3)
_OP_ADVERTISE = const(4)
_OP_DISCONNECT = const(5)
_OP_PAIR = const(6)
_OP_PASSKEY = const(7)
_OP_NOTIFY = const(16)
_OP_INDICATE = const(17)
_OP_UPDATE = const(18)

_ITEM_GAP_NAME = const(0)
# Names of config() in the order of their item numbers, from 1.
_ITEMS = ("mtu", "bond", "mitm", "io", "le_secure", "addr_mode")

_IRQ_SET_SECRET = const(30)  # extmod/modbluetooth.h:162

# BLE_SVC_GAP_DEVICE_NAME_MAX_LENGTH: binding:790.
_NAME_MAX_BYTES = const(31)
# BLE_ATT_MTU_DFLT and BLE_ATT_MTU_MAX of NimBLE's host/ble_att.h: binding:1091.
_MTU_MIN = const(23)
_MTU_MAX = const(527)
_ADVERTISEMENT_MAX_BYTES = const(31)  # Core 5.4, Vol 4, Part E, 7.8.7 and 7.8.8
_SECRET_TYPE_OUR_IRK = const(10)  # binding: SECRET_TYPE_OUR_IRK
# extmod/modbluetooth.h:165 to 167.
_ADDRESS_MODE_PUBLIC = const(0)
_ADDRESS_MODE_RANDOM = const(1)
_ADDRESS_MODE_RPA = const(2)
_UNCHANGED = const(255)
_INVALID_PARAMETERS = const(-18)


def _bytes_of(value):
    return value.encode() if isinstance(value, str) else value


def _pack_uuid(uuid, what):
    if not isinstance(uuid, UUID):
        raise ValueError("invalid %s UUID" % what)
    return bytes((len(uuid),)) + bytes(uuid)


class BLE(Host):
    """The radio; every BLE() is the same one (modbluetooth:265)."""

    _singleton = None
    _name = b"MPY NIMBLE"

    def __new__(cls):
        if cls._singleton is None:
            cls._singleton = ble = object.__new__(cls)
            ble._setup()
        return cls._singleton

    # General

    def active(self, on=None):
        if on is not None:  # modbluetooth:290
            if on:
                self._switch_on()
            elif self._active:
                self._active = False
                self._call(_OP_ACTIVE, b"\x00")
                self._reset()
        return self._active

    def _switch_on(self):
        if self._bus is None:
            self._bus = simulation_bus.get()
            self._bus.on(simulation_bus.RADIO, self._on_frame)
        self._active = False
        self._reset()
        # Switching on ends what was on (binding:589). NimBLE's order: bonded peers, our own
        # identity key (binding:290), and the peers again (binding:316).
        peers = self._get_peers()
        irk = self._get_secret(_SECRET_TYPE_OUR_IRK, 0, b"irk")
        known = irk is not None and len(irk) == 16
        self._call(_OP_CONFIG, bytes((_ITEM_GAP_NAME,)), self._name)
        for name, value in self._settings.items():
            self._set(name, value)
        made = self._call(_OP_ACTIVE, b"\x01", irk if known else bytes(16), *peers)
        self._address = (made[0], made[1:7])
        if not known:  # binding:303
            self._irq(_IRQ_SET_SECRET, (_SECRET_TYPE_OUR_IRK, b"irk", made[7:]))
        self._get_peers()
        self._active = True

    def _get_peers(self):
        peers = []
        while True:
            secret = self._get_secret(SECRET_TYPE_PEER, len(peers), None)
            if secret is None:
                return peers
            peers.append(secret)

    def _set(self, name, value):
        self._call(_OP_CONFIG, struct.pack("<BH", _ITEMS.index(name) + 1, value))

    # modbluetooth:305 to 428, with its texts.
    def config(self, *names, **settings):
        if names:
            if settings:
                raise TypeError("can't specify pos and kw args")
            if len(names) > 1:
                raise TypeError("must query one param")
            return self._query(names[0])
        if not settings:
            raise TypeError("must query one param")
        for name, value in settings.items():
            if name == "gap_name":
                value = bytes(_bytes_of(value))
                if len(value) > _NAME_MAX_BYTES:  # binding:791
                    raise OSError(errno.EINVAL)
                self._name = value
                if self._active:
                    self._call(_OP_CONFIG, bytes((_ITEM_GAP_NAME,)), value)
            elif name == "addr_mode":
                self._check_active()  # binding:731
                if value == _ADDRESS_MODE_PUBLIC:
                    raise OSError(errno.EINVAL)  # binding:736, without a public address
                if value not in (_ADDRESS_MODE_RANDOM, _ADDRESS_MODE_RPA):
                    raise OSError(errno.EOPNOTSUPP, "not emulated")
                self._set("addr_mode", value)
                self._private = value == _ADDRESS_MODE_RPA
            elif name in _ITEMS:
                if name == "mtu":  # binding:1087
                    self._check_active()
                    if not _MTU_MIN <= value <= _MTU_MAX:
                        raise OSError(errno.EINVAL)
                self._settings[name] = int(value)
                if self._active:
                    self._set(name, int(value))
            else:
                raise ValueError("unknown config param")

    def _query(self, name):
        if name == "gap_name":
            return self._name
        if name == "mac":
            self._check_active()
            if self._private:  # binding:715 to 720
                raise OSError(errno.EINVAL)
            return self._address
        if name == "mtu":  # binding:1080
            self._check_active()
            return self._settings["mtu"]
        raise ValueError("unknown config param")

    def irq(self, handler):
        if handler is not None and not callable(handler):  # modbluetooth:433
            raise ValueError("invalid handler")
        self._handler = handler

    # GAP

    # modbluetooth:451; what stays from call to call, and what stops: binding:799 to 842.
    def gap_advertise(self, interval_us=500000, adv_data=None, *, resp_data=None, connectable=True):
        if interval_us is None:
            if self._active:
                self._call(_OP_ADVERTISE, struct.pack("<BIBB", 0, 0, _UNCHANGED, _UNCHANGED))
            return
        self._check_active()
        lengths = []
        parts = []
        for data, error in ((adv_data, _INVALID_PARAMETERS), (resp_data, errno.EINVAL)):
            if data is None:
                lengths.append(_UNCHANGED)
                continue
            data = _bytes_of(data)
            if len(data) > _ADVERTISEMENT_MAX_BYTES:
                self.gap_advertise(None)
                raise OSError(error)
            lengths.append(len(data))
            parts.append(data)
        header = struct.pack("<BIBB", 2 if connectable else 1, interval_us, *lengths)
        self._call(_OP_ADVERTISE, header, *parts)

    # modbluetooth:697: False for a connection that is not known.
    def gap_disconnect(self, conn_handle):
        self._check_active()
        if conn_handle not in self._connections:
            return False
        self._call(_OP_DISCONNECT, struct.pack("<H", conn_handle))
        return True

    # binding:1098 and 1103; without NimBLE's check that it is active.
    def gap_pair(self, conn_handle):
        self._check_active()
        self._call(_OP_PAIR, struct.pack("<H", conn_handle))

    def gap_passkey(self, conn_handle, action, passkey):
        self._check_active()
        self._call(_OP_PASSKEY, struct.pack("<HBI", conn_handle, action, passkey))

    # GATT server

    # modbluetooth:484 to 634, with its texts; handles of descriptors follow their characteristic's.
    def gatts_register_services(self, services):
        self._check_active()
        frame = bytearray((len(services),))
        for uuid, characteristics in services:
            frame += _pack_uuid(uuid, "service") + bytes((len(characteristics),))
            for characteristic in characteristics:
                if not 2 <= len(characteristic) <= 3:
                    raise ValueError("invalid characteristic tuple")
                descriptors = characteristic[2] if len(characteristic) == 3 else ()
                frame += _pack_uuid(characteristic[0], "characteristic")
                frame += struct.pack("<HB", characteristic[1], len(descriptors))
                for descriptor_uuid, flags in descriptors:
                    frame += _pack_uuid(descriptor_uuid, "descriptor") + struct.pack("<H", flags)
        reply = self._call(_OP_REGISTER, frame)
        handles = list(struct.unpack("<%dH" % (len(reply) // 2), reply))
        self._values = {handle: Value() for handle in handles}
        result = []
        for _, characteristics in services:
            count = sum(1 + (len(c[2]) if len(c) == 3 else 0) for c in characteristics)
            result.append(tuple(handles[:count]))
            handles = handles[count:]
        return tuple(result)

    # modbluetooth:732: it looks at no error; 1715: what was appended is read but once.
    def gatts_read(self, value_handle):
        value = self._values.get(value_handle)
        return b"" if value is None else value.take()

    # modbluetooth:741 and 1729: the value's buffer grows; binding:1026.
    def gatts_write(self, value_handle, data, send_update=False):
        data = _bytes_of(data)
        self._value(value_handle).set(data)
        if send_update:
            self._post(_OP_UPDATE, struct.pack("<H", value_handle), data)
        return len(data)

    # modbluetooth:778 and 1751.
    def gatts_set_buffer(self, value_handle, len, append=False):
        self._value(value_handle).resize(len, append)

    # modbluetooth:753; binding:1037.
    def gatts_notify(self, conn_handle, value_handle, data=None):
        self._send_value(_OP_NOTIFY, conn_handle, value_handle, _bytes_of(data))

    def gatts_indicate(self, conn_handle, value_handle, data=None):
        self._send_value(_OP_INDICATE, conn_handle, value_handle, _bytes_of(data))

    # What is not emulated

    def _unsupported(self, *args, **kwargs):
        raise OSError(errno.EOPNOTSUPP, "the emulated radio is a peripheral, without L2CAP")

    gap_scan = gap_connect = _unsupported
    gattc_discover_services = gattc_discover_characteristics = _unsupported
    gattc_discover_descriptors = gattc_read = gattc_write = gattc_exchange_mtu = _unsupported
    l2cap_listen = l2cap_connect = l2cap_disconnect = l2cap_send = l2cap_recvinto = _unsupported
