# SPDX-License-Identifier: Apache-2.0
"""The glasses: perception, journal and link put together on a board."""

import asyncio
import gc
import random
import sys
import time

from glasses import config, media, protocol, selfcheck, smp, wishes
from glasses.bonds import Bonds
from glasses.journal import Journal, JournalFile
from glasses.link import Link
from glasses.perception import loop, models, vision, wake
from glasses.perception.loop import HOP_ADPCM_BYTES, HOP_MS, PREROLL_HOPS
from glasses.privacy import Privacy
from glasses.smp import files, pairing, settings, stats, system
from glasses.smp.images import Images
from glasses.wearer import Wearer, erase

PHOTO_WIDTH, PHOTO_HEIGHT = 640, 480


class Glasses:
    """The application on `board`, a module or object with what boards/README.md lists.

    Its models are in `folder`.
    """

    def __init__(self, board, folder):
        self.board = board
        config_path = board.flash + "/config.json"
        self.settings, wrong = config.load(config_path)
        self.boot = random.getrandbits(32)
        self.journal = Journal(JournalFile(board.flash + "/journal.bin"))
        self.outbox = media.Outbox(self.journal)
        self.outbox.on_cancel = self._on_cancel
        self.privacy = Privacy(board.light)
        self._models = folder
        self._broken = []  # models that there should be, and why there are none
        self.perception = loop.Perception(board.mic, self._load_words())
        self.perception.on_word = self._on_word
        self.perception.on_recorded = self._on_recorded
        self.perception.on_sound = self.outbox.filled
        self.perception.pace.on_change = self._on_pace
        self.vision = self._load_vision()
        self._photo_wanted = asyncio.Event()
        self._photo_id = None
        self._battery_level = None
        server = smp.Server()
        self._serve(server)
        self._files = files.Files(server, board.flash + "/models")
        settings.Settings(server, self.settings, config_path, folder, self._use)
        self._images = Images(server, board, self._check)
        self.journal.on_exhausted = self._images.restart
        self.bonds = Bonds(board.flash + "/bonds.json")
        self.link = Link(
            self.settings["name"],
            board.name,
            config.FIRMWARE,
            self.journal,
            self.outbox,
            server,
            self.bonds,
            getattr(board, "digits", None),
        )
        pairing.serve(server, self.bonds, self.link)
        self._wearer = Wearer(self.bonds.window, self.privacy, lambda: erase(board.flash))
        self._tasks = self._extend(server)
        # Boards call these between any two byte codes of the tasks: they only note what happened.
        self._sensed = asyncio.ThreadSafeFlag()
        self._presses = []
        board.battery.on_change = self._sensed.set
        board.button.on_change = self._on_button
        about = {"board": board.name, "firmware": config.FIRMWARE, "boot": self.boot}
        self.journal.append(protocol.EVENT_BOOT, about)
        for text in wrong:
            self.journal.notice("settings", text)
        for text in self._broken:
            self.journal.notice("model", text)
        if self.bonds.damaged:
            self.journal.notice("bonds", "cannot be read: hold the button to pair anew")
        self._report_battery()

    def _extend(self, server):
        """Lets a maker's module `extension`, if there is one, add requests; returns its tasks."""
        try:
            import extension
        except ImportError as error:
            if "'extension'" not in str(error):
                raise  # it is there, and lacks something
            return []
        return extension.start(self, server)

    # Models. One that is missing or broken must not keep the glasses from starting.

    def _load_words(self):
        words = self.settings["words"]
        detectors = [self._loaded(wake.load, word) for word in words]
        detectors = [detector for detector in detectors if detector]
        if words and not detectors:
            detectors = [self._loaded(wake.load, word) for word in config.DEFAULTS["words"]]
        return [detector for detector in detectors if detector]

    def _load_vision(self):
        name, eye = self.settings["vision"], None
        if name == vision.Motion.name:
            pass
        elif name not in models.names(self._models):  # not everybody has one
            print("vision: no model %s; motion and brightness instead" % name)
        else:
            eye = self._loaded(vision.load, name, self.board.slice_macs)
        return eye or vision.Motion()

    def _loaded(self, load, name, *arguments):
        try:
            return load(self._models, name, *arguments)
        except Exception as error:
            missing = isinstance(error, OSError)
            self._broken.append("%s: %s" % (name, "no such model" if missing else error))
        return None

    def _use(self, changes):
        """Loads what settings need; returns what puts them to use. Raises as smp.settings says."""
        detectors = eye = None
        if "words" in changes:
            known = {detector.name: detector for detector in self.perception.detectors}
            detectors = [
                known.get(word) or wake.load(self._models, word) for word in changes["words"]
            ]
        if changes.get("vision") == vision.Motion.name:
            eye = vision.Motion()
        elif "vision" in changes:
            eye = vision.load(self._models, changes["vision"], self.board.slice_macs)

        def put_to_use():
            if detectors is not None:
                self.perception.listen_for(detectors)
            if eye is not None:
                self.vision = eye
            if "name" in changes:
                self.facts["n"] = changes["name"]
                self.link.rename(changes["name"])

        return put_to_use

    async def run(self):
        """Runs for ever; an error in any part ends it."""
        await asyncio.gather(
            self.perception.run(),
            self.perception.pace.run(),
            self.link.run(),
            self.bonds.run(),
            self._wearer.run(),
            self.journal.run(),
            self.outbox.run(),
            self._report_senses(),
            self._take_photos(),
            self._images.run(),
            *self._tasks,
        )

    def _check(self):
        """What an update has to get right; that it starts, with its radio, is seen by then."""
        if self._broken:
            raise selfcheck.CheckError(self._broken[0])
        yield from selfcheck.hear(self.perception.detectors)

    # What the peripherals report.

    def _on_word(self, detector, at_ms):
        event = self.journal.append(
            protocol.EVENT_WAKE,
            {"word": detector.word, "p": detector.probability, "at_ms": at_ms},
        )
        if self.link.listening and not self.perception.recorder.item:
            self._record(self.settings["wake_audio_ms"], event)

    def _record(self, length_ms, cause):
        id = self.outbox.reserve()
        nbytes = length_ms // HOP_MS * HOP_ADPCM_BYTES
        about = {
            "codec": protocol.CODEC_ADPCM,
            "rate_hz": 16000,
            "preroll_ms": PREROLL_HOPS * HOP_MS,
            "cause": cause,
        }
        try:
            ring = bytearray(min(nbytes, media.RING_BYTES_MAX))
            item = self.outbox.open(id, wishes.AUDIO, nbytes, ring, **about)
        except MemoryError as error:
            self.outbox.refuse(id, wishes.AUDIO, str(error)[: media.ERROR_TEXT_MAX], **about)
            return id
        self.privacy.begin()
        self.journal.hold()
        self.perception.recorder.start(item)
        self.outbox.filled()
        return id

    def _on_recorded(self):
        self.privacy.end()
        self.journal.release()
        self.outbox.end(self.perception.recorder.stop())

    def _on_cancel(self, item):
        if item is self.perception.recorder.item:
            self.perception.recorder.stop()
            self.privacy.end()
            self.journal.release()

    def _on_pace(self):
        pace = self.perception.pace
        body = {"lost_ms": pace.lost_ms, "silent": pace.silent}
        self.journal.append(protocol.EVENT_MICROPHONE, body)

    def _on_button(self, pressed):
        self._presses.append((pressed, time.ticks_ms()))
        self._sensed.set()

    async def _report_senses(self):
        while True:
            await self._sensed.wait()
            while self._presses:
                pressed, at_ms = self._presses.pop(0)
                self.journal.append(protocol.EVENT_BUTTON, {"pressed": pressed})
                self._wearer.button(pressed, at_ms)
                self.link.digits.button(pressed)
            self._report_battery()

    def _report_battery(self):
        battery = self.board.battery
        level = (battery.percent, battery.millivolts)
        if level != self._battery_level:
            self._battery_level = level
            self.journal.append(protocol.EVENT_BATTERY, {"percent": level[0], "mv": level[1]})
            self.link.battery(level[0])

    # Requests.

    def _serve(self, server):
        glint = protocol.SMP_GROUP_GLINT
        server.handle(glint, protocol.SMP_GLINT_STATUS, smp.READ, self._status)
        server.handle(glint, protocol.SMP_GLINT_EVENTS, smp.WRITE, self._listen)
        server.handle(glint, protocol.SMP_GLINT_PHOTO, smp.WRITE, self._request_photo)
        server.handle(glint, protocol.SMP_GLINT_RECORD, smp.WRITE, self._request_recording)
        server.handle(glint, protocol.SMP_GLINT_JOURNAL, smp.READ, self._tell_journal)
        server.handle(glint, protocol.SMP_GLINT_JOURNAL, smp.WRITE, self._acknowledge)
        server.handle(glint, protocol.SMP_GLINT_STOP, smp.WRITE, self._stop_recording)
        server.handle(glint, protocol.SMP_GLINT_FILE, smp.WRITE, self._request_file)
        board = self.board.name
        self.facts = {
            "s": "Glint",
            "n": self.settings["name"],
            "r": config.FIRMWARE,
            "v": "MicroPython " + ".".join(str(n) for n in sys.implementation.version[:3]),
            "m": board,
            "p": sys.platform,
            "i": board,
            "o": "MicroPython",
        }
        system.serve(server, self.facts, self.journal.time_ms)
        stats.serve(
            server,
            {
                "perception": self._count_perception,
                "link": self._count_link,
                "smp_svr_stats": server.counts,
                "heap": lambda: {"used": gc.mem_alloc(), "free": gc.mem_free()},
            },
        )

    def _count_perception(self):
        heard = self.perception
        busy_us = heard.busy_s * 1000000 + heard.busy_us
        return {
            "hops": heard.hops,
            "slow_hops": heard.slow_hops,
            "busy_us": busy_us,
            "lost_ms": heard.pace.lost_ms,
        }

    def _count_link(self):
        link = self.link
        return {
            "notified": link.notified,
            "notified_bytes": link.notified_bytes,
            "refused": link.refused,
            "dropped": link.dropped,
        }

    def _status(self, body):
        gc.collect()
        heard = self.perception
        arenas = {detector.name: detector.model.arena_used for detector in heard.detectors}
        if self.vision.name != vision.Motion.name:
            arenas[self.vision.name] = self.vision.model.arena_used
        return {
            "board": self.board.name,
            "firmware": config.FIRMWARE,
            "micropython": ".".join(str(n) for n in sys.implementation.version[:3]),
            "uptime_ms": self.journal.time_ms(),
            "battery_percent": self.board.battery.percent,
            "heap_used": gc.mem_alloc(),
            "heap_free": gc.mem_free(),
            "words": [detector.word for detector in heard.detectors],
            "vision": self.vision.name,
            "arena": arenas,
            "hops": heard.hops,
            "slow_hops": heard.slow_hops,
            "lost_ms": heard.pace.lost_ms,
            "silent": heard.pace.silent,
            "camera": self.board.camera is not None,
            "busy_us": heard.busy_s * 1000000 + heard.busy_us,
            "notified": self.link.notified,
            "notified_bytes": self.link.notified_bytes,
            "next": self.journal.next,
            "light": self.privacy.lit,
        }

    def _tell_journal(self, body):
        return {"boot": self.boot, "first": self.journal.first, "next": self.journal.next}

    def _acknowledge(self, body):
        self.journal.acknowledge(body["acknowledge"])
        return self._tell_journal(body)

    def _listen(self, body):
        try:
            self.link.listen(body["from"])
        except ValueError as error:
            raise smp.RequestError(protocol.RC_FAILED, str(error))
        return {"boot": self.boot, "first": self.journal.unread, "next": self.journal.next}

    def _request_recording(self, body):
        if not self.link.listening or self.perception.recorder.item:
            raise smp.RequestError(protocol.RC_BUSY, "a recording is under way")
        return {"id": self._record(body["ms"], 0)}

    def _stop_recording(self, body):
        if self.perception.recorder.item:
            self._on_recorded()
        return {}

    def _request_file(self, body):
        if not self.link.listening:
            raise smp.RequestError(protocol.RC_BUSY, "events have not been asked for")
        try:
            path = self._files.found(body["name"])
            item = media.File(self.outbox.reserve(), path)
            self.outbox.keep(item, codec=protocol.CODEC_RAW)
        except (OSError, smp.RequestError) as error:
            raise smp.RequestError(protocol.RC_NOT_FOUND, str(error))
        except MemoryError as error:
            raise smp.RequestError(protocol.RC_BUSY, str(error))
        return {"id": item.id}

    def _request_photo(self, body):
        if not self.link.listening or self._photo_id is not None:
            raise smp.RequestError(protocol.RC_BUSY, "a photo is under way")
        if self.board.camera is None:
            raise smp.RequestError(protocol.RC_NO_CAMERA, "this board has no camera")
        self._photo_id = self.outbox.reserve()
        self._photo_wanted.set()
        return {"id": self._photo_id}

    async def _take_photos(self):
        while True:
            await self._photo_wanted.wait()
            self._photo_wanted.clear()
            await self._take_photo(self._photo_id)

    async def _take_photo(self, id):
        camera, eye = self.board.camera, self.vision
        about = {"codec": protocol.CODEC_JPEG, "width": PHOTO_WIDTH, "height": PHOTO_HEIGHT}
        try:
            with self.privacy:
                grey = await camera.capture(camera.GREY, eye.width, eye.height)
                picture = await camera.capture(camera.JPEG, PHOTO_WIDTH, PHOTO_HEIGHT)
            photo = self.outbox.open(id, wishes.PHOTO, len(picture), picture, **about)
        except (OSError, MemoryError) as error:
            self.outbox.refuse(id, wishes.PHOTO, str(error)[: media.ERROR_TEXT_MAX], **about)
            return
        finally:
            self._photo_id = None  # the next may be asked for while this one is looked at
        photo.fill(len(picture))
        self.outbox.end(photo)
        label, p = await eye.look(grey)
        self.journal.append(
            protocol.EVENT_SEEN, {"label": label, "p": p, "by": eye.name, "media": id}
        )
