# SPDX-License-Identifier: Apache-2.0
"""A bumble peripheral without firmware, for tests of bleak's API."""

from __future__ import annotations

import asyncio
import struct

import cbor2
from bumble.core import UUID
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Descriptor, Service
from bumble.hci import Address
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate
from workbench.emulation.medium import Medium, new_controller

ADDRESS = "F0:F1:F2:F3:F4:F5"
SERVICE = "326f00f0-3c3b-4423-a411-52f6691438bd"
VALUE, STREAM, SECRET, MITM = "aa01", "aa02", "aa03", "aa04"
SMP_SERVICE = "8D53DC1D-1DB7-4CD3-868B-8A527460AA84"
SMP_CHARACTERISTIC = "DA2E7828-FBCE-4E01-AE9E-261174997C48"
P, A = Characteristic.Properties, Characteristic.Permissions


class Peripheral:
    """The peripheral that the companion talks to; it also answers SMP echo requests."""

    def __init__(self, medium: Medium) -> None:
        hub = new_controller(medium)
        self.device = device = Device.from_config_with_hci(
            DeviceConfiguration(name="PEER", address=Address(ADDRESS)), hub, hub
        )
        device.keystore = MemoryKeyStore()
        device.gatt_server.max_mtu = 247
        device.pairing_config_factory = lambda _: PairingConfig(
            sc=True,
            mitm=False,
            delegate=PairingDelegate(),
            identity_address_type=PairingConfig.AddressType.RANDOM,
        )
        self.written: list[bytes] = []
        self.ended: asyncio.Queue[int] = asyncio.Queue()
        self.stream: Characteristic[bytes] = Characteristic(
            STREAM, P.NOTIFY | P.READ, A.READABLE, b"", [Descriptor("2901", A.READABLE, b"stream")]
        )
        secret = P.READ, A.READABLE | A.READ_REQUIRES_ENCRYPTION, CharacteristicValue(self._read)
        value = CharacteristicValue(read=lambda _: b"value", write=self._write)
        both_writes = P.READ | P.WRITE | P.WRITE_WITHOUT_RESPONSE
        device.add_services(
            [
                Service(
                    SERVICE,
                    [
                        Characteristic(VALUE, both_writes, A.READABLE | A.WRITEABLE, value),
                        self.stream,
                        Characteristic(SECRET, *secret),
                        Characteristic(
                            MITM, P.READ, A.READABLE | A.READ_REQUIRES_AUTHENTICATION, b"m"
                        ),
                    ],
                ),
                Service(SMP_SERVICE, [self._smp()]),
            ]
        )
        device.on("connection", self._on_connection)

    def _on_connection(self, connection: Connection) -> None:
        self.connection = connection
        connection.on(Connection.EVENT_DISCONNECTION, self.ended.put_nowait)

    def _read(self, _: Connection) -> bytes:
        return b"secret"

    def _write(self, _: Connection, value: bytes) -> None:
        self.written.append(value)

    def _smp(self) -> Characteristic[bytes]:
        async def on_request(connection: Connection, request: bytes) -> None:
            body = cbor2.loads(request[8:])
            answer = cbor2.dumps({"r": body["d"]} if "d" in body else {"rc": 8})
            header = request[0] + 1, 8, len(answer), *struct.unpack(">HBB", request[4:8])
            await self.device.notify_subscriber(
                connection, smp, struct.pack(">BBHHBB", *header) + answer
            )

        smp: Characteristic[bytes] = Characteristic(
            SMP_CHARACTERISTIC,
            P.WRITE_WITHOUT_RESPONSE | P.NOTIFY,
            A.WRITEABLE,
            CharacteristicValue(write=on_request),
        )
        return smp

    async def start(self) -> None:
        await self.device.power_on()
        await self.device.start_advertising(
            auto_restart=True,
            advertising_data=b"\x02\x01\x06\x11\x07" + UUID(SERVICE).to_bytes(),
            scan_response_data=b"\x05\x09PEER\x11\x07" + UUID(SMP_SERVICE).to_bytes(),
            advertising_interval_min=20,
            advertising_interval_max=20,
        )

    async def notify(self, value: bytes) -> None:
        await self.device.notify_subscriber(self.connection, self.stream, value)
