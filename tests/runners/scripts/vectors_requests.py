# SPDX-License-Identifier: Apache-2.0
# Runs the test vectors for requests, images and advertising in MicroPython. Usage:
# vectors_requests.py FOLDER. Prints the firmware's results as JSON.

import io
import json
import struct
import sys
from binascii import hexlify, unhexlify

import fuzz_board

sys.modules["bluetooth"] = radio = fuzz_board.module("bluetooth")
from bluetooth_uuid import UUID  # noqa: E402

radio.UUID = UUID
radio.BLE = fuzz_board.Radio
from glasses import services, smp  # noqa: E402
from glasses.boot.image import Image, ImageError, version_text  # noqa: E402
from glasses.boot.slots import Slots  # noqa: E402
from glasses.boot.trust import Trust  # noqa: E402

TRUST = Trust("/nowhere", Slots("/nowhere"))


def vectors(folder, name):
    with open("%s/%s.json" % (folder, name)) as file:
        return json.load(file)["vectors"]


def plain(value):
    """A value as in the vectors."""
    if isinstance(value, bytes):
        return "0x" + hexlify(value).decode()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def meant(value):
    """The value of one in the vectors."""
    if isinstance(value, str) and value.startswith("0x"):
        return unhexlify(value[2:])
    if isinstance(value, dict):
        return {key: meant(item) for key, item in value.items()}
    return [meant(item) for item in value] if isinstance(value, list) else value


def message(vector):
    """Returns what the server reads in a request, or the response that it writes."""
    data, means = unhexlify(vector["hex"]), vector["means"]
    server = smp.Server()
    if means["to"] == "glasses":
        read = []
        op = data[0] & 7
        server.handle(means["group"], means["command"], op, lambda body: read.append(body) or {})
        (answer,) = server.receive(data)
        assert answer[0] & 7 == op + 1
        assert answer[4:] == data[4:8] + b"\xa0"
        return {"body": plain(read[0])}
    request = struct.pack(">BB", data[0] & 0xFE, 0) + data[2:8]
    return {"hex": hexlify(server.response(request, meant(means["body"]))).decode()}


def image(vector):
    """Returns the contents of an image, or why it is refused."""
    data = unhexlify(vector["hex"])
    try:
        read = Image(io.BytesIO(data), len(data))
        digest = read.verify(io.BytesIO(data), "linux", TRUST)
    except ImageError as error:
        return {"error": str(error)}
    return {
        "version": version_text(read.version),
        "board": read.board,
        "hash": plain(read.hash),
        "file_hash": plain(digest),
        "payload_at": read.payload_at,
        "payload_bytes": read.payload_bytes,
        "counter": read.counter,
        "trust": {
            "add": {name: hex(modulus) for name, modulus in read.trust.add.values()},
            "retire": [plain(key_hash) for key_hash in read.trust.retire],
            "close": read.trust.close,
        },
    }


def advertising(vector):
    """Returns what the link advertises."""
    means = vector["means"]
    if means["packet"] == "scan response":
        data = services.scan_response(means["name"])
    else:
        data = services.advertisement(means["pairing"])
    return {"hex": hexlify(data).decode()}


def main(folder):
    print(
        json.dumps(
            {
                "smp": [message(vector) for vector in vectors(folder, "smp")],
                "image": [image(vector) for vector in vectors(folder, "image")],
                "advertising": [advertising(vector) for vector in vectors(folder, "advertising")],
            }
        )
    )


main(sys.argv[1])
