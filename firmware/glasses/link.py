# SPDX-License-Identifier: Apache-2.0
"""The link: the glasses' GATT services, and the order in which data is sent over them.

Requests come in over SMP; responses go first, then events, then audio, then pictures. A peer is a
stranger until its link is encrypted with the key of a bond (see bonds.py): it reads nothing, what
it writes is dropped, nothing is sent to it, and it is not kept for long (see peers.py). Companions
are served side by side, each with its own place in the events and its own transfers.
"""

import asyncio
import errno
import struct
import time

import bluetooth
from micropython import const

from glasses import media, protocol, services
from glasses.bonds import OURS, THEIRS
from glasses.digits import Digits
from glasses.door import Door
from glasses.peers import PAIRING_QUIET_MS, QUIET_MS, Peer, Peers
from glasses.smp import RESPONSES_MAX

_IRQ_CENTRAL_CONNECT = const(1)
_IRQ_CENTRAL_DISCONNECT = const(2)
_IRQ_GATTS_WRITE = const(3)
_IRQ_GATTS_READ_REQUEST = const(4)
_IRQ_MTU_EXCHANGED = const(21)
_IRQ_CONNECTION_UPDATE = const(27)
_IRQ_ENCRYPTION_UPDATE = const(28)
_IRQ_GET_SECRET = const(29)
_IRQ_SET_SECRET = const(30)
_IRQ_PASSKEY_ACTION = const(31)

UNIT_US = 1250  # of connection intervals
# Of writes that wait to be looked at, so many bytes are kept, of all companions together; each
# counts as what was written and as what keeps it.
WRITES_BYTES_MAX = 8192
WRITE_BYTES = 64

_ATT_INSUFFICIENT_AUTHENTICATION = const(0x05)
_ATT_INSUFFICIENT_AUTHORIZATION = const(0x08)
_ATT_UNLIKELY_ERROR = const(0x0E)

MTU_BYTES = 512
ATT_HEADER_BYTES = 3
# With the stack's buffers full, as long as it may take a connection event to empty some.
FULL_WAIT_MS = 3
# How long after a link is encrypted the keys of its pairing may take, and tasks run meanwhile.
PROOF_MS = 1000
# For the last answer to a companion to leave before the link ends.
DROP_AFTER_MS = 200
# The least MTU with which an event record fits one notification.
MTU_LEAST_BYTES = protocol.LIMIT_EVENT_BYTES + ATT_HEADER_BYTES


