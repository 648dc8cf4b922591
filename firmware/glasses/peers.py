# SPDX-License-Identifier: Apache-2.0
"""Connected peers: companions, and strangers, which must not lock companions out.

A peer is a stranger until it has proved to have a bond. While new companions may pair, strangers
are given some time, less each time that they come back, and never the last place; while none may,
they are given none. A known identity may stay for as long as it takes to encrypt the link. So a
companion always finds a place.

The identity is what the stack has resolved the address to. One that it could not resolve is a
stranger's: NimBLE looks for the key of a link by that same identity (ble_sm.c:1483 of a2acac3), and
would not find it later either.

While a link is being secured, no task may call what waits for the lock of the stack's host (see
door.py): the link is quiet then.
"""

import time
from asyncio import core

from glasses import protocol

MTU_DEFAULT_BYTES = 23
# For how long it is quiet at most, from when a link begins or begins to be encrypted, and from when
# its peer begins to pair, which people may have a say in.
QUIET_MS = 2500
PAIRING_QUIET_MS = 10000
# A companion that fails to encrypt its link has at least this, however often it comes back.
ENCRYPT_LEAST_MS = 1000
# While a companion may pair, the time of those who come back is halved so often at most: one that
# tried before the button was held, and a host that looks at all there is first, need it.
PAIRING_HALVES = 2
# Identities that came back without proof, and how often; so many are remembered.
RETURNS_MAX = 16
RETURNS_MOST = 8


class Peer:
    """One connection.

    Attributes:
        key: The identity, as bonds have it, as far as the stack knows.
        mtu: Of its ATT.
        bond: The companion's, once it has proved to have one; a task sets it.
        authorised: The same, at once: the stack's events set it.
        encrypted: Whether its link is.
        leaving: The stack has been told to end the link.
        since_ms: When its time began, in ticks,
        left_ms: and how long that is, for a stranger.
        next_event: The next record that it is due; None when it has not asked for events.
        acknowledged: Records that it has, up to this one.
        responses: To its requests, not yet sent.
        requests: Its smp.Conversation.
        wishes: Its Wishes, once it has asked for events or media.
        working: The task that waits for an answer that takes its time.
        watch_every_ms: How often it wants the glasses to look; 0: it does not.
    """

    def __init__(self, connection, key, requests):
        self.connection = connection
        self.key = key
        self.requests = requests
        self.mtu = MTU_DEFAULT_BYTES
        self.bond = None
        self.authorised = False
        self.encrypted = False
        self.leaving = False
        self.since_ms = 0
        self.left_ms = 0
        self.next_event = None
        self.acknowledged = 0
        self.responses = []
        self.wishes = None
        self.working = None
        self.watch_every_ms = 0
        self._busy_ms = 0
        self._quiet_ms = 0

    def secure(self, quiet_ms):
        """Its link is about to be secured, for as long as that, or as it may stay."""
        self._busy_ms = core.ticks()
        if not self.authorised:
            left_ms = self.left_ms - time.ticks_diff(self._busy_ms, self.since_ms)
            quiet_ms = max(0, min(quiet_ms, left_ms))
        self._quiet_ms = quiet_ms

    def settle(self):
        """Its link is secured, or will not be."""
        self._quiet_ms = 0

    @property
    def is_busy(self):
        """Whether its link is being secured."""
        if not self._quiet_ms:
            return False
        return time.ticks_diff(core.ticks(), self._busy_ms) < self._quiet_ms

    def stay(self, left_ms):
        """Limits its time from now on."""
        self.since_ms = core.ticks()
        self.left_ms = left_ms

    @property
    def is_overdue(self):
        """Whether its time is up."""
        if self.authorised or self.leaving:
            return False
        return time.ticks_diff(core.ticks(), self.since_ms) >= self.left_ms


class Peers:
    """All that are connected. The stack's events call `enter`, `leave` and `secure`."""

    def __init__(self, bonds):
        self._bonds = bonds
        self._peers = {}  # connection -> Peer
        self._returns = []  # [identity, times]

    def __iter__(self):
        return iter(list(self._peers.values()))

    def find(self, connection):
        """The peer at the other end of a connection, or None."""
        return self._peers.get(connection)

    @property
    def companions(self):
        """Those that have proved to have a bond."""
        return [peer for peer in self._peers.values() if peer.bond is not None]

    @property
    def has_room(self):
        """Whether one more may come."""
        return sum(1 for peer in self._peers.values() if not peer.leaving) < protocol.LIMIT_LINKS

    @property
    def are_quiet(self):
        """Whether nothing may be called that waits for the stack's lock."""
        return any(peer.is_busy for peer in self._peers.values())

    def enter(self, peer):
        """A link begins: how long its peer may stay is decided here."""
        others = [other for other in self._peers.values() if not other.leaving]
        is_last = len(others) + 1 >= protocol.LIMIT_LINKS
        is_known = self._bonds.knows(peer.key)
        times = self._times(peer.key)
        left_ms = 0
        if is_known and is_last:
            self._make_room(others)
        if is_last and not is_known:
            pass
        elif self._bonds.state == protocol.PAIRING_OPEN:
            # Also for who is known, and may have lost its bond.
            left_ms = protocol.LIMIT_STRANGER_MS >> min(times, PAIRING_HALVES)
        elif is_known:
            left_ms = max(ENCRYPT_LEAST_MS, protocol.LIMIT_ENCRYPT_MS >> times)
        peer.stay(left_ms)
        if not peer.authorised:
            peer.secure(QUIET_MS)
        self._peers[peer.connection] = peer

    def close_to(self, peer):
        """New companions may pair no more: a stranger that is still here has had its time."""
        if peer.bond is None and not peer.encrypted and not self._bonds.knows(peer.key):
            peer.left_ms = 0

    def _make_room(self, others):
        strangers = [p for p in others if not p.authorised and not self._bonds.knows(p.key)]
        if strangers:
            strangers[0].left_ms = 0

    def leave(self, connection):
        """A link has ended; returns whose it was, or None."""
        peer = self._peers.pop(connection, None)
        if peer is not None and not peer.authorised:
            self._came_back(peer.key)
        return peer

    def secure(self, key, quiet_ms):
        """The stack asks for a secret of this identity: its link is about to be secured."""
        for peer in self._peers.values():
            if peer.key == key and not peer.leaving:
                peer.secure(quiet_ms)

    def welcome(self, peer):
        """It has proved to be a companion: what it failed to prove before is forgotten."""
        self._returns = [row for row in self._returns if row[0] != peer.key]

    def _times(self, key):
        for identity, times in self._returns:
            if identity == key:
                return times
        return 0

    def _came_back(self, key):
        times = min(self._times(key) + 1, RETURNS_MOST)
        rows = [row for row in self._returns if row[0] != key]
        self._returns = rows[-(RETURNS_MAX - 1) :] + [(key, times)]
