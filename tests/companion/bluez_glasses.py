# SPDX-License-Identifier: Apache-2.0
"""Emulates glasses behind BlueZ, as the companion sees them on D-Bus.

They can be found, connected, bonded and forgotten. Each behaviour of BlueZ names where `make bluez`
or its sources (5.66) show it.
"""

import asyncio
import struct

import cbor2
from bluez_fixtures import ADAPTER, CHARACTERISTIC1, DEVICE, DEVICE1, Bluez
from dbus_fast.message import Message
from dbus_fast.signature import Variant
from glint import protocol

PROPERTIES = "org.freedesktop.DBus.Properties"
MANAGER = "org.freedesktop.DBus.ObjectManager"
RSSI_DBM = -50
HEARD_EACH_S = 0.05
SERVICES = {
    protocol.UUID_GLINT_SERVICE: {
        protocol.UUID_EVENTS: ["notify", "write-without-response"],
        protocol.UUID_MEDIA: ["notify", "write-without-response"],
        protocol.UUID_PAIRING: ["read"],
    },
    protocol.UUID_SMP_SERVICE: {protocol.UUID_SMP: ["notify", "write-without-response"]},
}
# The error of Connect() when glasses drop the link while it is encrypted (device.c,
# device_remove_connection); seen on Linux 6.12.
DROPPED = "br-connection-canceled"
# An object of the same glasses from before they were erased: device_update_addr gives both one
# address once they have paired (adapter.c, new_irk_callback); seen on Linux 6.12.
EARLIER = f"{ADAPTER}/dev_F0_00_00_00_00_02"


