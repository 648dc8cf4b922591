# SPDX-License-Identifier: Apache-2.0
# Runs the test vectors for events and media in MicroPython. Usage: vectors.py FOLDER. Prints as
# JSON the firmware's results, and the bytes that sending media allocates.

import gc
import json
import sys
from binascii import hexlify, unhexlify

from glasses import cbor, protocol
from glasses.journal import Journal
from glasses.media import Outbox
from glasses.wishes import PHOTO

KINDS = {
    "boot": protocol.EVENT_BOOT,
    "wake": protocol.EVENT_WAKE,
    "seen": protocol.EVENT_SEEN,
    "media": protocol.EVENT_MEDIA,
    "media_end": protocol.EVENT_MEDIA_END,
    "battery": protocol.EVENT_BATTERY,
    "button": protocol.EVENT_BUTTON,
    "gap": protocol.EVENT_GAP,
    "microphone": protocol.EVENT_MICROPHONE,
    "notice": protocol.EVENT_NOTICE,
}
OBJECT_BYTES = 0x13000
CHUNKS = 200


def vectors(folder, name):
    with open("%s/%s.json" % (folder, name)) as file:
        return json.load(file)["vectors"]


def event(vector):
    """Returns the map in the record, and the record that the journal makes from the meaning."""
    means = vector["means"]
    body = cbor.decode(unhexlify(vector["hex"])[protocol.LIMIT_EVENT_HEADER_BYTES :])
    record = Journal()._record(means["seq"], KINDS[means["type"]], means["body"], means["time_ms"])
    return {"body": body, "hex": hexlify(record).decode()}


def outbox(id):
    """Returns a companion's wishes, and the only object, which is complete."""
    box = Outbox(Journal())
    item = box.open(id, PHOTO, OBJECT_BYTES, bytearray(OBJECT_BYTES))
    item.fill(OBJECT_BYTES)
    box.end(item)
    return box.begin(), item


def command(vector):
    """Returns what a command changes."""
    wishes, item = outbox(vector["means"].get("id", 1))
    wishes._credits = 7
    wishes.receive(unhexlify(vector["hex"]))
    kept = item in wishes._outbox.objects
    return {
        "credits": wishes._credits,
        "ranges": list(wishes._ranges.get(item.id, ())),
        "kept": kept,
    }


def chunk(vector):
    """Returns the chunk that the glasses send for the vector's meaning."""
    means = vector["means"]
    data = unhexlify(means["data"][2:])
    wishes, item = outbox(means["id"] if data else 1)
    start = means["offset"]
    item.data[start : start + len(data)] = data
    wishes._credits = 1
    if data:
        wishes._want(item, (start, start + len(data)))
    else:
        wishes.receive(
            bytes((protocol.MEDIA_WANT, means["id"], 0)) + bytes(4) + b"\x01\x00\x00\x00"
        )
    return {"hex": hexlify(wishes.chunk(244)).decode()}


def allocated_per_chunk():
    """Returns the heap bytes for each chunk, without those of the stack itself."""
    wishes, item = outbox(1)
    wishes._credits = 2 * CHUNKS
    wishes._want(item, (0, OBJECT_BYTES))
    wishes.chunk(244)
    wishes.sent()
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(CHUNKS):
        wishes.chunk(244)
        wishes.sent()
    taken = gc.mem_alloc() - before
    gc.enable()
    return taken / CHUNKS


def main(folder):
    found = {"events": [event(vector) for vector in vectors(folder, "events")]}
    found["media"] = [
        (command if vector["means"]["to"] == "glasses" else chunk)(vector)
        for vector in vectors(folder, "media")
    ]
    found["allocated_per_chunk"] = allocated_per_chunk()
    print(json.dumps(found))


main(sys.argv[1])
