# SPDX-License-Identifier: Apache-2.0
"""The glasses' GATT services, what is advertised of them, and from which address; see SPEC.md."""

from bluetooth import UUID
from micropython import const

from glasses import protocol

_READ = const(0x0002)
_WRITE_NO_RESPONSE = const(0x0004)
_NOTIFY = const(0x0010)
# MP_BLUETOOTH_ADDRESS_MODE_PUBLIC and _RPA of MicroPython 1.25.0's extmod/modbluetooth.h.
_ADDRESS_PUBLIC = const(0)
_ADDRESS_RESOLVABLE = const(2)


def _advertised(kind, data):
    return bytes((len(data) + 1, kind)) + data


def advertisement(state):
    """The advertisement: general discoverable, no BR/EDR; the service; who may pair (`state`)."""
    return (
        _advertised(0x01, b"\x06")
        + _advertised(0x07, bytes(UUID(protocol.UUID_GLINT_SERVICE)))
        + _advertised(0xFF, protocol.ADVERTISED_COMPANY.to_bytes(2, "little") + bytes((state,)))
    )


def scan_response(name):
    """The scan response."""
    return _advertised(0x09, name.encode()) + _advertised(
        0x07, bytes(UUID(protocol.UUID_SMP_SERVICE))
    )


def register(ble, board_name, firmware):
    """Registers them; returns the handles of battery, events, media, pairing and SMP.

    No attribute asks for encryption: who is no companion is denied in the stack's events. For one
    that does, NimBLE looks for the peer's secret at each access to find the right error
    (ble_att_svr.c:346 of a2acac3), with its host's lock held, whenever a stranger likes.
    """
    (
        (maker, model, revision),
        (battery,),
        (events, media, pairing),
        (smp,),
    ) = ble.gatts_register_services(
        (
            (
                UUID(protocol.SIG_DEVICE_INFORMATION),
                (
                    (UUID(protocol.SIG_MANUFACTURER_NAME), _READ),
                    (UUID(protocol.SIG_MODEL_NUMBER), _READ),
                    (UUID(protocol.SIG_FIRMWARE_REVISION), _READ),
                ),
            ),
            (
                UUID(protocol.SIG_BATTERY_SERVICE),
                ((UUID(protocol.SIG_BATTERY_LEVEL), _READ | _NOTIFY),),
            ),
            (
                UUID(protocol.UUID_GLINT_SERVICE),
                (
                    (UUID(protocol.UUID_EVENTS), _NOTIFY | _WRITE_NO_RESPONSE),
                    (UUID(protocol.UUID_MEDIA), _NOTIFY | _WRITE_NO_RESPONSE),
                    (UUID(protocol.UUID_PAIRING), _READ),
                ),
            ),
            (
                UUID(protocol.UUID_SMP_SERVICE),
                ((UUID(protocol.UUID_SMP), _NOTIFY | _WRITE_NO_RESPONSE),),
            ),
        )
    )
    ble.gatts_write(maker, b"Glint")
    ble.gatts_write(model, board_name.encode())
    ble.gatts_write(revision, firmware.encode())
    ble.gatts_set_buffer(media, 3 + 8 * protocol.LIMIT_MEDIA_RANGES)
    # Appending, so that requests that come in faster than they are read all stay.
    ble.gatts_set_buffer(smp, 2 * protocol.LIMIT_SMP_BYTES, True)
    return battery, events, media, pairing, smp


class Addresses:
    """The glasses' addresses: private ones that only companions can resolve, where possible.

    While a companion may pair it is the board's public one, if there is one. What both sides sign
    names the addresses of the link, and only LE Enhanced Connection Complete tells the host the one
    that its controller has drawn (ble_hs_hci_evt.c:434 of NimBLE a2acac3; asked for by
    ble_hs_startup.c:214). NimBLE 42849560 pairs with it under a drawn address, and fails with the
    plain event (DHKEY_CHECK_FAILED). Which one a chip's controller sends was not seen on silicon.
    """

    def __init__(self, ble):
        self._ble = ble
        self._is_private = None
        self._has_public = True

    def fit(self, may_pair):
        """Whether what is advertised goes by the right address now."""
        return self._is_private == (not may_pair or not self._has_public)

    def choose(self, may_pair):
        """Chooses, for the next time that the glasses advertise."""
        if may_pair and self._has_public:
            try:
                self._ble.config(addr_mode=_ADDRESS_PUBLIC)
                self._is_private = False
                return
            except (OSError, ValueError):
                self._has_public = False
        if self._is_private:
            return  # without a public address, NimBLE draws another identity each time
        try:
            self._ble.config(addr_mode=_ADDRESS_RESOLVABLE)
        except (OSError, ValueError) as error:
            print("link: no private address, so the glasses can be recognised:", error)
        self._is_private = True
