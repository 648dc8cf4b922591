# SPDX-License-Identifier: Apache-2.0
"""A BLE central on bumble that breaks rules which operating systems follow."""

import asyncio
import contextlib
import os

from bumble import att, core, hci
from bumble.device import Connection, Device, DeviceConfiguration, Peer
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport import open_transport
from glint import protocol
from glint.backend.scanner import uuid_text
from glint.waiting import end_tasks
from smp import os_management

ATT_CID, SMP_CID = 4, 6
ECHO = bytes(os_management.EchoWriteRequest(d="anybody?"))
# The errors that can occur when the other side ends the link at any moment.
ENDED = (core.BaseBumbleError, hci.HCI_Error, att.ATT_Error, TimeoutError, asyncio.CancelledError)
TIMEOUT_S = 5.0


class Central:
    """A central with one connection at a time, from any address, with any way of pairing.

    Attributes:
        irk: The identity resolving key of its random addresses.
        heard: Notifications that came, of any characteristic.
        gone: Set while there is no link.
    """

    def __init__(self, transport, address=None, claims=None, **pairing):
        """Makes a central that is off.

        Args:
            transport: The HCI transport of its controller.
            address: The address from which it connects; None for a random one.
            claims: The identity that it claims when it pairs; None for its address.
            pairing: `sc` and `bonding` of its pairing requests.
        """
        self.irk = os.urandom(16)
        self.heard = []
        self.gone = asyncio.Event()
        self._hci = transport
        self._address = address or str(hci.Address.generate_static_address())
        self._claims = claims
        self._pairing = {"sc": True, "bonding": True, **pairing}

    async def __aenter__(self):
        self._transport = await open_transport(self._hci)
        self.device = device = Device.from_config_with_hci(
            DeviceConfiguration(name="hostile", address=hci.Address(self._address), irk=self.irk),
            self._transport.source,
            self._transport.sink,
        )
        device.keystore = MemoryKeyStore()
        device.pairing_config_factory = lambda _: PairingConfig(
            mitm=False,
            delegate=PairingDelegate(PairingDelegate.NO_OUTPUT_NO_INPUT),
            identity_address_type=PairingConfig.AddressType.RANDOM,
            **self._pairing,
        )
        await device.power_on()
        if self._claims:
            device.static_address = hci.Address(self._claims)
        return self

    async def __aexit__(self, *_):
        await self._transport.close()

    async def go_by(self, address):
        """Uses another address for its connections from now on."""
        self.device.random_address = address
        await self.device.send_command(
            hci.HCI_LE_Set_Random_Address_Command(random_address=address)
        )

    async def find(self, name="Glint"):
        """The address of the first that advertises a name."""
        found = asyncio.get_running_loop().create_future()

        def on_advertisement(advertisement):
            said = advertisement.data.get(core.AdvertisingData.Type.COMPLETE_LOCAL_NAME)
            if said == name and not found.done():
                found.set_result(advertisement.address)

        self.device.on("advertisement", on_advertisement)
        await self.device.start_scanning(active=True)
        address = await asyncio.wait_for(found, TIMEOUT_S)
        await self.device.stop_scanning()
        self.device.remove_listener("advertisement", on_advertisement)
        return address

    async def occupy(self, address):
        """Occupies a connection for as long as the glasses allow."""
        self.gone.clear()
        self.connection = await self.device.connect_le(address, timeout=None)
        self.connection.on(Connection.EVENT_DISCONNECTION, lambda _: self.gone.set())
        await self.gone.wait()

    async def connect(self, name="Glint"):
        """Connects to the first that advertises a name, and discovers what it has."""
        address = await self.find(name)
        self.gone.clear()
        self.connection = await self.device.connect_le(address, timeout=TIMEOUT_S)
        self.connection.on(Connection.EVENT_DISCONNECTION, lambda _: self.gone.set())
        self.peer = Peer(self.connection)
        self.peer.gatt_client.on_att_handle_value_notification = self._on_notification
        await self.peer.request_mtu(517)
        await self.peer.discover_services()
        for service in self.peer.services:
            await service.discover_characteristics()

    async def intrude(self, name="Glint"):
        """Connects, and at once sends everything that could gain access, until it is dropped."""
        address = await self.find(name)
        self.gone.clear()
        self.connection = await self.device.connect_le(address, timeout=TIMEOUT_S)
        self.connection.on(Connection.EVENT_DISCONNECTION, lambda _: self.gone.set())
        self.device.l2cap_channel_manager.register_fixed_channel(
            ATT_CID, lambda _, pdu: self.heard.append(pdu)
        )
        pairing = asyncio.create_task(self.pair())
        for _ in range(10):
            for handle in range(1, 48):
                self.send(ATT_CID, bytes(att.ATT_Read_Request(attribute_handle=handle)))
                command = att.ATT_Write_Command(attribute_handle=handle, attribute_value=ECHO)
                self.send(ATT_CID, bytes(command))
            await asyncio.sleep(0.005)
        await self.dropped()
        await pairing

    def _on_notification(self, notification):
        self.heard.append(notification.attribute_value)

    def characteristics(self):
        """Returns all characteristics."""
        return [each for service in self.peer.services for each in service.characteristics]

    def handle(self, uuid):
        """The value's handle of a characteristic, as protocol.UUID_* names it."""
        (found,) = self.peer.get_characteristics_by_uuid(core.UUID(uuid))
        return found.handle

    async def pair(self):
        """Pairs, and ignores the result."""
        with contextlib.suppress(*ENDED):
            await asyncio.wait_for(self.connection.pair(), TIMEOUT_S)

    async def encrypt(self):
        """Encrypts with the bond that it has."""
        await asyncio.wait_for(self.connection.encrypt(), TIMEOUT_S)

    def write(self, uuid, data):
        """A write without response."""
        command = att.ATT_Write_Command(attribute_handle=self.handle(uuid), attribute_value=data)
        self.send(ATT_CID, bytes(command))

    def send(self, cid, pdu):
        """Any bytes on one of the link's channels."""
        if not self.gone.is_set():
            self.device.send_l2cap_pdu(self.connection.handle, cid, pdu)

    async def read_all(self):
        """Reads every characteristic: {uuid: value, or ATT error, or None where the link ended}."""
        values = {}
        for each in self.characteristics():
            values[uuid_text(each.uuid)] = await self._read(each)
        return values

    async def _read(self, characteristic):
        if self.gone.is_set():
            return None
        reading = asyncio.ensure_future(characteristic.read_value())
        gone = asyncio.ensure_future(self.gone.wait())
        await asyncio.wait({reading, gone}, timeout=TIMEOUT_S, return_when="FIRST_COMPLETED")
        await end_tasks(gone)
        try:
            if reading.done():
                return reading.result()
        except att.ATT_Error as error:
            return int(error.error_code)
        except ENDED:
            return None
        await end_tasks(reading)
        return None

    async def settle(self):
        """Waits until the glasses have processed all that was sent, or have ended the link."""
        await self._read(self.peer.get_characteristics_by_uuid(core.UUID(protocol.UUID_PAIRING))[0])

    async def dropped(self):
        """Waits until the glasses have ended the link."""
        await asyncio.wait_for(self.gone.wait(), TIMEOUT_S)

    async def leave(self):
        """Ends the link."""
        if not self.gone.is_set():
            with contextlib.suppress(*ENDED):
                await self.connection.disconnect()
            await self.dropped()
