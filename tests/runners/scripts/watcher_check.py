# SPDX-License-Identifier: Apache-2.0
# Runs on the linux board: watcher_check.py FOLDER. The application looks through a camera of whose
# pictures there is nothing to see, in time that passes when all wait. Prints JSON: what happened.

import asyncio
import json
import sys
import time
from asyncio import core

import fuzz_board as types

skipped_ms = 0


class Queue(core.IOQueue):
    """Lets time pass at once."""

    def wait_io_event(self, wait_ms):
        global skipped_ms
        skipped_ms += max(0, wait_ms)


class Camera:
    """Takes grey pictures; `fails` and `shorter` say which, by their number."""

    GREY, JPEG = 0, 1

    def __init__(self):
        self.looks_ms = []
        self.fails = self.shorter = lambda number: False

    async def capture(self, form, width, height):
        number = len(self.looks_ms)
        self.looks_ms.append(skipped_ms)
        if self.fails(number):
            raise OSError("no picture")
        if form == self.JPEG or self.shorter(number):
            return b"\xff\xd8"
        return bytes([90]) * (width * height)


class Peer:
    """A companion with a bond that listens."""

    def __init__(self, app, number):
        from glasses.peers import Peer

        self._app = app
        self.peer = Peer(number, bytes([number]), app.link._smp)
        self.peer.bond, self.peer.next_event, self.peer.authorised = app, 1, True
        app.link._peers.enter(self.peer)

    def watch(self, every_ms):
        link = self._app.link
        link._asking = self.peer
        try:
            link.watch(every_ms)
        finally:
            link._asking = None


def application(folder):
    bluetooth = sys.modules["bluetooth"] = types.module("bluetooth")
    from bluetooth_uuid import UUID

    bluetooth.UUID = UUID
    bluetooth.BLE = types.Radio
    from glasses.app import Glasses

    with open(folder + "/config.json", "w") as file:
        json.dump({"name": "Watch", "words": [], "vision": "none"}, file)
    board = types.Board(folder)
    board.camera = Camera()
    return Glasses(board, folder)


def records(app, kind):
    """The bodies of all events of a kind."""
    from glasses import cbor

    own = [app.journal.read(i) for i in range(app.journal.own, app.journal.next)]
    return [cbor.decode(record[9:]) for record in own if record[8] == kind]


async def scenario(app, said):
    from glasses import protocol

    def seen():
        return len(records(app, protocol.EVENT_SEEN))

    def notices():
        return [body["text"] for body in records(app, protocol.EVENT_NOTICE)]

    camera = app.board.camera
    first, second = Peer(app, 1), Peer(app, 2)
    running = asyncio.create_task(app.watcher.run())

    # The wish changes during a pause.
    first.watch(5000)
    await asyncio.sleep_ms(1000)
    before, now_ms = len(camera.looks_ms), skipped_ms
    second.watch(100)
    await asyncio.sleep_ms(6000)
    said["next look after ms"] = camera.looks_ms[before] - now_ms
    # What is seen is told anew to who begins, not when somebody stops.
    said["seen"] = [seen()]
    second.watch(0)
    first.watch(100)
    await asyncio.sleep_ms(5000)
    said["seen"].append(seen())
    second.watch(100)
    await asyncio.sleep_ms(5000)
    said["seen"].append(seen())
    second.watch(0)
    await asyncio.sleep_ms(5000)
    said["seen"].append(seen())

    # The link is encrypted without a bond: it watches no more.
    app.link._news.append((28, first.peer, True, None))
    app.link._take_news()
    await asyncio.sleep_ms(1000)
    said["lost its bond"] = [app.watcher.every_ms, first.peer.watch_every_ms]
    before = len(camera.looks_ms)
    await asyncio.sleep_ms(1000)
    said["looks then"] = len(camera.looks_ms) - before

    # A camera that fails every other time, and one whose pictures are too short.
    camera.fails = lambda number: number % 2
    second.watch(100)
    await asyncio.sleep_ms(30000)
    said["failing"] = notices()
    second.watch(0)
    await asyncio.sleep_ms(6000)
    camera.fails, camera.shorter = (lambda number: False), lambda number: True
    second.watch(100)
    await asyncio.sleep_ms(6000)
    second.watch(0)
    await asyncio.sleep_ms(6000)
    said["short"] = notices()[len(said["failing"]) :]

    # Photos: of a picture that is too short, and one that there is no memory to look at.
    await app._take_photo(app.take_photo())
    camera.shorter = lambda number: False
    app.vision.look = no_memory
    await app._take_photo(app.take_photo())
    media = records(app, protocol.EVENT_MEDIA_END)
    said["photos"] = [body.get("error", "whole") for body in media]
    said["photo"] = notices()[-1]

    # Who has not asked for events itself cannot have it watch.
    second.peer.next_event = None
    try:
        second.watch(100)
    except ValueError as error:
        said["refused"] = str(error)
    said["running"] = not running.done()
    running.cancel()


async def no_memory(grey):
    raise MemoryError("no memory")


def main(folder):
    said = {}
    core._io_queue = Queue()
    core.ticks = lambda: time.ticks_add(time.ticks_ms(), skipped_ms)
    asyncio.run(scenario(application(folder), said))
    print(json.dumps(said))


main(sys.argv[1])
