# SPDX-License-Identifier: Apache-2.0
"""The glasses: perception, journal and link put together on a board."""

import asyncio
import gc
import random
import time

from glasses import config, media, protocol, selfcheck, smp, wishes
from glasses.bonds import Bonds
from glasses.journal import Journal, JournalFile
from glasses.ledger import Ledger
from glasses.link import Link
from glasses.perception import arrival, loop, models, vision, wake
from glasses.perception.loop import HOP_ADPCM_BYTES, HOP_MS, PREROLL_HOPS
from glasses.privacy import Privacy
from glasses.smp import files, glint, pairing, settings, stats, system
from glasses.smp.images import Images
from glasses.watching import Watcher
from glasses.wearer import Wearer, erase

PHOTO_WIDTH, PHOTO_HEIGHT = 640, 480


class Glasses:
    """The application on `board`, a module or object with what boards/README.md lists.

    Its models are in `folder`.

    Attributes:
        photo_id: The id of the photo being taken, or None.
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
        self._broken = []  # Models that could not be loaded, and why.
        self.perception = loop.Perception(board.mic, self._load_words())
        self.perception.on_word = self._on_word
        self.perception.on_recorded = self.stop_recording
        self.perception.on_sound = self.outbox.filled
        self.perception.pace.on_change = self._on_pace
        self.vision = self._load_vision()
        self._photo_wanted = asyncio.Event()
        self.photo_id = None
        self._battery_level = None
        server = smp.Server()
        self.facts = system.facts(board.name, self.settings["name"])
        self.journal.clock = system.serve(server, self.facts, self.journal.time_ms)
        glint.serve(server, self, files.Files(server, board.flash + "/models", arrival.check))
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
        self.ledger = Ledger(
            getattr(board, "currents_ua", {}), self.journal.time_ms, self.perception, self.link
        )
        self.watcher = Watcher(self)
        pairing.serve(server, self.bonds, self.link)
        stats.serve(
            server,
            {
                "perception": self.perception.counts,
                "words": self.perception.chances,
                "link": self.link.counts,
                "energy": self.ledger.counts,
                "smp_svr_stats": server.counts,
                "heap": lambda: {"used": gc.mem_alloc(), "free": gc.mem_free()},
            },
        )
        self._wearer = Wearer(self.bonds.window, self.privacy, lambda: erase(board.flash))
        self._tasks = self._extend(server)
        # Boards call these between any two bytecodes of the tasks: they only note what happened.
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
            self.journal.notice("bonds", "cannot be read: hold the button to pair again")
        self._report_battery()

    def _extend(self, server):
        """Starts the module `extension`, if there is one; returns its tasks."""
        try:
            import extension
        except ImportError as error:
            if "'extension'" not in str(error):
                raise  # It exists, but an import in it failed.
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
        elif name not in models.names(self._models):  # Not every pair of glasses has one.
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
        """Loads what settings need; returns what applies them. Raises as smp.settings says."""
        detectors = eye = None
        if changes.get("watch_every_ms") and self.board.camera is None:
            raise ValueError("this board has no camera")
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
            if "watch_every_ms" in changes:
                self.watcher.again()
            if "name" in changes:
                self.facts["n"] = changes["name"]
                self.link.rename(changes["name"])

        return put_to_use

    async def run(self):
        """Runs until an error in any part ends it."""
        await asyncio.gather(
            self.perception.run(),
            self.perception.pace.run(),
            self.link.run(),
            self.ledger.run(),
            self.bonds.run(),
            self._wearer.run(),
            self.journal.run(),
            self.outbox.run(),
            self._report_peripherals(),
            self._take_photos(),
            self.watcher.run(),
            self._images.run(),
            *self._tasks,
        )

    def _check(self):
        """Checks an update; that it starts, with its radio, is known by then."""
        if self._broken:
            raise selfcheck.CheckError(self._broken[0])
        yield from selfcheck.hear(self.perception.detectors)

    # Reports from the peripherals.

    def _on_word(self, detector, at_ms):
        event = self.journal.append(
            protocol.EVENT_WAKE,
            {"word": detector.word, "p": detector.probability, "at_ms": at_ms},
        )
        if self.link.listening and not self.perception.recorder.item:
            self.record(self.settings["wake_audio_ms"], event)

    def record(self, length_ms, cause):
        """Records the microphone; returns the id of the object that follows."""
        id = self.outbox.reserve()
        nbytes = length_ms // HOP_MS * HOP_ADPCM_BYTES
        about = {
            "codec": protocol.CODEC_ADPCM,
            "rate_hz": 16000,
            "preroll_ms": PREROLL_HOPS * HOP_MS,
            "cause": cause,
            "at_ms": (self.perception.hops - PREROLL_HOPS) * HOP_MS,
        }
        try:
            ring = bytearray(min(nbytes, media.RING_BYTES_MAX))
            item = self.outbox.open(id, wishes.AUDIO, nbytes, ring, **about)
        except MemoryError as error:
            self.outbox.refuse(id, wishes.AUDIO, str(error)[: media.ERROR_TEXT_MAX], **about)
            return id
        self.privacy.begin()
        self.ledger.begin(protocol.STATE_ENGAGED)
        self.journal.hold()
        self.perception.recorder.start(item)
        self.outbox.filled()
        return id

    def stop_recording(self):
        """Ends the recording in progress."""
        self.privacy.end()
        self.ledger.end(protocol.STATE_ENGAGED)
        self.journal.release()
        self.outbox.end(self.perception.recorder.stop())

    def _on_cancel(self, item):
        if item is self.perception.recorder.item:
            self.perception.recorder.stop()
            self.privacy.end()
            self.ledger.end(protocol.STATE_ENGAGED)
            self.journal.release()

    def _on_pace(self):
        pace = self.perception.pace
        body = {"lost_ms": pace.lost_ms, "silent": pace.silent}
        self.journal.append(protocol.EVENT_MICROPHONE, body)

    def _on_button(self, pressed):
        self._presses.append((pressed, time.ticks_ms()))
        self._sensed.set()

    async def _report_peripherals(self):
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

    def take_photo(self):
        """Starts taking a photo; returns the id of the object that follows."""
        self.photo_id = self.outbox.reserve()
        self._photo_wanted.set()
        return self.photo_id

    async def _take_photos(self):
        while True:
            await self._photo_wanted.wait()
            self._photo_wanted.clear()
            self.ledger.begin(protocol.STATE_WATCHING)
            try:
                await self._take_photo(self.photo_id)
            finally:
                self.ledger.end(protocol.STATE_WATCHING)

    async def _take_photo(self, id):
        camera, eye = self.board.camera, self.vision
        about = {"codec": protocol.CODEC_JPEG, "width": PHOTO_WIDTH, "height": PHOTO_HEIGHT}
        try:
            with self.privacy:
                grey = await vision.picture(camera, eye)
                picture = await camera.capture(camera.JPEG, PHOTO_WIDTH, PHOTO_HEIGHT)
            photo = self.outbox.open(id, wishes.PHOTO, len(picture), picture, **about)
        except (OSError, MemoryError) as error:
            self.outbox.refuse(id, wishes.PHOTO, str(error)[: media.ERROR_TEXT_MAX], **about)
            return
        finally:
            self.photo_id = None  # The next may be requested while this one is classified.
        photo.fill(len(picture))
        self.outbox.end(photo)
        try:
            label, p = await eye.look(grey)
        except MemoryError as error:
            self.journal.notice("camera", str(error))
            return
        self.ledger.looked()
        self.journal.append(
            protocol.EVENT_SEEN, {"label": label, "p": p, "by": eye.name, "media": id}
        )
