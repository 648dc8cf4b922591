# SPDX-License-Identifier: Apache-2.0
"""Keeps the bonds of known companions, and decides when new ones may pair.

The Bluetooth stack asks for keys and hands over new ones, whoever pairs; this module decides which
are kept. A pairing counts once its link is encrypted: until then, and outside the pairing window,
its keys stay in memory, and a bond that the stack deletes because of it is only hidden.

Some stacks report a link's encryption before they hand over its new keys, others after: this module
combines both, whichever comes first.

What the stack calls (`begin`, `end`, `get`, `set`, `encrypted`, `peer`) runs between any two
bytecodes of the tasks; the file is written by a task, in `save`.
"""

import asyncio
import json
from binascii import a2b_base64, b2a_base64, hexlify

from glasses import storage
from glasses.protocol import (
    LIMIT_BOND_NAME_BYTES,
    LIMIT_BONDS,
    LIMIT_NEW_WINDOW_MS,
    PAIRING_CLOSED,
    PAIRING_FULL,
    PAIRING_OPEN,
)
from glasses.window import Window

# BLE_STORE_OBJ_TYPE_* of NimBLE's ble_store.h: the key that we gave, and the one that we got.
OURS, THEIRS = 1, 2
KEY_BYTES = 16
# Of NimBLE's struct ble_store_value_sec: where the bit "made by LE Secure Connections" is, by the
# size that the struct has, in Apache's NimBLE and in Espressif's with bond and sign counters.
_SECURE_AT = {80: (74, 4), 88: (80, 2)}


# What the flash did not store is tried again.
SAVE_AGAIN_MS = 10000


class Bond:
    """One companion's keys.

    Attributes:
        id: Identifies it in requests; it is never reused.
        name: The companion's name.
        key: The peer's identity, as the stack has it: address type, address (little endian).
    """

    def __init__(self, id, name, key, ours, theirs):
        self.id = id
        self.name = name
        self.key = key
        self.secrets = {OURS: ours, THEIRS: theirs}

    def check(self):
        """Raises ValueError or TypeError for a row that cannot be a bond."""
        secrets = [len(secret) for secret in self.secrets.values()]
        if self.id < 1 or len(self.name.encode()) > LIMIT_BOND_NAME_BYTES:
            raise ValueError("id or name")
        if len(self.key) != 7 or any(size not in _SECURE_AT for size in secrets):
            raise ValueError("keys")

    @property
    def address(self):
        return hexlify(bytes(reversed(self.key[1:])), ":").decode().upper()


class _Link:
    """The security state of one connection.

    Attributes:
        key: The identity of its peer, as the stack says.
        proven: Whether it is encrypted with a long enough key of any bond.
        used: The bond whose key the stack asked for to encrypt it.
        hidden: Kinds of that peer's secrets which the stack has deleted, as far as it knows.
        paired_as: The identity under which the peer has paired in this connection, or None.
        paired: The keys of that pairing.
    """

    def __init__(self):
        self.key = None
        self.proven = False
        self.used = None
        self.hidden = set()
        self.paired_as = None
        self.paired = {}


