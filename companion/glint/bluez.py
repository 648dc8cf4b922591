# SPDX-License-Identifier: Apache-2.0
"""What only Linux needs: calls to BlueZ over D-Bus that bleak does not make.

Every fact of BlueZ named here was read in its releases 5.55, 5.66 and 5.82.
"""

import contextlib
import logging
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, cast

from bleak import BleakAdapter
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice

from glint import protocol

if TYPE_CHECKING:
    from dbus_fast.aio import MessageBus
    from dbus_fast.message import Message

_log = logging.getLogger(__name__)

_SERVICE = "org.bluez"
_DEVICE = "org.bluez.Device1"
_CHARACTERISTIC = "org.bluez.GattCharacteristic1"
_AGENT = "org.bluez.Agent1"
_AGENT_PATH = "/dev/glint/agent"
_ATT_HEADER_BYTES = 3
# The errors of Connect(), of bleak's wait for the services that follows it, and of a read or write
# that comes before the signal that the device has disconnected (gatt-client.c,
# characteristic_read_value).
_DROPPED = (
    "br-connection-canceled",
    "le-connection-abort-by-local",
    "failed to discover services, device disconnected",
    "[org.bluez.Error.Failed] Not connected",
)


def _path(device: BLEDevice) -> str | None:
    """Returns BlueZ's object path of a device that bleak found; None for other backends."""
    details = device.details
    if sys.platform == "linux" and isinstance(details, dict):
        return details.get("path")
    return None


@contextlib.asynccontextmanager
async def _bus() -> "AsyncIterator[MessageBus]":
    from bleak.backends.bluezdbus.utils import get_dbus_authenticator
    from dbus_fast.aio import MessageBus
    from dbus_fast.constants import BusType

    bus = MessageBus(bus_type=BusType.SYSTEM, auth=get_dbus_authenticator())
    try:
        await bus.connect()
        yield bus
    finally:
        bus.disconnect()


async def _call(bus: "MessageBus", path: str, interface: str, member: str, *arguments: Any) -> Any:
    """Calls a method, whose `arguments` begin with their signature; returns the reply's values."""
    from bleak.backends.bluezdbus.utils import assert_reply
    from dbus_fast.message import Message

    signature, *body = arguments or ("",)
    reply = await bus.call(
        Message(_SERVICE, path, interface, member, signature=signature, body=body)
    )
    assert reply is not None
    assert_reply(reply)
    return reply.body


