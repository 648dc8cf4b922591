# SPDX-License-Identifier: Apache-2.0
"""Update images: MCUboot's format, read with every offset checked, and its signature verified.

Of what MCUboot knows, one way is accepted: SHA-256, RSA-2048 PSS, no encryption, no compression.
SPEC.md lists the bytes.
"""

import hashlib
import struct
from binascii import hexlify, unhexlify

from glasses import cbor
from glasses.protocol import (
    IMAGE_HEADER_BYTES,
    IMAGE_RC_IMAGE_TOO_LARGE,
    IMAGE_RC_INVALID_HASH,
    IMAGE_RC_INVALID_HEADER,
    IMAGE_RC_INVALID_MAGIC,
    IMAGE_RC_INVALID_TLV,
    IMAGE_RC_NO_TLVS,
    IMAGE_RC_OTHER_BOARD,
    IMAGE_RC_TLV_INVALID_SIZE,
    IMAGE_TLV_BOARD,
    IMAGE_TLV_TRUST,
    LIMIT_IMAGE_BYTES,
    LIMIT_IMAGE_TLV_BYTES,
    LIMIT_KEY_NAME_BYTES,
)

BLOCK_BYTES = 1024
# MCUboot's design.md, "image format", and imgtool's TLV_VALUES.
_HEADER = "<IIHHIIBBHII"
_MAGIC = b"\x3d\xb8\xf3\x96"
_TLV_MAGIC = 0x6907
_TLV_PROTECTED_MAGIC = 0x6908
_TLV_HEADER_BYTES = 4
_KEYHASH = 0x01
_SHA256 = 0x10
_RSA2048_PSS = 0x20
_DEPENDENCY = 0x40
_SECURITY_COUNTER = 0x50
_OTHER_KINDS = {
    0x02: "carries a whole public key, not its hash",
    0x11: "is hashed with SHA-384, not SHA-256",
    0x12: "is hashed with SHA-512, not SHA-256",
    0x21: "is signed with ECDSA-P224, not RSA-2048",
    0x22: "is signed with ECDSA, not RSA-2048",
    0x23: "is signed with RSA-3072, not RSA-2048",
    0x24: "is signed with Ed25519, not RSA-2048",
    0x25: "is signed without a hash, not with RSA-2048",
}
_FLAG_NON_BOOTABLE = 0x10
_FLAGS_ENCRYPTED = 0x0C
_FLAGS_COMPRESSED = 0xE00

_EXPONENT = 65537
# DER of RFC 8017's RSAPublicKey (A.1.1), around a modulus of 2048 bits and with that exponent.
_DER_BEFORE = unhexlify("3082010a0282010100")
_DER_AFTER = unhexlify("0203010001")
MODULUS_BYTES = 256
_HASH_BYTES = 32
# EMSA-PSS (RFC 8017, 9.1.2) for a modulus of 2048 bits with SHA-256 and a salt of 32 bytes.
_MASKED_BYTES = MODULUS_BYTES - _HASH_BYTES - 1
_ZERO_BYTES = _MASKED_BYTES - _HASH_BYTES - 1


class ImageError(Exception):
    """An image or a request about images is refused; `rc` is SMP's code."""

    def __init__(self, reason, rc):
        super().__init__(reason)
        self.rc = rc


class Changes:
    """The changes to the glasses' trust that an image makes once it is confirmed.

    Attributes:
        add: Keys: key hash -> (name, modulus).
        retire: Key hashes.
        close: Whether the development key is refused for good.
    """

    def __init__(self, value):
        """Reads the TLV's value, or nothing when it is None. Raises ImageError."""
        self.add = {}
        self.retire = ()
        self.close = False
        if value is None:
            return
        try:
            said = cbor.decode(value)
            add, retire = said.pop("add", {}), said.pop("retire", [])
            close = said.pop("close", False)
            for name, modulus in add.items():
                if not 0 < len(name.encode()) <= LIMIT_KEY_NAME_BYTES:
                    raise ValueError
                self.add[_checked_key(modulus)] = name, int.from_bytes(modulus, "big")
            if not isinstance(close, bool) or not all(_is_hash(key_hash) for key_hash in retire):
                raise ValueError
        except (ValueError, TypeError, AttributeError):
            _refuse("makes changes of trust that cannot be decoded", IMAGE_RC_INVALID_TLV)
        if said:  # An unknown change must not be ignored.
            _refuse("makes changes of trust that this firmware does not know", IMAGE_RC_INVALID_TLV)
        self.retire, self.close = tuple(retire), close


