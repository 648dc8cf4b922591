# SPDX-License-Identifier: Apache-2.0
"""A private message bus with the part of BlueZ's interface that the companion uses.

The bus is dbus-daemon; the companion and bleak are the real ones. `make bluez` shows
what BlueZ itself does.
"""

import contextlib
import shutil
import subprocess

from dbus_fast.aio import MessageBus
from dbus_fast.constants import BusType, MessageType
from dbus_fast.message import Message
from dbus_fast.signature import Variant

ADAPTER = "/org/bluez/hci0"
DEVICE = f"{ADAPTER}/dev_F0_00_00_00_00_01"
CHARACTERISTIC = f"{DEVICE}/service0001/char0002"
DEVICE1 = "org.bluez.Device1"
CHARACTERISTIC1 = "org.bluez.GattCharacteristic1"

# BlueZ is installed but does not start: the command that starts it, elsewhere systemd's, fails.
CONFIG = """\
<busconfig>
  <type>session</type>
  <listen>unix:dir={folder}</listen>
  <servicedir>{folder}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
SERVICE = "[D-BUS Service]\nName=org.bluez\nExec=/bin/false\n"


@contextlib.contextmanager
def message_bus(folder, monkeypatch, *, installed=False):
    """A system bus for this process; `installed` makes it try to start BlueZ."""
    (folder / "bus.conf").write_text(CONFIG.format(folder=folder))
    if installed:
        (folder / "org.bluez.service").write_text(SERVICE)
    daemon = subprocess.Popen(
        [shutil.which("dbus-daemon"), f"--config-file={folder / 'bus.conf'}", "--print-address"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", daemon.stdout.readline().strip())
        yield
    finally:
        daemon.terminate()
        daemon.communicate()


class Bluez:
    """org.bluez with one adapter, and one device that is connected.

    Attributes:
        objects: Properties, by object and interface.
        agents: Agents, by who registered them; the first is the default one (BlueZ 5.66,
            src/agent.c, agent_create).
    """

    def __init__(self):
        self.agents = {}
        self.objects = {
            ADAPTER: {
                "org.bluez.Adapter1": {
                    "Address": Variant("s", "C0:FF:EE:00:00:01"),
                    "Powered": Variant("b", True),
                    "Roles": Variant("as", ["central"]),
                }
            },
            DEVICE: {
                DEVICE1: {
                    "Adapter": Variant("o", ADAPTER),
                    "Address": Variant("s", "F0:00:00:00:00:01"),
                    "Alias": Variant("s", "Glint"),
                    "Connected": Variant("b", True),
                    "Paired": Variant("b", True),
                    "UUIDs": Variant("as", []),
                }
            },
            f"{DEVICE}/service0001": {
                "org.bluez.GattService1": {
                    "UUID": Variant("s", "326f0000-3c3b-4423-a411-52f6691438bd"),
                    "Device": Variant("o", DEVICE),
                }
            },
            CHARACTERISTIC: {
                CHARACTERISTIC1: {
                    "UUID": Variant("s", "326f0001-3c3b-4423-a411-52f6691438bd"),
                    "Service": Variant("o", f"{DEVICE}/service0001"),
                    "Flags": Variant("as", ["notify"]),
                    "Notifying": Variant("b", False),
                    "MTU": Variant("q", 247),
                }
            },
        }

    async def __aenter__(self):
        self.bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        self.bus.add_message_handler(self._on_message)
        await self.bus.request_name("org.bluez")
        return self

    async def __aexit__(self, *exception):
        self.bus.disconnect()
        await self.bus.wait_for_disconnect()

    def _on_message(self, message):
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        match message.member:
            case "GetManagedObjects":
                return Message.new_method_return(message, "a{oa{sa{sv}}}", [self.objects])
            case "RegisterAgent":
                self.agents[message.sender] = message.body[0]
                return Message.new_method_return(message)
            case "Get":
                interface, name = message.body
                properties = self.objects.get(message.path, {}).get(interface, {})
                if name in properties:
                    return Message.new_method_return(message, "v", [properties[name]])
                return Message.new_error(
                    message, "org.freedesktop.DBus.Error.InvalidArgs", f"No such property '{name}'"
                )
        return None

    async def ask(self, member, signature, *body):
        """Asks the default agent; returns the error's name, or None."""
        (owner, path), *_ = self.agents.items()
        reply = await self.bus.call(
            Message(owner, path, "org.bluez.Agent1", member, signature=signature, body=list(body))
        )
        return reply.error_name