class Link:
    """Serves companions.

    Attributes:
        notified: Notifications sent since boot.
        notified_bytes: Their payload.
        faults: Events of the stack that could not be taken; one ends `run`.
        interval_us: The connection interval that a central has last chosen; 0: none has told.
        digits: The Digits.
    """

    def __init__(self, name, board_name, firmware, journal, outbox, smp, bonds, display=None):
        self.notified = self.notified_bytes = self.faults = 0
        self.interval_us = 0
        self._fault = None
        self._journal = journal
        self._outbox = outbox
        self._smp = smp
        self._bonds = bonds
        self._peers = Peers(bonds)
        self.digits = Digits(display)
        self._compared = None  # whose digits are shown
        self._mtus = {}  # of connections: it may be told before they are
        self._asking = None  # whose request is being answered
        # Called when somebody wants the glasses to watch, or no more: with True or False.
        self.on_watch = None
        self._news = []
        # Of writes that ever came in, and of those that were looked at, each counted by one side.
        self._came_bytes = self._seen_bytes = 0
        self._wake = asyncio.ThreadSafeFlag()
        journal.on_append = outbox.on_data = self._wake.set
        self._ble = ble = bluetooth.BLE()
        self._door = Door(ble, bonds, self._peers)
        # First: switching on asks for the identity key, without which no bond outlives a restart.
        ble.irq(self._irq)
        ble.active(True)
        ble.config(mtu=MTU_BYTES)
        ble.config(bond=True, le_secure=True)
        self.digits.start(ble)
        handles = services.register(ble, board_name, firmware)
        self._battery, self._events, self._media, self._pairing, self._smp_handle = handles
        self.rename(name)

    def rename(self, name):
        """Changes the advertised name."""
        self._ble.config(gap_name=name)
        self._door.rename(name)

    def battery(self, percent):
        """Sets the Battery Level."""
        # The stack tells whoever has subscribed, strangers among them.
        may_tell = self._door.is_calm and all(peer.authorised for peer in self._peers)
        self._ble.gatts_write(self._battery, bytes((percent,)), may_tell)

    def counts(self):
        """What the statistics say of it."""
        return {
            "notified": self.notified,
            "notified_bytes": self.notified_bytes,
            "refused": self._door.refused,
            "dropped": self._door.dropped,
        }

    @property
    def peer(self):
        """The bond of the companion that made the current request, or None."""
        return self._asking.bond if self._asking else None

    @property
    def connected(self):
        """Whether anybody is connected."""
        return any(True for peer in self._peers)

    @property
    def listening(self):
        """Whether a companion has asked for events."""
        return any(peer.next_event is not None for peer in self._peers.companions)

    def listen(self, sequence):
        """Starts sending event records from `sequence` on (0: the first unread) to whoever asks.

        Raises ValueError when the link's MTU does not fit them.
        """
        peer = self._asking
        if peer is None or peer.mtu < MTU_LEAST_BYTES:
            raise ValueError("MTU %d; at least %d" % (peer.mtu if peer else 0, MTU_LEAST_BYTES))
        self._wishes_of(peer)
        peer.next_event = max(1, min(sequence or self._journal.unread, self._journal.next))
        self._wake.set()

    @property
    def watch_every_ms(self):
        """How often companions want the glasses to look, the most eager's; 0: none does."""
        wanted = [peer.watch_every_ms for peer in self._peers.companions if peer.watch_every_ms]
        return min(wanted or [0])

    def watch(self, every_ms):
        """Whoever asks wants the glasses to look so often, or with 0 no more.

        Raises ValueError when it has not asked for events.
        """
        peer = self._asking
        if peer is None or peer.next_event is None:
            raise ValueError("events have not been asked for")
        peer.watch_every_ms = every_ms
        self.on_watch(every_ms > 0)

    async def run(self):
        """Serves companions, for ever; raises what kept an event of the stack from being taken."""
        await asyncio.gather(self._serve_all(), self._door.run())

    async def _serve_all(self):
        while True:
            await self._wake.wait()
            while self._serve_each():
                await asyncio.sleep_ms(self._pause_ms)
            self._bonds.save()
            for peer in self._peers.companions:
                if peer.bond not in self._bonds:
                    # Revoked, perhaps by itself: the answer is to arrive.
                    peer.authorised = False
                    self._unbond(peer)
                    peer.stay(DROP_AFTER_MS)
                    self._door.look()

    def _serve_each(self):
        """Handles the stack's events, and sends each companion its most urgent notification."""
        self._take_news()
        self._pause_ms = 0
        sent = False
        for peer in self._peers.companions:
            try:
                sent = self._send_next(peer) or sent
            except OSError:  # full; a link is being secured; or news of its end are on their way
                sent = True
                self._pause_ms = FULL_WAIT_MS
        return sent

    def _send_next(self, peer):
        """Sends the one most urgent notification; False when there is none. OSError: not sent."""
        payload_bytes = peer.mtu - ATT_HEADER_BYTES
        if not peer.responses:
            self._answer(peer, b"")  # requests that waited for room
        if peer.responses:
            response = peer.responses[0]
            self._notify(peer, self._smp_handle, response[:payload_bytes])
            if len(response) > payload_bytes:
                peer.responses[0] = response[payload_bytes:]
            else:
                peer.responses.pop(0)
            return True
        if peer.next_event is None:
            return False
        if peer.next_event < self._journal.next:
            self._notify(peer, self._events, self._journal.read(peer.next_event))
            peer.next_event = max(peer.next_event + 1, self._journal.first)
            return True
        chunk = peer.wishes.chunk(media.payload_bytes(payload_bytes))
        if chunk is None:
            return False
        self._notify(peer, self._media, chunk)
        peer.wishes.sent()
        return True

    def _notify(self, peer, handle, data):
        if not self._door.is_calm:
            raise OSError(errno.EAGAIN)
        self._ble.gatts_notify(peer.connection, handle, data)
        self.notified += 1
        self.notified_bytes += len(data)

    def _take_news(self):
        if self._fault is not None:
            raise self._fault
        while self._news:
            event, peer, value, data = self._news.pop(0)
            if event == _IRQ_PASSKEY_ACTION:
                self._compared = peer
                self.digits.ask(peer.connection, *value)
                continue
            if event != _IRQ_GATTS_WRITE and peer is self._compared:
                self._compared = None
                self.digits.over()
            if event == _IRQ_CENTRAL_DISCONNECT:
                self._forget(peer)
            elif event == _IRQ_ENCRYPTION_UPDATE:
                bond = self._bonds.peer(peer.connection)
                if bond is not None:
                    peer.bond = bond
                    self._peers.welcome(peer)
                    self._bonds.save()
                elif value and not peer.leaving:
                    # Its keys may be on their way; or a stranger has none that count.
                    self._unbond(peer)
                    peer.stay(PROOF_MS)
                    peer.secure(PROOF_MS)
            elif event == _IRQ_GATTS_WRITE:
                self._seen_bytes += WRITE_BYTES + len(data)
                if peer.bond is not None:
                    self._receive(peer, value, data)

    def _receive(self, peer, handle, data):
        if handle == self._smp_handle:
            self._answer(peer, data)
        elif handle == self._events and len(data) == 4:
            peer.acknowledged = struct.unpack("<I", data)[0]
            listening = [p for p in self._peers.companions if p.next_event is not None]
            self._journal.acknowledge(min(p.acknowledged for p in listening or [peer]))
        elif handle == self._media:
            self._wishes_of(peer).receive(data)

    def _wishes_of(self, peer):
        if peer.wishes is None:
            peer.wishes = self._outbox.begin()
        return peer.wishes

    def _answer(self, peer, data):
        self._asking = peer
        room = RESPONSES_MAX - len(peer.responses)
        peer.responses.extend(peer.requests.receive(data, room, time.ticks_ms()))
        self._asking = None
        if peer.requests.waiting and peer.working is None:
            peer.working = asyncio.create_task(self._work(peer))

    async def _work(self, peer):
        while peer.requests.waiting:
            peer.responses.extend(await peer.requests.later())
            self._answer(peer, b"")
            self._wake.set()
        peer.working = None

    def _unbond(self, peer):
        peer.bond = None
        if peer.watch_every_ms:
            peer.watch_every_ms = 0
            self.on_watch(False)

    def _forget(self, peer):
        self._unbond(peer)
        peer.next_event = None
        if peer.working:
            peer.working.cancel()
        if peer.wishes:
            self._outbox.end_wishes(peer.wishes)

    # What the stack tells, between any two byte codes of the tasks: they act on it.

    def _irq(self, event, data):
        try:
            return self._on_event(event, data)
        except Exception as error:
            # One that gets out has the stack tell nothing ever again: `run` ends with it instead.
            self.faults += 1
            self._fault = error
            self._wake.set()
        if event == _IRQ_SET_SECRET:
            return data[2] is not None  # as bonds.set
        return _ATT_UNLIKELY_ERROR if event == _IRQ_GATTS_READ_REQUEST else None

    def _on_event(self, event, data):
        if event == _IRQ_GET_SECRET:
            kind, index, key = data
            secret = self._bonds.get(kind, index, key)
            if kind in (OURS, THEIRS) and key is not None:
                pairs = kind == THEIRS and self._bonds.window.is_open
                self._peers.secure(bytes(key), PAIRING_QUIET_MS if pairs else QUIET_MS)
            return secret
        if event == _IRQ_SET_SECRET:
            done = self._bonds.set(data[0], data[1], data[2])
            if data[2] is not None:
                # To give a peer's identity key to the controller, NimBLE stops advertising
                # (a2acac3, ble_store.c:241, ble_gap.c:7143), and MicroPython tells nobody.
                self._door.stopped()
            for peer in self._peers:
                self._decide(peer)
            return done
        if event == _IRQ_CENTRAL_CONNECT:
            # Bonds go by addresses as the stack has them: the least byte first.
            key = bytes([data[1]]) + bytes(reversed(bytes(data[2])))
            peer = Peer(data[0], key, self._smp.begin())
            peer.mtu = self._mtus.get(data[0], peer.mtu)
            self._bonds.begin(data[0], key)
            self._decide(peer)
            self._door.came(peer)
            return None
        peer = self._peers.find(data[0])
        if event == _IRQ_GATTS_READ_REQUEST:
            if data[1] == self._pairing:
                self._ble.gatts_write(self._pairing, bytes((self._bonds.state,)))
            elif peer is None or not peer.encrypted:
                return _ATT_INSUFFICIENT_AUTHENTICATION  # a system that is told so pairs
            elif not peer.authorised:
                return _ATT_INSUFFICIENT_AUTHORIZATION
            return 0
        if event == _IRQ_GATTS_WRITE:
            written = self._ble.gatts_read(data[1])  # also to have it out of the buffer
            # The excess of a companion that floods is dropped.
            came_bytes = self._came_bytes + WRITE_BYTES + len(written)
            fits = came_bytes - self._seen_bytes <= WRITES_BYTES_MAX
            if peer is not None and peer.authorised and fits:
                self._came_bytes = came_bytes
                self._tell(event, peer, data[1], written)
        elif event == _IRQ_MTU_EXCHANGED:
            self._mtus[data[0]] = data[1]
            if peer is not None:
                peer.mtu = data[1]
        elif event == _IRQ_ENCRYPTION_UPDATE:
            connection, encrypted, authenticated, bonded, key_bytes = data
            bonded = bonded and self.digits.enough(authenticated)
            self._bonds.encrypted(connection, encrypted, bonded, key_bytes)
            if peer is not None:
                peer.encrypted = bool(encrypted)
                peer.authorised = self._bonds.peer(connection) is not None
                if peer.authorised or not encrypted:
                    peer.settle()
                self._tell(event, peer, bool(encrypted))
        elif event == _IRQ_CONNECTION_UPDATE:
            self.interval_us = data[1] * UNIT_US
        elif event == _IRQ_PASSKEY_ACTION and peer is not None:
            number = self.digits.choose(*data)
            self._tell(event, peer, (data[1], number))
        elif event == _IRQ_CENTRAL_DISCONNECT:
            self._mtus.pop(data[0], None)
            self._bonds.end(data[0])
            if self._peers.leave(data[0]) is not None:
                peer.authorised = False
                self._tell(event, peer)
            self._door.went()
        return None

    def _tell(self, event, peer, value=None, data=None):
        self._news.append((event, peer, value, data))
        self._wake.set()

    def _decide(self, peer):
        """Authorises the peer if what the stack has told since it was last asked is enough."""
        if not peer.authorised and self._bonds.peer(peer.connection) is not None:
            peer.authorised = peer.encrypted = True
            peer.settle()
            self._tell(_IRQ_ENCRYPTION_UPDATE, peer, True)