class Image:
    """The header and TLVs of an image.

    Attributes:
        version: (major, minor, revision, build).
        board: The board it is for.
        hash: SHA-256 of its header, payload and protected TLVs, which names it.
        key_hash: SHA-256 of the public key that it says it is signed with.
        counter: Its security counter; 0 if it has none.
        trust: The Changes of what the glasses trust that it brings.
        payload_at, payload_bytes: Where its ROMFS lies.
        size: All of its bytes.
    """

    def __init__(self, file, size):
        """Reads header and TLVs of `size` bytes in `file`. Raises ImageError."""
        if size > LIMIT_IMAGE_BYTES:
            _refuse(
                "is larger than %d bytes" % LIMIT_IMAGE_BYTES,
                IMAGE_RC_IMAGE_TOO_LARGE,
            )
        header = _read(file, 0, IMAGE_HEADER_BYTES)
        self.check_magic(header)
        (
            _,
            _,
            self.payload_at,
            protected_bytes,
            self.payload_bytes,
            flags,
            major,
            minor,
            revision,
            build,
            _,
        ) = struct.unpack(_HEADER, header)
        self.size = size
        self.version = (major, minor, revision, build)
        if flags:
            if flags & _FLAGS_ENCRYPTED:
                _refuse("is encrypted", IMAGE_RC_INVALID_HEADER)
            if flags & _FLAGS_COMPRESSED:
                _refuse("is compressed", IMAGE_RC_INVALID_HEADER)
            if flags & _FLAG_NON_BOOTABLE:
                _refuse("is marked as not bootable", IMAGE_RC_INVALID_HEADER)
            _refuse("has unknown flags 0x%x" % flags, IMAGE_RC_INVALID_HEADER)
        if not IMAGE_HEADER_BYTES <= self.payload_at <= size:
            _refuse("has a header of %d bytes" % self.payload_at, IMAGE_RC_INVALID_HEADER)
        if self.payload_bytes > size - self.payload_at:
            _refuse("is cut short", IMAGE_RC_INVALID_HEADER)
        at = self.payload_at + self.payload_bytes
        self.hashed_bytes = at + protected_bytes
        if not protected_bytes:
            _refuse("has no protected TLVs, so no board", IMAGE_RC_NO_TLVS)
        protected = self._tlvs(file, at, _TLV_PROTECTED_MAGIC)
        if protected[0] != protected_bytes:
            _refuse("gives two different sizes of its protected TLVs", IMAGE_RC_TLV_INVALID_SIZE)
        end, tlvs = self._tlvs(file, self.hashed_bytes, _TLV_MAGIC)
        if self.hashed_bytes + end != size:
            _refuse("has bytes after its end", IMAGE_RC_TLV_INVALID_SIZE)
        self._take(protected[1], tlvs)

    @staticmethod
    def check_magic(header):
        """Raises ImageError unless these first bytes are an image's."""
        if bytes(header[:4]) != _MAGIC:
            _refuse("is not an MCUboot image", IMAGE_RC_INVALID_MAGIC)

    def _tlvs(self, file, at, magic):
        """(size, [(kind, value), ...]) of the TLV area at `at`."""
        there, total = struct.unpack("<HH", _read(file, at, _TLV_HEADER_BYTES))
        if there != magic:
            _refuse("has no TLVs where they belong", IMAGE_RC_NO_TLVS)
        if not _TLV_HEADER_BYTES <= total <= LIMIT_IMAGE_TLV_BYTES:
            _refuse("has %d bytes of TLVs" % total, IMAGE_RC_TLV_INVALID_SIZE)
        area = _read(file, at, total)
        tlvs = []
        at = _TLV_HEADER_BYTES
        while at < total:
            if total - at < _TLV_HEADER_BYTES:
                _refuse("has a TLV cut short", IMAGE_RC_TLV_INVALID_SIZE)
            kind, length = struct.unpack_from("<HH", area, at)
            at += _TLV_HEADER_BYTES
            if length > total - at:
                _refuse("has a TLV cut short", IMAGE_RC_TLV_INVALID_SIZE)
            tlvs.append((kind, area[at : at + length]))
            at += length
        return total, tlvs

    def _take(self, protected, tlvs):
        for kind, _ in tlvs:
            if kind in _OTHER_KINDS:
                _refuse(_OTHER_KINDS[kind], IMAGE_RC_INVALID_TLV)
            if kind not in (_KEYHASH, _SHA256, _RSA2048_PSS):
                _refuse("has TLV 0x%04x outside of what is signed" % kind, IMAGE_RC_INVALID_TLV)
        if _DEPENDENCY in [kind for kind, _ in protected]:
            _refuse("depends on another image", IMAGE_RC_INVALID_TLV)
        self.hash = _one(tlvs, _SHA256, _HASH_BYTES, "hash")
        self.key_hash = _one(tlvs, _KEYHASH, _HASH_BYTES, "key hash")
        self._signature = _one(tlvs, _RSA2048_PSS, MODULUS_BYTES, "RSA-2048 signature")
        counter = _one(protected, _SECURITY_COUNTER, 4, "security counter", True)
        self.counter = struct.unpack("<I", counter)[0] if counter else 0
        self.trust = Changes(_one(protected, IMAGE_TLV_TRUST, None, "change of trust", True))
        try:
            self.board = str(_one(protected, IMAGE_TLV_BOARD, None, "board"), "utf-8")
        except UnicodeError:
            _refuse("names its board in invalid UTF-8", IMAGE_RC_INVALID_TLV)

    def verify(self, file, board, trust):
        """Reads all of it, and returns the SHA-256 of the whole file.

        Raises ImageError when its hash or signature is not right, it is for another board, or the
        Trust does not let it in.
        """
        for _ in self.verifying(file, board, trust):
            pass
        return self.file_hash

    def verifying(self, file, board, trust):
        """`verify` as a generator that stops after each block; what it returns is `file_hash`."""
        digest, whole = hashlib.sha256(), hashlib.sha256()
        buf = memoryview(bytearray(BLOCK_BYTES))
        at = 0
        file.seek(0)
        while at < self.size:
            # Its two hashes end at different places.
            end = self.hashed_bytes if at < self.hashed_bytes else self.size
            piece = buf[: min(BLOCK_BYTES, end - at)]
            n = file.readinto(piece)
            if not n:
                _refuse("is cut short", IMAGE_RC_INVALID_HEADER)
            if at < self.hashed_bytes:
                digest.update(piece[:n])
            whole.update(piece[:n])
            at += n
            yield
        if digest.digest() != self.hash:
            _refuse("is damaged: its hash is wrong", IMAGE_RC_INVALID_HASH)
        if not pss_verified(trust.check(self), self._signature, self.hash):
            _refuse("has an invalid signature", IMAGE_RC_INVALID_TLV)
        if self.board != board:
            _refuse("is for the board %s, not %s" % (self.board, board), IMAGE_RC_OTHER_BOARD)
        self.file_hash = whole.digest()