class Bonds:
    """At most LIMIT_BONDS bonds, in a file that is replaced as a whole.

    Attributes:
        window: The pairing window. Of new glasses, which have never had a bond, it is open for
            some minutes from their start; of all others, a companion or the button opens it.
        damaged: Whether the file could not be read; then there are no bonds.
    """

    def __init__(self, path):
        self._path = path
        self._dirty = False
        self._own = {}  # (kind, key) -> secret: the identity of the glasses
        self._bonds = []
        self._next_id = 1
        self._new = storage.missing(path)
        self.damaged = False
        if not self._new:
            try:
                self._load()
            except Exception as error:  # It may be cut short, or hold anything.
                print("bonds: cannot be read:", error)
                self.damaged = self._dirty = True
        self.window = Window()
        if self._new:
            self.window.open(LIMIT_NEW_WINDOW_MS)
        self._links = {}  # connection -> _Link
        # Newer stacks may tell of a connection after what happens in it.
        self._early = {}
        self._asked = None  # whose key was asked for, when no link is known that wants it
        self._pairing = None  # the connection whose keys are still to come
        self._loose = None  # (identity, {kind: key}) of a pairing whose link is not known yet

    def __iter__(self):
        return iter(self._bonds)

    @property
    def state(self):
        """The value of the pairing characteristic."""
        if not self.window.is_open:
            return PAIRING_CLOSED
        return PAIRING_OPEN if len(self._bonds) < LIMIT_BONDS else PAIRING_FULL

    def find(self, id):
        """The bond with this id, or None."""
        for bond in self._bonds:
            if bond.id == id:
                return bond
        return None

    def knows(self, key):
        """Whether there is a bond with this identity."""
        return self._with_key(key) is not None

    def remove(self, bond):
        """Revokes a bond; from now on its companion is a stranger."""
        self._bonds.remove(bond)
        self._dirty = True

    def rename(self, bond, name):
        bond.name = name
        self._dirty = True

    # Requests from the stack, which names the key, but not the link.

    def begin(self, connection, key):
        """A link begins, with a peer whose identity is `key` as far as the stack knows."""
        self._links[connection] = link = self._early.pop(connection, None) or _Link()
        link.key = key
        if self._asked == key:
            link.used = self._with_key(key)
        self._asked = None

    def end(self, connection):
        """A link has ended: what was only in memory is forgotten."""
        self._links.pop(connection, None)
        self._early.pop(connection, None)
        self._loose = self._asked = None

    def get(self, kind, index, key):
        """The secret for `key`, or the `index`-th of `kind` when the key is None; or None."""
        if key is None:
            # NimBLE asks at its start, to resolve its peers' private addresses.
            bonds = self._bonds if kind == THEIRS else ()
            return bonds[index].secrets[kind] if index < len(bonds) else None
        key = bytes(key)
        if kind not in (OURS, THEIRS):
            return self._own.get((kind, key))
        bond = self._with_key(key)
        own, paired = self._links_of(key)
        if kind == OURS and bond and own and kind not in own.hidden:
            own.used = bond  # the link is about to be encrypted with it
        elif paired and kind in paired.paired:
            return paired.paired[kind]
        elif bond is None or any(link and kind in link.hidden for link in (own, paired)):
            return None
        elif kind == OURS and not paired:
            self._asked = key  # its link is told later
        return bond.secrets[kind]

    def set(self, kind, key, secret):
        """Stores a secret, or hides it when `secret` is None; returns what to answer the stack.

        That is True for every secret: after False, NimBLE deletes its oldest bond. It is False for
        deleting what is not there, or NimBLE deletes for ever.
        """
        key = bytes(key)
        if kind not in (OURS, THEIRS):
            self._own[(kind, key)] = bytes(secret)
            self._dirty = True
            return True
        if secret is not None:
            self._take(kind, key, bytes(secret))
            return True
        own, paired = self._links_of(key)
        link = paired or own
        if link is not None and kind in link.paired:
            del link.paired[kind]
        elif link is not None and self._with_key(key) and kind not in link.hidden:
            link.hidden.add(kind)
        else:
            return False
        return True

    def _take(self, kind, key, secret):
        """Keys of a pairing, whose link's encryption was told just before or will be just after."""
        link = self._links.get(self._pairing) or self._early.get(self._pairing)
        if link is None:
            if self._loose is None or self._loose[0] != key:
                self._loose = key, {}
            self._loose[1][kind] = secret
            return
        if key != link.paired_as:
            link.paired_as, link.paired = key, {}
        link.paired[kind] = secret
        if len(link.paired) == 2:
            self._pairing = None

    def encrypted(self, connection, is_encrypted, is_bonded, key_bytes):
        """Handles the stack's report of a link's encryption."""
        link = self._links.get(connection)
        if link is None:
            link = self._early[connection] = _Link()
        link.proven = bool(is_encrypted and is_bonded and key_bytes == KEY_BYTES)
        loose, self._loose = self._loose, None
        self._pairing = None
        if not is_encrypted:
            link.used = None
        elif loose is not None:
            link.paired_as, link.paired = loose
        else:
            self._pairing = connection  # if it has paired, its keys are handed over next

    def peer(self, connection):
        """Returns the bond that a link's peer has proved to have so far, or None.

        A peer that has paired in this connection has it when the pairing window was open, there was
        room, and the keys came from LE Secure Connections; any other when its link was encrypted
        with a key that is kept.
        """
        link = self._links.get(connection)
        if link is None or not link.proven:
            return None
        if link.paired_as is not None:
            return self._complete(link)
        return link.used if not link.hidden and link.used in self._bonds else None

    def _links_of(self, key):
        """The link with that peer, and the one whose peer has paired under that identity."""
        own = paired = None
        for link in self._links.values():
            if link.paired_as == key:
                paired = link
            elif link.key == key and link.paired_as is None:
                own = link
        return own, paired

    def _with_key(self, key):
        for bond in self._bonds:
            if bond.key == key:
                return bond
        return None

    def _complete(self, link):
        key, paired = link.paired_as, link.paired
        old = self._with_key(key)
        if not self.window.is_open or (old is None and len(self._bonds) >= LIMIT_BONDS):
            return None
        if len(paired) < 2 or not all(_is_secure(secret) for secret in paired.values()):
            return None
        if old is None:
            bond = Bond(self._next_id, "", key, paired[OURS], paired[THEIRS])
            self._next_id += 1
            self._bonds.append(bond)
        else:
            bond = old
            bond.secrets = paired
        self.window.is_open = False  # one companion for each time that it is opened
        self._new = False
        self._dirty = True
        link.key = key
        link.paired_as, link.paired = None, {}
        link.hidden.clear()
        link.used = bond
        return bond

    # The file.

    def _load(self):
        with open(self._path) as file:
            stored = json.load(file)
        own = {(kind, a2b_base64(key)): a2b_base64(secret) for kind, key, secret in stored["own"]}
        bonds = [
            Bond(row["id"], row["name"], *(a2b_base64(row[f]) for f in ("key", "ours", "theirs")))
            for row in stored["bonds"]
        ]
        for bond in bonds:
            bond.check()
        next_id, new = stored["next_id"], stored.get("new", False)
        if len({bond.id for bond in bonds} | {next_id}) <= len(bonds) or len(bonds) > LIMIT_BONDS:
            raise ValueError("ids")
        self._own, self._bonds, self._next_id, self._new = own, bonds, next_id, new is True

    async def run(self):
        """Retries, until cancelled, to write what the flash did not store."""
        while True:
            await asyncio.sleep_ms(SAVE_AGAIN_MS)
            self.save()

    def save(self):
        """Writes the file if anything changed; returns False if the flash does not store it."""
        if not self._dirty:
            return True
        self._dirty = False
        own = [(kind, _text(key), _text(secret)) for (kind, key), secret in self._own.items()]
        rows = [
            {
                "id": bond.id,
                "name": bond.name,
                "key": _text(bond.key),
                "ours": _text(bond.secrets[OURS]),
                "theirs": _text(bond.secrets[THEIRS]),
            }
            for bond in self._bonds
        ]
        stored = {"own": own, "bonds": rows, "next_id": self._next_id, "new": self._new}
        try:
            storage.secure(self._path, json.dumps(stored))
        except OSError as error:
            self._dirty = True
            print("bonds: not written:", error)
        return not self._dirty


def _text(data):
    return b2a_base64(data).decode().strip()


def _is_secure(secret):
    at, bit = _SECURE_AT.get(len(secret), (0, 0))
    if not bit:
        print("bonds: keys of %d bytes are not known to be secure" % len(secret))
    return bool(secret[at] & bit)
