# SPDX-License-Identifier: Apache-2.0
"""The link: the glasses' GATT services, and what goes out over them in which order.

Requests come in over SMP; responses go first, then events, then audio, then pictures. A peer is a
stranger until its link is encrypted with the key of a bond (see bonds.py): it reads nothing, what
it writes is dropped, nothing is sent to it, and it is not kept for long.
"""

import asyncio
import struct
import time

import bluetooth
from bluetooth import UUID
from micropython import const

from glasses import media, protocol
from glasses.digits import Digits
from glasses.smp import RESPONSES_MAX

_IRQ_CENTRAL_CONNECT = const(1)
_IRQ_CENTRAL_DISCONNECT = const(2)
_IRQ_GATTS_WRITE = const(3)
_IRQ_GATTS_READ_REQUEST = const(4)
_IRQ_MTU_EXCHANGED = const(21)
_IRQ_ENCRYPTION_UPDATE = const(28)
_IRQ_GET_SECRET = const(29)
_IRQ_SET_SECRET = const(30)
_IRQ_PASSKEY_ACTION = const(31)

# Writes that may wait to be looked at.
NEWS_MAX = 64

_READ = const(0x0002)
_WRITE_NO_RESPONSE = const(0x0004)
_NOTIFY = const(0x0010)
_READ_ENCRYPTED = const(0x0200)
_WRITE_ENCRYPTED = const(0x1000)
_ATT_INSUFFICIENT_AUTHORIZATION = const(0x08)
# MP_BLUETOOTH_ADDRESS_MODE_RPA of MicroPython's extmod/modbluetooth.h.
_ADDRESS_RESOLVABLE = const(2)

MTU_BYTES = 512
MTU_DEFAULT_BYTES = 23
ADVERTISE_INTERVAL_US = 100000
ATT_HEADER_BYTES = 3
# With the stack's buffers full, as long as it may take a connection event to empty some.
FULL_WAIT_MS = 3
# How long after a link is encrypted the keys of its pairing may take, and tasks run meanwhile.
PROOF_MS = 300
# For the last answer to a companion to leave before the link ends.
DROP_AFTER_MS = 200
# The least MTU with which an event record fits one notification.
MTU_LEAST_BYTES = protocol.LIMIT_EVENT_BYTES + ATT_HEADER_BYTES


def _advertised(kind, data):
    return bytes((len(data) + 1, kind)) + data


