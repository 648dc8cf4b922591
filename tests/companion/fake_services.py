# SPDX-License-Identifier: Apache-2.0
"""The GATT services of fake glasses: those of the Glint service in firmware/SPEC.md, SMP's, and two
of the Bluetooth SIG's."""

from collections.abc import Callable

from bumble.core import UUID
from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service
from glint import protocol

BATTERY_PERCENT = 77
STATUS = {
    "board": "fake",
    "firmware": "0.1.0",
    "micropython": "1.25.0",
    "uptime_ms": 1234,
    "battery_percent": BATTERY_PERCENT,
    "heap_used": 1000,
    "heap_free": 2000,
    "words": ["okay_nabu"],
    "vision": "motion",
    "arena": {"okay_nabu": 26080},
    "hops": 100,
    "slow_hops": 0,
    "lost_ms": 0,
    "silent": False,
    "camera": True,
    "busy_us": 5000,
    "notified": 1,
    "notified_bytes": 20,
    "light": False,
}


def stream(uuid: str, write: Callable[[Connection, bytes], None]) -> Characteristic:
    """A characteristic that notifies, and takes writes without response on an encrypted link."""
    flags = Characteristic.Properties.NOTIFY | Characteristic.Properties.WRITE_WITHOUT_RESPONSE
    allowed = Characteristic.Permissions.WRITEABLE
    allowed |= Characteristic.Permissions.WRITE_REQUIRES_ENCRYPTION
    return Characteristic(uuid, flags, allowed, CharacteristicValue(write=write))


def _readable(number: int, value: bytes) -> Characteristic:
    read = Characteristic.Properties.READ, Characteristic.Permissions.READABLE
    return Characteristic(UUID.from_16_bits(number), *read, value)


def _byte(uuid: str | UUID, value: Callable[[], int]) -> Characteristic:
    """A characteristic of one byte, which is asked for at each read."""
    read = Characteristic.Properties.READ, Characteristic.Permissions.READABLE
    return Characteristic(uuid, *read, CharacteristicValue(read=lambda _: bytes([value()])))


def services(
    events: Characteristic,
    media: Characteristic,
    smp: Characteristic,
    pairing: Callable[[], int],
    battery_percent: Callable[[], int],
) -> list[Service]:
    """All services; the functions give the values of the characteristics of that name."""
    may_pair = _byte(protocol.UUID_PAIRING, pairing)
    information = [
        _readable(protocol.SIG_MANUFACTURER_NAME, b"Glint"),
        _readable(protocol.SIG_MODEL_NUMBER, b"fake"),
        _readable(protocol.SIG_FIRMWARE_REVISION, b"0.1.0"),
    ]
    battery = [_byte(UUID.from_16_bits(protocol.SIG_BATTERY_LEVEL), battery_percent)]
    return [
        Service(protocol.UUID_GLINT_SERVICE, [events, media, may_pair]),
        Service(protocol.UUID_SMP_SERVICE, [smp]),
        Service(UUID.from_16_bits(protocol.SIG_DEVICE_INFORMATION), information),
        Service(UUID.from_16_bits(protocol.SIG_BATTERY_SERVICE), battery),
    ]