def key_hash_of(modulus):
    """What names a public key: SHA-256 of its DER, of the modulus' 256 bytes."""
    return hashlib.sha256(_DER_BEFORE + modulus + _DER_AFTER).digest()


def hex_name(digest):
    """A hash as text: the name of an image."""
    return hexlify(digest).decode()


def version_text(version):
    """MCUmgr's way to write a version: the build number only where there is one."""
    return ".".join(str(n) for n in (version if version[3] else version[:3]))


def parse_version(text):
    """The version that `version_text` wrote."""
    parts = [int(part) for part in text.split(".")]
    return tuple(parts + [0] * (4 - len(parts)))


def pss_verified(modulus, signature, digest):
    """Whether `signature` is RSA-2048 PSS (SHA-256, 32 bytes of salt) of a SHA-256 digest.

    RFC 8017, 8.1.2 and 9.1.2, with the exponent 65537.
    """
    s = int.from_bytes(signature, "big")
    if s >= modulus:
        return False
    encoded = pow(s, _EXPONENT, modulus).to_bytes(MODULUS_BYTES, "big")
    if encoded[0] & 0x80 or encoded[-1] != 0xBC:
        return False
    seed = encoded[_MASKED_BYTES:-1]
    db = bytearray(encoded[:_MASKED_BYTES])
    for i in range(0, _MASKED_BYTES, _HASH_BYTES):
        mask = hashlib.sha256(seed + struct.pack(">I", i // _HASH_BYTES)).digest()
        for j in range(i, min(i + _HASH_BYTES, _MASKED_BYTES)):
            db[j] ^= mask[j - i]
    db[0] &= 0x7F
    if any(db[:_ZERO_BYTES]) or db[_ZERO_BYTES] != 1:
        return False
    return hashlib.sha256(bytes(8) + digest + db[_ZERO_BYTES + 1 :]).digest() == seed


def _is_hash(value):
    return isinstance(value, bytes) and len(value) == _HASH_BYTES


def _checked_key(modulus):
    """`key_hash_of` what may be a modulus. Raises ValueError when it is none."""
    if not isinstance(modulus, bytes) or len(modulus) != MODULUS_BYTES:
        raise ValueError
    if not modulus[0] & 0x80 or not modulus[-1] & 1:
        raise ValueError
    return key_hash_of(modulus)


def _refuse(why, rc):
    raise ImageError("the image " + why, rc)


def _read(file, at, length):
    file.seek(at)
    data = file.read(length)
    if len(data) != length:
        _refuse("is cut short", IMAGE_RC_INVALID_HEADER)
    return data


def _one(tlvs, wanted, length, what, optional=False):
    found = [value for kind, value in tlvs if kind == wanted]
    if optional and not found:
        return None
    if len(found) != 1:
        _refuse(
            "has %s %s" % ("no" if not found else "more than one", what),
            IMAGE_RC_INVALID_TLV,
        )
    if length is not None and len(found[0]) != length:
        _refuse("has a %s of %d bytes" % (what, len(found[0])), IMAGE_RC_TLV_INVALID_SIZE)
    return found[0]
