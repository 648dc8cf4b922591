# SPDX-License-Identifier: Apache-2.0
"""Inputs for fuzzing that look like what is expected, and then do not; for both Pythons."""

import random
import struct

KEYS = (
    "off data len sha upgrade image hash confirm slot d r format name set words vision type "
    "wake_audio_ms ms id open remove from since to datetime seq p word board boot firmware kind "
    "codec bytes rate_hz crc error percent mv pressed count preroll_ms cause width height label by"
).split()
TEXTS = (
    "models/a.tflite models/okay_nabu.json ../x /models/.. active idle remove sha256 crc32 "
    "snrvmpio a audio photo jpeg ima-adpcm-16k okay_nabu motion 2026-01-31T12:34:56Z Glint"
).split()
EDGES = (0, 1, 2, 3, 23, 24, 64, 255, 256, 1000, 60000, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)
CBOR_HEADS = b"\x00\x17\x18\x19\x1a\x1b\x20\x3b\x40\x5b\x5f\x60\x7b\x80\x9b\x9f\xa0\xbb\xbf\xf6\xff"
BYTES_MAX = 1100


def below(n):
    """0 to n - 1."""
    return random.getrandbits(30) % n


def one_of(items):
    """Any of them."""
    return items[below(len(items))]


def noise(n):
    """n bytes."""
    return bytes(random.getrandbits(8) for _ in range(n))


def number():
    """An integer at an edge, or any of at most 64 bits."""
    if below(2):
        return one_of(EDGES) + below(3) - 1
    return random.getrandbits(1 + below(30)) << below(34)


def head(major, n):
    """The head of a CBOR item; of any width that holds n."""
    for width, info in ((1, 24), (2, 25), (4, 26), (8, 27)):
        if n < 24 and below(8):
            return bytes((major << 5 | n,))
        if n < 1 << 8 * width and below(8):
            return bytes((major << 5 | info,)) + n.to_bytes(width, "big")
    return bytes((major << 5 | 27,)) + n.to_bytes(8, "big")


def item(depth=0):
    """A CBOR item."""
    kind = below(9 if depth < 4 else 6)
    if kind == 0:
        n = number()
        return head(0, n) if n >= 0 else head(1, -1 - n)
    if kind == 1:
        data = noise(one_of((0, 1, 6, 20, 32, 300 if not depth else 5)))
        return head(2, len(data)) + data
    if kind in (2, 3):
        text = one_of(TEXTS).encode()
        return head(3, len(text)) + text
    if kind == 4:
        return one_of((b"\xf4", b"\xf5", b"\xf6", b"\xf7"))
    if kind == 5:
        return b"\xfa" + noise(4)
    if kind == 6:
        n = below(4)
        return head(4, n) + b"".join([item(depth + 1) for _ in range(n)])
    return map_of([one_of(KEYS) for _ in range(below(5))], depth)


def map_of(keys, depth=0):
    """A CBOR map with these keys and any values."""
    parts = [head(5, len(keys))]
    for key in keys:
        parts.append(head(3, len(key)) + key.encode())
        parts.append(item(depth + 1))
    return b"".join(parts)


def spoil(data):
    """Changes bytes, cuts, doubles and inserts, or leaves it as it is."""
    data = bytearray(data)
    for _ in range(one_of((0, 0, 1, 1, 2, 5))):
        at = below(len(data) + 1)
        how = below(6)
        if how == 0 and at < len(data):
            data[at] ^= 1 << below(8)
        elif how == 1 and at < len(data):
            data[at] = one_of(CBOR_HEADS)
        elif how == 2:
            data = data[:at]
        elif how == 3:
            data = data[:at] + noise(1 + below(8)) + data[at:]
        elif how == 4:
            data = data[:at] + data[at + 1 + below(8) :]
        else:
            data = data + data[at : at + 40]
    return bytes(data[:BYTES_MAX])


def cbor():
    """Nearly CBOR."""
    return spoil(item()) if below(20) else noise(below(40))


def smp(commands):
    """Nearly an SMP message; `commands` are (group, id, op) that are served."""
    group, id, op = one_of(commands)
    body = map_of([one_of(KEYS) for _ in range(below(5))]) if below(10) else item()
    body = spoil(body)
    if not below(12):
        group, id, op = below(70), below(40), below(4)
    length = len(body) if below(15) else number() & 0xFFFF
    return spoiled_little(
        struct.pack(">BBHHBB", op | 8 * below(4), 0, length, group, below(256), id) + body
    )


def spoiled_little(data):
    """`spoil`, but seldom."""
    return data if below(10) else spoil(data)


def media():
    """Nearly a command for the media characteristic."""
    command = 1 + below(3) if below(20) else below(256)
    ranges = [number() & 0xFFFFFFFF for _ in range(2 * below(18))] if command == 2 else []
    if below(2):
        ranges = [n % 4000 for n in ranges]
    data = struct.pack("<BH", command, (below(12) if below(4) else number()) & 0xFFFF)
    return spoiled_little(data + b"".join([struct.pack("<I", n) for n in ranges]))


def bus(channels=7):
    """Nearly a frame of the simulation bus."""
    body = noise(below(24)) if below(4) else noise(2) + bytes(below(2000))
    if not below(3):
        body = struct.pack("<BI", 1 + below(3), number() & 0xFFFF) + body
    length = len(body) if below(60) else number() & 0xFFFF
    return struct.pack("<BBH", below(channels + 1), 0, length) + body


def event():
    """Nearly an event record."""
    seq, time_ms, kind = number() & 0xFFFFFFFF, number() & 0xFFFFFFFF, below(10)
    if below(2):
        seq = below(300)
    keys = [one_of(KEYS[20:]) for _ in range(below(6))]
    return spoiled_little(struct.pack("<IIB", seq, time_ms, kind) + spoiled_little(map_of(keys)))
