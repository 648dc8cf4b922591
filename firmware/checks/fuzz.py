# SPDX-License-Identifier: Apache-2.0
"""Feeds inputs of `mutate` to the firmware: micropython fuzz.py TARGET SEED COUNT.

Prints JSON: how many it took, and the most memory in use. An input after which the firmware does
not do what it should is printed in hex, with the error, and ends it.
"""

import asyncio
import builtins
import gc
import json
import os
import random
import struct
import sys

import fuzz_board as types
import mutate

COLLECT_EVERY = 2000
# Over what was in use before the first input: the objects kept for the companion, and some.
GROWTH_MAX_BYTES = 900000


class Fuzzer:
    """Counts inputs and watches the memory."""

    def __init__(self):
        self.count = 0
        self.most_bytes = 0
        gc.collect()
        self._before = gc.mem_alloc()

    def took(self):
        self.count += 1
        if self.count % COLLECT_EVERY == 0:
            gc.collect()
            self.most_bytes = max(self.most_bytes, gc.mem_alloc() - self._before)
            if self.most_bytes > GROWTH_MAX_BYTES:
                raise MemoryError("%d bytes more in use than at first" % self.most_bytes)


def same(a, b):
    """Whether two decoded values are equal; a float that is no number is equal to itself."""
    if isinstance(a, float) and isinstance(b, float):
        return a == b or a != a or abs(a) > 3e38 or abs(a - b) <= abs(a) * 1e-6 + 1e-37
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return len(a) == len(b) and all(key in b and same(a[key], b[key]) for key in a)
    return type(a) is type(b) and a == b


def cbor():
    """CBOR: ValueError, or a value that is the same after encoding and decoding it."""
    from glasses import cbor

    def feed(data):
        try:
            value = cbor.decode(data)
        except ValueError:
            return
        try:
            again = cbor.decode(cbor.encode(value))
        except OverflowError:  # a double that no single holds
            return
        assert same(value, again), (value, again)

    return mutate.cbor, feed


def glasses(folder):
    """The application on a board and a radio of which there is nothing."""
    bluetooth = sys.modules["bluetooth"] = types.module("bluetooth")
    from bluetooth_uuid import UUID

    bluetooth.UUID = UUID
    bluetooth.BLE = types.Radio
    from glasses.app import Glasses

    for path in (folder, folder + "/models"):
        try:
            os.mkdir(path)
        except OSError:
            pass
    with open(folder + "/config.json", "w") as file:
        json.dump({"name": "Fuzz", "words": [], "vision": "none"}, file)
    return Glasses(types.Board(folder), folder + "/models")


def smp(folder):
    """Requests of all groups, as an authorised companion writes them: each is answered in kind."""
    app = glasses(folder)
    from glasses.peers import Peer

    server = app.link._smp
    commands = list(server._handlers)
    companion = Peer(1, b"", server)
    companion.bond, companion.next_event, companion.wishes = app, 1, app.outbox.begin()
    app.link._peers.enter(companion)  # it listens

    async def feed(data):
        pieces = [data]
        if not mutate.below(10):
            at = mutate.below(len(data) + 1)
            pieces = [data[:at], data[at:]]
        for piece in pieces:
            responses = server.receive(piece)
            while server.waiting:
                responses += await server.later()
            for response in responses:
                assert len(response) - 8 == struct.unpack_from(">H", response, 2)[0]
                assert len(response) <= 1024, len(response)
                assert response[0] & 7 in (1, 3, 5, 7, 0, 2, 4, 6)
        if not mutate.below(4):
            server.reset()

    return lambda: mutate.smp(commands), feed


def media(folder):
    """Commands of the media characteristic, while objects come and go and chunks are sent."""
    app = glasses(folder)
    outbox = app.outbox
    wishes = outbox.begin()

    def feed(data):
        wishes.receive(data)
        how = mutate.below(40)
        if how == 0:
            nbytes = mutate.below(4000)
            try:
                item = outbox.open(outbox.reserve(), "photo", nbytes, bytearray(nbytes))
            except MemoryError:
                return
            item.fill(nbytes)
            outbox.end(item)
            outbox._next_id = outbox._next_id % 12 or 1
        elif how == 1:
            wishes.clear()
        for _ in range(mutate.below(3)):
            chunk = wishes.chunk(244)
            if chunk is None:
                break
            id, at = struct.unpack_from("<HI", chunk)
            assert 6 <= len(chunk) <= 244
            wishes.sent()

    return mutate.media, feed


def bus():
    """The simulation bus and its peripherals: what is out of step is OSError, and then the end."""
    import bus as simulation_bus
    import peripherals

    class Stream:
        data = b""

        def readinto(self, buf):
            n = min(len(buf), len(self.data), 1 + mutate.below(4096))
            if not n:
                return None
            buf[:n] = self.data[:n]
            self.data = self.data[n:]
            return n

        def write(self, data):
            pass

    state = [None, None]

    def begin():
        state[0] = Stream()
        state[1] = simulation_bus.Bus(state[0])
        simulation_bus.set(state[1])
        for kind in (
            peripherals.Microphone,
            peripherals.Battery,
            peripherals.Light,
            peripherals.Button,
        ):
            kind(state[1])
        camera = peripherals.Camera(state[1])
        camera._picture = camera._error = None
        camera._lock = types.Locked()  # a picture is being taken

    begin()

    def feed(data):
        stream, line = state
        stream.data += data
        try:
            line.pump()
        except OSError:
            assert line.lost
            begin()
        except (ValueError, IndexError):
            begin()  # a frame that is none of the workbench's: the program ends, with the reason

    return mutate.bus, feed


async def run(target, seed, count):
    random.seed(seed)
    folder = "/tmp/glint-fuzz-%s-%d-%d" % (target, seed, random.getrandbits(16))
    make = {"cbor": cbor, "bus": bus}.get(target)
    draw, feed = make() if make else {"smp": smp, "media": media}[target](folder)
    say, builtins.print = print, lambda *_, **__: None  # the firmware's own
    fuzzer = Fuzzer()
    data = b""
    try:
        while fuzzer.count < count:
            data = draw()
            done = feed(data)
            if done is not None:
                await done
            fuzzer.took()
    except Exception as error:
        builtins.print = say
        print("input", data.hex())
        sys.print_exception(error)
        sys.exit(1)
    say(json.dumps({"inputs": fuzzer.count, "most_bytes": fuzzer.most_bytes}))


asyncio.run(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
