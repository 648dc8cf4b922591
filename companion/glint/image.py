# SPDX-License-Identifier: Apache-2.0
"""Reads what an update image says of itself; the glasses verify it."""

import hashlib
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cbor2

from glint import protocol
from glint.errors import UpdateError

# MCUboot's design.md, "image format": magic, load address, header and protected TLV sizes, payload
# size, flags, version, padding.
_HEADER = struct.Struct("<IIHHIIBBHII")
_MAGIC = 0x96F3B83D
_TLV_KEY_HASH = 0x01
_TLV_SHA256 = 0x10
_TLV_SECURITY_COUNTER = 0x50


@dataclass(frozen=True)
class Image:
    """An update image.

    Attributes:
        data: All of it.
        version: Its version, with a build number only where there is one.
        board: The board that it is for; empty if it does not say.
        hash: SHA-256 of what is signed, which identifies the image.
        key_hash: Hash of the public key that it is signed with; empty if it does not say.
        counter: Its security counter; 0 if it has none.
        trust: Its changes to the keys that the glasses trust, as SPEC.md describes them.
        digest: SHA-256 of all of it.
    """

    data: bytes
    version: str
    board: str
    hash: bytes
    key_hash: bytes = b""
    counter: int = 0
    trust: dict[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the whole file."""
        return hashlib.sha256(self.data).digest()


def _tlvs(data: bytes, at: int) -> dict[int, bytes]:
    _, size = struct.unpack_from("<HH", data, at)
    end, found = at + size, {}
    at += 4
    while at < end:
        kind, length = struct.unpack_from("<HH", data, at)
        found[kind] = data[at + 4 : at + 4 + length]
        at += 4 + length
    return found


def parse(data: bytes) -> Image:
    """Reads an update image.

    Raises:
        UpdateError: It is no update image.
    """
    try:
        fields = _HEADER.unpack_from(data)
        header_bytes, protected_bytes, payload_bytes = fields[2], fields[3], fields[4]
        end = header_bytes + payload_bytes
        protected = _tlvs(data, end) if protected_bytes else {}
        tlvs = _tlvs(data, end + protected_bytes)
        counter = protected.get(_TLV_SECURITY_COUNTER, bytes(4))
        trust: dict[str, Any] = cbor2.loads(protected.get(protocol.IMAGE_TLV_TRUST, b"\xa0"))
    except (struct.error, cbor2.CBORDecodeError):
        fields, protected, tlvs, counter, trust = (), {}, {}, b"", {}
    if not fields or fields[0] != _MAGIC or _TLV_SHA256 not in tlvs:
        raise UpdateError("This is no update image: make one with 'glint image build'.")
    version = fields[6:10] if fields[9] else fields[6:9]
    return Image(
        data=data,
        version=".".join(map(str, version)),
        board=protected.get(protocol.IMAGE_TLV_BOARD, b"").decode(errors="replace"),
        hash=tlvs[_TLV_SHA256],
        key_hash=tlvs.get(_TLV_KEY_HASH, b""),
        counter=int.from_bytes(counter, "little"),
        trust=trust,
    )


def load(path: Path) -> Image:
    """Reads an update image from a file.

    Raises:
        UpdateError: It cannot be read, or is no update image.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UpdateError(f"Cannot read {path}: {error.strerror}.") from None
    return parse(data)
