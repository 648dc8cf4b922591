# SPDX-License-Identifier: Apache-2.0
"""The keys of paired companions, as the Bluetooth stack hands them over."""

import json
import os
from binascii import a2b_base64, b2a_base64


class Bonds:
    """(kind, key) -> secret, in a file that is replaced as a whole."""

    def __init__(self, path):
        self._path = path
        self._dirty = False
        self._secrets = {}
        try:
            with open(path) as file:
                for kind, key, secret in json.load(file):
                    self._secrets[(kind, a2b_base64(key))] = a2b_base64(secret)
        except (OSError, ValueError):
            pass  # none yet, or unreadable: companions have to pair again

    def get(self, kind, index, key):
        """The secret for `key`, or the `index`-th of `kind` when the key is None; or None."""
        if key is not None:
            return self._secrets.get((kind, bytes(key)))
        for stored_kind, stored_key in self._secrets:
            if stored_kind == kind:
                if index == 0:
                    return self._secrets[(stored_kind, stored_key)]
                index -= 1
        return None

    def set(self, kind, key, secret):
        """Keeps a secret, or removes it when it is None; `save` writes it down."""
        if secret is None:
            self._secrets.pop((kind, bytes(key)), None)
        else:
            self._secrets[(kind, bytes(key))] = bytes(secret)
        self._dirty = True

    def save(self):
        """Writes the file if anything changed."""
        if not self._dirty:
            return
        self._dirty = False
        secrets = dict(self._secrets)  # the stack may set one between any two byte codes
        rows = [
            (kind, b2a_base64(key).decode().strip(), b2a_base64(secret).decode().strip())
            for (kind, key), secret in secrets.items()
        ]
        with open(self._path + ".new", "w") as file:
            json.dump(rows, file)
        os.rename(self._path + ".new", self._path)
