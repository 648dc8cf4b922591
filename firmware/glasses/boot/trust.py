# SPDX-License-Identifier: Apache-2.0
"""Decides whose updates are accepted: trusted keys, the security counter, and closing.

The keys begin as those of `keys.py`. An update may bring changes in its signed TLVs; they count
once it is confirmed, so that what is reverted has changed nothing. None can retire the key that it
is signed with: there always is a key that is trusted, and what runs can be verified at each start.
What is retired is so for good: an older image cannot bring it back.
"""

import json
from binascii import unhexlify

from glasses import protocol, storage
from glasses.boot import keys
from glasses.boot.image import MODULUS_BYTES, ImageError, hex_name, key_hash_of

FILE = "/trust.json"
COPY = "/trust.copy"


class Trust:
    """What is stored about trust in the folder `flash`, with what the Slots have confirmed.

    A file and its copy are written whole, one after the other, so that one is good whatever happens
    to power or to the other. If both are unreadable, nothing is trusted.

    Attributes:
        counter: The security counter: images with a lower one are refused.
        closed: Whether the development key is refused, for good.
        damaged: Whether both files are unreadable.
    """

    def __init__(self, flash, stored):
        self.counter = 0
        self.closed = False
        self.damaged = False
        self._paths = flash + FILE, flash + COPY
        self._added = {}  # SHA-256 of a public key -> (name, modulus)
        self._retired = set()  # SHA-256 of public keys
        self._applied = ""  # the image, by its hash in hex, whose changes are in
        self._dirty = False
        self._load()
        self.settle(stored)
        try:
            self.save()
        except OSError as error:
            print("trust: not written:", error)

    def find(self, key_hash):
        """(name, modulus) of a key that is trusted, or None."""
        if self.damaged or key_hash in self._retired:
            return None
        if self.closed and key_hash == keys.DEVELOPMENT:
            return None
        return self._added.get(key_hash) or keys.TRUSTED.get(key_hash)

    def trusted(self):
        """[(key hash, name), ...] of the keys that are trusted."""
        found = []
        for known in (keys.TRUSTED, self._added):
            for key_hash in known:
                if self.find(key_hash) and (known is self._added or key_hash not in self._added):
                    found.append((key_hash, known[key_hash][0]))
        return found

    def check(self, image):
        """The modulus with which `image` has to be verified. Raises ImageError to refuse it."""
        if self.damaged:
            _refuse(
                "cannot be verified: the trusted keys are damaged; erase the glasses over a cable"
            )
        key = self.find(image.key_hash)
        if key is None:
            why = "is signed with a key that is not trusted"
            if image.key_hash == keys.DEVELOPMENT:
                why = "is signed with the development key, which is not trusted"
            _refuse(why)
        if image.counter < self.counter:
            _refuse("has security counter %d; at least %d" % (image.counter, self.counter))
        changes = image.trust
        if image.key_hash in changes.retire:
            _refuse("retires the key that it is signed with")
        if changes.close and image.key_hash == keys.DEVELOPMENT:
            _refuse("closes the glasses and is signed with the development key")
        retired = self._retired.union(changes.retire)
        if retired.intersection(changes.add):
            _refuse("adds a key that is retired")
        if len(retired) > protocol.LIMIT_RETIRED_KEYS:
            _refuse("makes more than %d keys retired" % protocol.LIMIT_RETIRED_KEYS)
        trusted = {key_hash for key_hash, _ in self.trusted()}.union(changes.add)
        if len(trusted.difference(retired)) > protocol.LIMIT_TRUSTED_KEYS:
            _refuse("makes more than %d keys trusted" % protocol.LIMIT_TRUSTED_KEYS)
        return key[1]

    def settle(self, stored):
        """Applies the changes of the confirmed image, unless that has been done.

        They are in force at once; `save` writes them.
        """
        name = stored.state["confirmed"]
        if self.damaged or not name or name == self._applied:
            return
        index = stored.find(name)
        if index is None:
            return
        image = stored.image(index)
        self.counter = max(self.counter, image.counter)
        self._added.update(image.trust.add)
        for key_hash in image.trust.retire:
            self._added.pop(key_hash, None)
            self._retired.add(key_hash)
        self.closed = self.closed or image.trust.close
        self._applied = name
        self._dirty = True

    def save(self):
        """Writes what has changed. Raises OSError when the flash does not take it."""
        if self._dirty:
            text = json.dumps(
                {
                    "added": [[name, "%x" % n] for name, n in self._added.values()],
                    "retired": [hex_name(key_hash) for key_hash in self._retired],
                    "closed": self.closed,
                    "counter": self.counter,
                    "applied": self._applied,
                }
            )
            for path in self._paths:
                storage.secure(path, text)
            self._dirty = False

    def _load(self):
        found = [self._read(path) for path in self._paths]
        whole = [contents for contents in found if contents]
        if not whole:
            # None at all: nothing has changed what keys.py says.
            self.damaged = any(contents == () for contents in found)
            return
        self._added, self._retired, self.closed, self.counter, self._applied = whole[0]
        self._dirty = found[0] != found[1]

    @staticmethod
    def _read(path):
        """What a file holds; None when there is none, () when it cannot be read."""
        try:
            with open(path) as file:
                stored = json.load(file)
            added = {}
            for name, digits in stored["added"]:
                modulus = int(digits, 16)
                added[key_hash_of(modulus.to_bytes(MODULUS_BYTES, "big"))] = (name + "", modulus)
            retired = {unhexlify(digits) for digits in stored["retired"]}
            closed, counter, applied = (stored[key] for key in ("closed", "counter", "applied"))
            if not isinstance(closed, bool) or not isinstance(counter, int) or counter < 0:
                return ()
            return added, retired, closed, counter, applied + ""
        except OSError:
            return None if storage.size(path) == 0 else ()
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            return ()


def _refuse(why):
    raise ImageError("the image " + why, protocol.IMAGE_RC_INVALID_TLV)