class BluezGlasses(Bluez):
    """org.bluez with one pair of glasses in range.

    Attributes:
        bonded: Whether the glasses have the bond that BlueZ has.
        window: What they report of their pairing window.
        asked: Methods called on the device or the adapter, as far as they matter.
        writes: Sizes of the writes of requests.
        mtu: The MTU of the next connection.
        tells_late: Whether Connect() answers before the link drops over a bond that is lost, as it
            may where BlueZ knows the services from before; seen on Linux 6.12.
    """

    def __init__(self, *, paired, bonded, window, tells_late=False):
        super().__init__()
        self.bonded = bonded
        self.tells_late = tells_late
        self.window = window
        self.asked = []
        self.writes = []
        self.mtu = 247
        self._request = b""
        self._known = True
        del self.objects[f"{DEVICE}/service0001/char0002"], self.objects[f"{DEVICE}/service0001"]
        self.device.update(
            Connected=Variant("b", False),
            Paired=Variant("b", paired),
            ServicesResolved=Variant("b", False),
            UUIDs=Variant("as", [protocol.UUID_GLINT_SERVICE]),
        )
        self.paths = {}
        for number, (service, characteristics) in enumerate(SERVICES.items(), start=1):
            path = f"{DEVICE}/service{number:04x}"
            properties = {"UUID": Variant("s", service), "Device": Variant("o", DEVICE)}
            self.objects[path] = {"org.bluez.GattService1": properties}
            for at, (uuid, flags) in enumerate(characteristics.items(), start=1):
                self.paths[uuid] = f"{path}/char{16 * number + at:04x}"
                self.objects[self.paths[uuid]] = {
                    CHARACTERISTIC1: {
                        "UUID": Variant("s", uuid),
                        "Service": Variant("o", path),
                        "Flags": Variant("as", flags),
                        "Notifying": Variant("b", False),
                        "MTU": Variant("q", self.mtu),
                    }
                }

    @property
    def device(self):
        """The device's properties."""
        return self.objects[DEVICE][DEVICE1]

    def _signal(self, path, interface, member, signature, *body):
        self.bus.send(Message.new_signal(path, interface, member, signature, list(body)))

    def _change(self, path, interface, **values):
        self.objects[path][interface].update(values)
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", interface, values, [])

    def _on_message(self, message):
        answer = getattr(self, f"on_{message.member}", None)
        if answer is None or not (message.path or "").startswith("/org/bluez/hci0"):
            return super()._on_message(message)
        if message.member in ("Connect", "Pair", "RemoveDevice"):
            self.asked.append(message.member)
        fault = answer(message)
        if fault:
            return Message.new_error(message, "org.bluez.Error.Failed", fault)
        if message.member == "Pair" and EARLIER in self.objects:
            return (
                True  # It finds the other by their address (adapter.c, bonding_attempt_complete).
            )
        if message.member == "ReadValue":
            return Message.new_method_return(message, "ay", [bytes([self.window])])
        self.bus.send(Message.new_method_return(message))
        # What follows from it comes after its answer.
        getattr(self, f"after_{message.member}", lambda _: None)(message)
        return True

    def on_SetDiscoveryFilter(self, _):
        pass

    def on_StartDiscovery(self, _):
        self._hearing = asyncio.create_task(self._hear())

    async def _hear(self):
        while True:
            await asyncio.sleep(HEARD_EACH_S)
            if not self._known:
                self._known = True
                for path in self._of_device():
                    added = path, self.objects[path]
                    self._signal("/", MANAGER, "InterfacesAdded", "oa{sa{sv}}", *added)
            self._change(DEVICE, DEVICE1, RSSI=Variant("n", RSSI_DBM))

    def on_StopDiscovery(self, _):
        self._hearing.cancel()

    def _of_device(self):
        return [DEVICE, *(path for path in self.objects if path.startswith(f"{DEVICE}/"))]

    def on_Connect(self, _):
        # It encrypts with the bond that it has (device.c, device_attach_att).
        if self._will_drop and not self.tells_late:
            return DROPPED
        for path in self.paths.values():  # without a signal (gatt-client.c)
            self.objects[path][CHARACTERISTIC1]["MTU"] = Variant("q", self.mtu)
        on = Variant("b", True)
        self._change(DEVICE, DEVICE1, Connected=on, ServicesResolved=on)
        return None

    def on_Disconnect(self, _):
        self._hang_up()

    def _hang_up(self):
        off = Variant("b", False)
        self._change(DEVICE, DEVICE1, Connected=off, ServicesResolved=off)

    def on_Pair(self, _):
        if self.window != protocol.PAIRING_OPEN:
            self._hang_up()
            return "Authentication Failed"
        self.bonded = True
        self._change(DEVICE, DEVICE1, Paired=Variant("b", True))
        return None

    def on_Set(self, _):
        pass

    def on_RemoveDevice(self, _):
        self._known = False
        self.device["Paired"] = Variant("b", False)
        for path in reversed(self._of_device()):
            removed = path, list(self.objects[path])
            self._signal("/", MANAGER, "InterfacesRemoved", "oas", *removed)

    def on_StartNotify(self, _):
        pass

    def on_StopNotify(self, _):
        pass

    @property
    def _will_drop(self):
        return self.device["Paired"].value and not self.bonded

    def on_ReadValue(self, _):
        # gatt-client.c, characteristic_read_value
        return "Not connected" if self._will_drop else None

    def on_WriteValue(self, message):
        if message.path != self.paths[protocol.UUID_SMP]:
            return
        self.writes.append(len(message.body[0]))
        self._request += message.body[0]

    def after_WriteValue(self, message):
        """Answers a request that is whole: an echo, or for the size of buffers."""
        size = 8 + int.from_bytes(self._request[2:4], "big")
        if message.path != self.paths[protocol.UUID_SMP] or len(self._request) < size:
            return
        op, flags, _, group, sequence, command = struct.unpack(">BBHHBB", self._request[:8])
        asked, self._request = cbor2.loads(self._request[8:size]), self._request[size:]
        echo = {"r": asked.get("d", "")}
        body = cbor2.dumps({"buf_size": 2048, "buf_count": 1} if command else echo)
        head = struct.pack(">BBHHBB", op | 1, flags, len(body), group, sequence, command)
        frame = head + body
        for at in range(0, len(frame), self.mtu - 3):
            piece = Variant("ay", frame[at : at + self.mtu - 3])
            self._change(message.path, CHARACTERISTIC1, Value=piece)