class Link:
    """Serves one companion at a time.

    Attributes:
        notified: Notifications sent since boot.
        notified_bytes: Their payload.
        digits: The Digits.
    """

    def __init__(self, name, board_name, firmware, journal, outbox, smp, bonds, display=None):
        self.notified = 0
        self.notified_bytes = 0
        self._journal = journal
        self._outbox = outbox
        self._smp = smp
        self._bonds = bonds
        self.digits = Digits(display)
        self._news = []
        self._authorised = False
        self._linked = None  # the connection that was told last
        self._mtu = MTU_DEFAULT_BYTES
        self._responses = []
        self._wake = asyncio.ThreadSafeFlag()
        journal.on_append = outbox.on_data = self._wake.set
        self._expiry = None
        self._working = None  # on an answer that takes its time
        self._forget_peer()
        self._ble = ble = bluetooth.BLE()
        # First: switching on asks for the identity key, without which no bond outlives a restart.
        ble.irq(self._irq)
        ble.active(True)
        ble.config(mtu=MTU_BYTES)
        try:
            ble.config(addr_mode=_ADDRESS_RESOLVABLE)
        except (OSError, ValueError) as error:
            print("link: everybody can tell these glasses by their address:", error)
        ble.config(bond=True, le_secure=True)
        self.digits.start(ble)
        self._register(board_name, firmware)
        self._advertisement = (
            _advertised(0x01, b"\x06")  # general discoverable, no BR/EDR
            + _advertised(0x07, bytes(UUID(protocol.UUID_GLINT_SERVICE)))
        )
        self.rename(name)
        self._advertise()

    def _register(self, board_name, firmware):
        closed_in = _WRITE_NO_RESPONSE | _WRITE_ENCRYPTED
        closed_out = _READ | _READ_ENCRYPTED
        (
            (maker, model, revision),
            (self._battery,),
            (self._events, self._media, self._pairing),
            (self._smp_handle,),
        ) = self._ble.gatts_register_services(
            (
                (
                    UUID(protocol.SIG_DEVICE_INFORMATION),
                    (
                        (UUID(protocol.SIG_MANUFACTURER_NAME), closed_out),
                        (UUID(protocol.SIG_MODEL_NUMBER), closed_out),
                        (UUID(protocol.SIG_FIRMWARE_REVISION), closed_out),
                    ),
                ),
                (
                    UUID(protocol.SIG_BATTERY_SERVICE),
                    ((UUID(protocol.SIG_BATTERY_LEVEL), closed_out | _NOTIFY),),
                ),
                (
                    UUID(protocol.UUID_GLINT_SERVICE),
                    (
                        (UUID(protocol.UUID_EVENTS), _NOTIFY | closed_in),
                        (UUID(protocol.UUID_MEDIA), _NOTIFY | closed_in),
                        (UUID(protocol.UUID_PAIRING), _READ),
                    ),
                ),
                (
                    UUID(protocol.UUID_SMP_SERVICE),
                    ((UUID(protocol.UUID_SMP), _NOTIFY | closed_in),),
                ),
            )
        )
        self._ble.gatts_write(maker, b"Glint")
        self._ble.gatts_write(model, board_name.encode())
        self._ble.gatts_write(revision, firmware.encode())
        self._ble.gatts_set_buffer(self._media, 3 + 8 * protocol.LIMIT_MEDIA_RANGES)
        # Appending, so that requests that come in faster than they are read all stay.
        self._ble.gatts_set_buffer(self._smp_handle, 2 * protocol.LIMIT_SMP_BYTES, True)

    def rename(self, name):
        """Goes by this name, from the next time on that the glasses advertise."""
        self._ble.config(gap_name=name)
        self._scan_response = _advertised(0x09, name.encode()) + _advertised(
            0x07, bytes(UUID(protocol.UUID_SMP_SERVICE))
        )

    def battery(self, percent):
        """Sets the Battery Level."""
        self._ble.gatts_write(self._battery, bytes((percent,)), self._authorised)

    @property
    def peer(self):
        """The bond of the companion that is served, or None."""
        return self._peer

    @property
    def listening(self):
        """Whether a companion has asked for events."""
        return self._next_event is not None

    def listen(self, sequence):
        """Starts sending event records from `sequence` on (0: the first unread).

        Raises ValueError when the link's MTU does not fit them.
        """
        if self._mtu < MTU_LEAST_BYTES:
            raise ValueError("MTU %d; at least %d" % (self._mtu, MTU_LEAST_BYTES))
        self._next_event = max(1, min(sequence or self._journal.unread, self._journal.next))
        self._wake.set()

    async def run(self):
        """Serves requests and sends what is due, for ever."""
        while True:
            await self._wake.wait()
            self._take_news()
            while self._peer is not None:
                try:
                    if not self._send_next():
                        break
                except OSError:
                    # ENOMEM: the stack is full. ENOTCONN: news of the disconnect is on its way.
                    await asyncio.sleep_ms(FULL_WAIT_MS)
                await asyncio.sleep_ms(0)
                self._take_news()
            self._bonds.save()
            if self._peer is not None and self._peer not in self._bonds:
                self._authorised = False  # revoked, perhaps by itself: the answer is to arrive
                await asyncio.sleep_ms(DROP_AFTER_MS)
                self._drop()

    def _send_next(self):
        """Sends the one most urgent notification; False when there is none. OSError: not sent."""
        payload_bytes = self._mtu - ATT_HEADER_BYTES
        if not self._responses:
            self._serve(b"")  # requests that waited for room
        if self._responses:
            response = self._responses[0]
            self._notify(self._smp_handle, response[:payload_bytes])
            if len(response) > payload_bytes:
                self._responses[0] = response[payload_bytes:]
            else:
                self._responses.pop(0)
            return True
        if not self.listening:
            return False
        if self._next_event < self._journal.next:
            self._notify(self._events, self._journal.read(self._next_event))
            self._next_event = max(self._next_event + 1, self._journal.first)
            return True
        chunk = self._outbox.chunk(media.payload_bytes(payload_bytes))
        if chunk is None:
            return False
        self._notify(self._media, chunk)
        self._outbox.sent()
        return True

    def _notify(self, handle, data):
        self._ble.gatts_notify(self._connection, handle, data)
        self.notified += 1
        self.notified_bytes += len(data)

    def _take_news(self):
        while self._news:
            event, connection, value, data = self._news.pop(0)
            if event == _IRQ_CENTRAL_CONNECT:
                self._forget_peer()
                self._connection = connection
                self._expiry = asyncio.create_task(self._expire(protocol.LIMIT_STRANGER_MS))
            elif connection != self._connection:
                continue
            elif event == _IRQ_CENTRAL_DISCONNECT:
                self.digits.over()
                self._forget_peer()
                self._outbox.lost()
                self._advertise()
            elif event == _IRQ_PASSKEY_ACTION:
                self.digits.ask(connection, *value)
            elif event == _IRQ_ENCRYPTION_UPDATE:
                self.digits.over()
                self._peer = self._bonds.peer(connection)
                if self._peer is not None:
                    self._expiry.cancel()
                    self._bonds.save()
                elif value:
                    # Its keys may be on their way; or a stranger has none that count.
                    self._expiry.cancel()
                    self._expiry = asyncio.create_task(self._expire(PROOF_MS))
            else:
                self._receive(value, data)

    def _receive(self, handle, data):
        if handle == self._smp_handle:
            self._serve(data)
        elif handle == self._events and len(data) == 4:
            self._journal.acknowledge(struct.unpack("<I", data)[0])
        elif handle == self._media:
            self._outbox.receive(data)

    def _serve(self, data):
        room = RESPONSES_MAX - len(self._responses)
        self._responses.extend(self._smp.receive(data, room, time.ticks_ms()))
        if self._smp.waiting and self._working is None:
            self._working = asyncio.create_task(self._work())

    async def _work(self):
        while self._smp.waiting:
            self._responses.extend(await self._smp.later())
            self._wake.set()
        self._working = None

    async def _expire(self, left_ms):
        await asyncio.sleep_ms(left_ms)
        print("link: a stranger is dropped")
        self._drop()

    def _drop(self):
        self._peer = None
        self._ble.gap_disconnect(self._connection)

    def _advertise(self):
        self._ble.gap_advertise(
            ADVERTISE_INTERVAL_US, self._advertisement, resp_data=self._scan_response
        )

    def _forget_peer(self):
        self._connection = None
        self._peer = None
        if self._expiry:
            self._expiry.cancel()
        self._next_event = None
        if self._working:
            self._working.cancel()
            self._working = None
        self._responses.clear()
        self._smp.reset()

    def _irq(self, event, data):
        # Runs between any two byte codes of the tasks: it notes what happened, and they act on it.
        if event == _IRQ_GET_SECRET:
            return self._bonds.get(data[0], data[1], data[2])
        if event == _IRQ_SET_SECRET:
            done = self._bonds.set(data[0], data[1], data[2])
            self._decide(self._linked)
            self._wake.set()
            return done
        if event == _IRQ_GATTS_READ_REQUEST:
            if data[1] == self._pairing:
                self._ble.gatts_write(self._pairing, bytes((self._bonds.state,)))
            elif not self._authorised:
                return _ATT_INSUFFICIENT_AUTHORIZATION
            return 0
        if event == _IRQ_GATTS_WRITE:
            written = self._ble.gatts_read(data[1])  # also to have it out of the buffer
            # A companion that floods loses, not the glasses.
            if self._authorised and len(self._news) < NEWS_MAX:
                self._news.append((event, data[0], data[1], written))
        elif event == _IRQ_MTU_EXCHANGED:
            self._mtu = data[1]
        elif event == _IRQ_ENCRYPTION_UPDATE:
            connection, encrypted, authenticated, bonded, key_bytes = data
            bonded = bonded and self.digits.enough(authenticated)
            self._bonds.encrypted(connection, encrypted, bonded, key_bytes)
            self._authorised = self._bonds.peer(connection) is not None
            self._news.append((event, connection, bool(encrypted), None))
        elif event == _IRQ_PASSKEY_ACTION:
            self._news.append((event, data[0], (data[1], data[2]), None))
        elif event == _IRQ_CENTRAL_CONNECT:
            self._linked = data[0]
            self._authorised = False
            # The stack has addresses with their least byte first, and tells them the other way.
            self._bonds.begin(data[0], bytes([data[1]]) + bytes(reversed(bytes(data[2]))))
            self._news.append((event, data[0], None, None))
            self._decide(data[0])
        elif event == _IRQ_CENTRAL_DISCONNECT:
            self._authorised = False
            self._mtu = MTU_DEFAULT_BYTES
            self._bonds.end(data[0])
            self._news.append((event, data[0], None, None))
        self._wake.set()

    def _decide(self, connection):
        """Authorises the peer if what the stack has told since it was last asked is enough."""
        if not self._authorised and self._bonds.peer(connection) is not None:
            self._authorised = True
            self._news.append((_IRQ_ENCRYPTION_UPDATE, connection, True, None))
