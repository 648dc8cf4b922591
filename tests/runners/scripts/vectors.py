# SPDX-License-Identifier: Apache-2.0
# Runs on a board: vectors.py FOLDER. Prints what the firmware makes of the test vectors for events
# and media in FOLDER, and what sending media allocates, as JSON.

import gc
import json
import sys
from binascii import hexlify, unhexlify

from glasses import cbor, media, protocol
from glasses.journal import Journal

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
    """The map in the record, and the record that the journal makes of the meaning."""
    means = vector["means"]
    body = cbor.decode(unhexlify(vector["hex"])[protocol.LIMIT_EVENT_HEADER_BYTES :])
    record = Journal()._record(means["seq"], KINDS[means["type"]], means["body"], means["time_ms"])
    return {"body": body, "hex": hexlify(record).decode()}


def outbox(id):
    """An outbox with one object of which everything is there."""
    box = media.Outbox(Journal())
    item = box.open(id, media.PHOTO, OBJECT_BYTES, bytearray(OBJECT_BYTES))
    item.fill(OBJECT_BYTES)
    box.end(item)
    return box, item


def command(vector):
    """What a command changes."""
    box, item = outbox(vector["means"].get("id", 1))
    box._credits = 7
    box.receive(unhexlify(vector["hex"]))
    kept = item in box._objects
    return {"credits": box._credits, "ranges": list(item.ranges), "kept": kept}


def chunk(vector):
    """The chunk that the glasses send of what the vector means."""
    means = vector["means"]
    data = unhexlify(means["data"][2:])
    box, item = outbox(means["id"] if data else 1)
    start = means["offset"]
    item.data[start : start + len(data)] = data
    box._credits = 1
    if data:
        item.want((start, start + len(data)))
    else:
        box.receive(bytes((protocol.MEDIA_WANT, means["id"], 0)) + bytes(4) + b"\x01\x00\x00\x00")
    return {"hex": hexlify(box.chunk(244)).decode()}


def allocated_per_chunk():
    """Bytes that the heap takes for each chunk, beyond what the stack itself takes."""
    box, item = outbox(1)
    box._credits = 2 * CHUNKS
    item.want((0, OBJECT_BYTES))
    box.chunk(244)
    box.sent()
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(CHUNKS):
        box.chunk(244)
        box.sent()
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
