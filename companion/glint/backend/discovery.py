# SPDX-License-Identifier: Apache-2.0
"""What a peer's GATT server has, found by bumble and told in bleak's types."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bumble import core
from bumble.device import Peer

from glint.backend.scanner import uuid_text

# In the order of their bits.
_PROPERTIES: tuple[CharacteristicPropertyName, ...] = (
    "broadcast",
    "read",
    "write-without-response",
    "write",
    "notify",
    "indicate",
    "authenticated-signed-writes",
    "extended-properties",
)


async def discover(
    peer: Peer, wanted: Iterable[str], write_bytes: Callable[[], int]
) -> BleakGATTServiceCollection:
    """Returns the peer's services, with their characteristics and descriptors.

    Args:
        peer: The connected peer.
        wanted: UUIDs of the services to look for; empty for all.
        write_bytes: Gives the most bytes of a write without response.
    """
    collection = BleakGATTServiceCollection()
    for service in await peer.discover_services([core.UUID(uuid) for uuid in wanted]):
        bleak_service = BleakGATTService(service, service.handle, uuid_text(service.uuid))
        collection.add_service(bleak_service)
        for characteristic in await peer.discover_characteristics(service=service):
            properties = [
                name for bit, name in enumerate(_PROPERTIES) if characteristic.properties & 1 << bit
            ]
            bleak_characteristic = BleakGATTCharacteristic(
                characteristic,
                characteristic.handle,
                uuid_text(characteristic.uuid),
                properties,
                write_bytes,
                bleak_service,
            )
            collection.add_characteristic(bleak_characteristic)
            for descriptor in await peer.discover_descriptors(characteristic=characteristic):
                collection.add_descriptor(
                    BleakGATTDescriptor(
                        descriptor,
                        descriptor.handle,
                        uuid_text(descriptor.type),
                        bleak_characteristic,
                    )
                )
    return collection