async def _objects(bus: "MessageBus") -> dict[str, dict[str, dict[str, Any]]]:
    """Returns the properties of all that BlueZ has, by object and interface."""
    (objects,) = await _call(bus, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
    return cast(dict[str, dict[str, dict[str, Any]]], objects)


@contextlib.asynccontextmanager
async def agent(device: BLEDevice) -> AsyncIterator[None]:
    """Answers BlueZ's question whether this device may pair, for as long as the block lasts.

    BlueZ pairs by itself when a characteristic that it reads on connecting asks for it (device.c,
    new_auth), and gives up where there is no agent. A machine with a desktop has one: the first
    that registers is the default agent (agent.c, agent_create), which ours is only where there
    is no other. It says yes to the glasses that are being connected, and no to everybody else.
    """
    path = _path(device)
    if path is None:
        yield
        return
    from bleak.exc import BleakError
    from dbus_fast.errors import DBusError

    async with contextlib.AsyncExitStack() as stack:
        try:
            bus = await stack.enter_async_context(_bus())
            bus.add_message_handler(lambda message: _answer(message, path))
            manager = "/org/bluez", "org.bluez.AgentManager1", "RegisterAgent"
            await _call(bus, *manager, "os", _AGENT_PATH, "NoInputNoOutput")
        except (OSError, EOFError, BleakError, DBusError) as error:
            _log.debug("No agent: %s", error)  # Connecting will report what is wrong.
        yield  # BlueZ forgets the agent with our connection to the bus.


def _answer(message: "Message", path: str) -> "Message | None":
    from dbus_fast.constants import MessageType
    from dbus_fast.message import Message

    if message.message_type is not MessageType.METHOD_CALL or message.interface != _AGENT:
        return None
    if message.member in ("Release", "Cancel"):
        return Message.new_method_return(message)
    asked = ("RequestAuthorization", "RequestConfirmation", "AuthorizeService")
    if message.member in asked and message.body[:1] == [path]:
        return Message.new_method_return(message)
    return Message.new_error(message, "org.bluez.Error.Rejected", "not one of ours")


async def write_bytes(characteristic: BleakGATTCharacteristic) -> int:
    """Returns the most bytes that one write without response can carry.

    bleak 3.1 keeps the MTU that it heard of when BlueZ found the services, and 23 where it heard of
    none. On a connection to glasses whose services BlueZ knows already that is so, or an earlier
    connection's: the property is there (gatt-client.c, characteristic_get_mtu), but no signal tells
    of it.
    """
    known = characteristic.max_write_without_response_size
    details = characteristic.obj
    if sys.platform != "linux" or not isinstance(details, tuple) or not isinstance(details[0], str):
        return known
    from bleak.exc import BleakError
    from dbus_fast.errors import DBusError

    properties = details[0], "org.freedesktop.DBus.Properties", "Get"
    try:
        async with _bus() as bus:
            (mtu,) = await _call(bus, *properties, "ss", _CHARACTERISTIC, "MTU")
    except (OSError, EOFError, BleakError, DBusError):
        return known  # BlueZ before 5.62 has no such property
    return int(mtu.value) - _ATT_HEADER_BYTES


async def has_bond(device: BLEDevice) -> bool | None:
    """Whether BlueZ has a bond with the device; None where that is not known, as elsewhere."""
    path = _path(device)
    if path is None:
        return None
    from bleak.exc import BleakError
    from dbus_fast.errors import DBusError

    with contextlib.suppress(OSError, EOFError, BleakError, DBusError):
        async with _bus() as bus:
            get = path, "org.freedesktop.DBus.Properties", "Get"
            (paired,) = await _call(bus, *get, "ss", _DEVICE, "Paired")
            return bool(paired.value)
    return None


def _twins(objects: dict[str, dict[str, dict[str, Any]]], path: str) -> list[str]:
    """Returns the other objects of the device at `path`: of its address, at its adapter."""
    ours = objects.get(path, {}).get(_DEVICE)  # BlueZ may have forgotten it meanwhile
    return [
        name
        for name, interfaces in objects.items()
        if ours
        and name != path
        and (other := interfaces.get(_DEVICE))
        and all(other[key].value == ours[key].value for key in ("Adapter", "Address"))
    ]


async def paired_as_another(device: BLEDevice) -> bool:
    """Whether BlueZ has paired already and files the bond under another object of these glasses.

    Glasses that were erased have the identity address that they had before, but resolve from
    another private address: BlueZ takes them for new ones until they have paired, and then has two
    objects with one address (adapter.c, new_irk_callback). It answers Pair() for the object that
    it finds by its address, which is the earlier one (bonding_attempt_complete): ours waits for
    ever. For the same reason the later one stays connected for ever (dev_disconnected).
    """
    path = _path(device)
    if path is None:
        return False
    from bleak.exc import BleakError
    from dbus_fast.errors import DBusError

    with contextlib.suppress(OSError, EOFError, BleakError, DBusError, KeyError):
        async with _bus() as bus:
            objects = await _objects(bus)
        return any(objects[name][_DEVICE]["Paired"].value for name in _twins(objects, path))
    return False


def dropped(error: BaseException | None) -> bool:
    """Returns whether an operation failed because an established link dropped.

    BlueZ encrypts with a bond as soon as there is a link (device.c, device_attach_att), and has no
    word for a peer that has no such key: the kernel drops the link, and Connect() ends as if
    somebody had called it off (device_remove_connection). A link that is lost in that moment
    looks the same.
    """
    return any(words in str(error) for words in _DROPPED)


async def left_connected() -> list[BLEDevice]:
    """Returns glasses that BlueZ is connected to but no program uses.

    BlueZ keeps the connection of a program that was killed, and glasses that are connected are not
    heard. A program that uses them listens to them: BlueZ ends that with its connection to the
    bus (gatt-client.c, notify_client_disconnect).
    """
    if sys.platform != "linux":
        return []
    adapter = await BleakAdapter.get()
    devices = await adapter.get_connected_devices([protocol.UUID_GLINT_SERVICE])
    if not devices:
        return []
    async with _bus() as bus:
        objects = await _objects(bus)
    listened = [
        name
        for name, interfaces in objects.items()
        if "Notifying" in (properties := interfaces.get(_CHARACTERISTIC, {}))
        and properties["Notifying"].value
    ]
    return [
        device
        for device in devices
        if (path := _path(device))
        and not any(name.startswith(f"{path}/") for name in listened)
        and not _twins(objects, path)  # `paired_as_another` says why
    ]
