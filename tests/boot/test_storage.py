# SPDX-License-Identifier: Apache-2.0
"""Tests what the flash holds while power fails again and again, and while the flash is full.

The glasses are in use: companions pair, are named and revoked, settings and events come and go,
models are uploaded, the application crashes and starts, and somebody erases everything. A step that
is cut short leaves the old or the new contents of each file, and the glasses start.
"""

import contextlib
import functools
import hashlib
import random

import cbor2
import pytest
from emulated_flash import Flash, PowerCut
from glasses import bonds, config, journal, protocol, smp, storage, update, wearer
from glasses.boot import slots, start, trust, unpack
from glasses.smp import files
from glint import events
from request_cases import frame
from sweep import share
from test_bonds import LINK, connect, pair, peer
from test_journal import clock  # noqa: F401
from update_images import APP, BOARD, make
from workbench.build import romfs

PREPARE = lambda _: None  # noqa: E731
CUTS_A_LIFE = 50
LIVES = 200
MODEL = "/models/mine.tflite"
CHUNK_BYTES = 300

pytestmark = pytest.mark.usefixtures("clock")


@functools.cache
def image():
    """An update."""
    return make("1.1.0", payload=romfs.build(APP))


class Life:
    """Glasses on a flash, and the contents that it must have when they start.

    Attributes:
        before, after: The contents before and after the current step; of each kind, either may
            be found.
    """

    def __init__(self, flash, rng, monkeypatch):
        self.flash = flash
        self.rng = rng
        self._monkeypatch = monkeypatch
        self.peers = set()
        self.settings = dict(config.DEFAULTS)
        self.model = None
        self.count = 0  # wakes
        self.must, self.may = [], []
        self.failed = []  # steps that reported failure
        monkeypatch.setattr(wearer, "reset", lambda: None)
        self.boot()

    def boot(self):
        """Starts the glasses when power is back."""
        self.flash = self.flash.copy()
        modules = (bonds, config, journal, slots, start, trust, unpack, update, wearer, files)
        self.flash.use(self._monkeypatch, *modules)
        self.stored = slots.Slots("/update")
        assert start.choose(self.stored, PREPARE, True) in (start.BUILTIN, start.SAFE)
        self.bonds = bonds.Bonds("/bonds.json")
        self.journal = journal.Journal(journal.JournalFile("/journal.bin"))
        self.updater = update.Updater("", BOARD)
        self.server = smp.Server()
        files.Files(self.server, "/models")
        self.numbers = {}

    # The steps, and the results that they must have.

    def pair(self):
        number = self.rng.randrange(8)
        self.bonds.window.open()
        known = number in self.peers
        if len(self.peers) < protocol.LIMIT_BONDS or known:
            self.new_peers = self.peers | {number}
            assert pair(self.bonds, number)
            self.bonds.end(LINK)
        self.bonds.window.is_open = False
        self._stored(self.bonds.save())

    def revoke(self):
        for bond in list(self.bonds):
            if self.rng.random() < 0.4:
                number = bond.key[1]
                self.new_peers = self.new_peers - {number}
                self.bonds.remove(bond)
                assert connect(self.bonds, number) is None  # at once
                self.bonds.end(LINK)
        self._stored(self.bonds.save())

    def name(self):
        for bond in self.bonds:
            self.bonds.rename(bond, "x" * self.rng.randrange(32))
        self._stored(self.bonds.save())

    def configure(self):
        changes = {"wake_audio_ms": self.rng.randrange(1000, 60000)}
        if self.rng.random() < 0.5:
            changes["name"] = "x" * self.rng.randrange(1, 11)
        self.new_settings = self.settings | changes
        try:
            config.save("/config.json", changes)
        except OSError:
            self._stored(False)

    def note(self):
        for _ in range(self.rng.randrange(1, 30)):
            self.count += 1
            about = {"word": str(self.count), "p": 0.5, "at_ms": 1}
            self.may.append(self.count)
            self.numbers[self.journal.append(protocol.EVENT_WAKE, about)] = self.count
        self._save_journal()

    def acknowledge(self):
        number = self.rng.randrange(self.journal.unread, self.journal.next + 1)
        gone = {n for sequence, n in self.numbers.items() if sequence <= number}
        self.must = [n for n in self.must if n not in gone]
        self.journal.acknowledge(number)
        self._save_journal(gone)

    def _save_journal(self, gone=()):
        self.journal.save()
        if self.journal._broken:
            self._stored(False)
        else:
            self.may = [n for n in self.may if n not in gone]
            kept = [n for n in self.numbers.values() if n in self.may]
            self.must = kept[-journal.RESTORED_MAX :]

    def crash(self):
        self.stored.crashed("Traceback...\nKeyError: " + "x" * self.rng.randrange(5000))

    def stop(self):
        self.rng.choice([self.stored.stopped, self.stored.healthy])()

    def upload(self):
        data = self.rng.randbytes(self.rng.randrange(1, 4000))
        self.new_model = data
        for at in range(0, len(data), CHUNK_BYTES):
            body = {"name": MODEL, "off": at, "data": data[at : at + CHUNK_BYTES]}
            if at == 0:
                body["len"] = len(data)
            (answer,) = self.server.receive(frame(8, 0, 2, body, 1))
            said = cbor2.loads(answer[8:])
            if "off" not in said:
                assert said["err"] == {"group": 8, "rc": protocol.FILE_RC_WRITE_FAILED}
                self.new_model = self.model
                self._stored(False)
                return

    def update(self):
        """Uploads an image, or continues an upload that was cut short; the image is not started."""
        try:
            at = self.updater.begin(len(image()), hashlib.sha256(image()).digest(), False)
            while at < len(image()):
                at = self.updater.write(at, image()[at : at + CHUNK_BYTES])
            for _ in self.updater.finishing():
                pass
        except (OSError, update.ImageError):
            self._stored(False)

    def erase(self):
        self.new_peers, self.new_settings = set(), dict(config.DEFAULTS)
        self.must = []
        wearer.erase("")
        self.may = []
        self.peers, self.settings = self.new_peers, self.new_settings
        self.boot()

    def _stored(self, done):
        if not done:
            self.failed.append(self.step)

    def do(self, step):
        self.step = step
        self.new_peers, self.new_settings = set(self.peers), dict(self.settings)
        self.new_model = self.model
        failed = len(self.failed)
        getattr(self, step)()
        if len(self.failed) == failed:
            self.peers, self.settings = self.new_peers, self.new_settings
            self.model = self.new_model
        else:
            self.boot()
            self.check()

    def check(self):
        """Checks after a start that everything is as before the step or as after it."""
        assert not self.bonds.damaged
        found = {bond.key[1] for bond in self.bonds}
        assert found in (self.peers, self.new_peers)
        assert bool(found) <= (not self.bonds.window.is_open)
        for number in found:
            assert connect(self.bonds, number).key == peer(number)
            self.bonds.end(LINK)
        self.peers = found
        settings, wrong = config.load("/config.json")
        assert wrong == []
        assert settings in (self.settings, self.new_settings)
        self.settings = settings
        model = self.flash.files.get(MODEL)
        assert model in (self.model, self.new_model)
        self.model = model
        for slot in (0, 1):  # an image is there whole, or not at all
            assert self.flash.files.get(f"/update/{slot}.img") in (None, image())
        read = []
        for number in range(self.journal.first, self.journal.next):
            read.append(events.decode(self.journal.read(number)))
        wakes = {event.seq: int(event.word) for event in read if isinstance(event, events.Wake)}
        words = list(wakes.values())
        assert words == sorted(set(words))
        if len(words) >= journal.RESTORED_MAX - 2:  # the newest: more may have been written since
            self.must = [n for n in self.must if n >= words[0]]
        assert set(self.must) <= set(words) <= set(self.may)
        self.numbers, self.must, self.may = wakes, list(words), list(words)


STEPS = [
    *("pair", "revoke", "name", "configure", "acknowledge", "crash", "stop", "upload", "update"),
    *("note", "note", "note"),
]


@pytest.mark.parametrize("seed", share(range(LIVES), 6))
def test_power_fails_again_and_again(seed, monkeypatch):
    """10,000 random cuts in `make test-all`."""
    rng = random.Random(seed)
    manner = rng.choice(["through", "synced"])
    life = Life(Flash(manner, folders=["/update", "/models"]), rng, monkeypatch)
    cuts = 0
    while cuts < CUTS_A_LIFE:
        life.flash.cut_at = life.flash.operations + rng.randrange(60)
        life.flash.torn = manner == "through" and rng.random() < 0.5
        with contextlib.suppress(PowerCut):
            while True:
                life.do("erase" if rng.random() < 0.01 else rng.choice(STEPS))
                if life.flash.cut_at is None:
                    life.flash.cut_at = life.flash.operations + rng.randrange(60)
        cuts += 1
        life.boot()
        life.check()


@pytest.mark.parametrize("step", sorted(set(STEPS) | {"erase"}))
@pytest.mark.parametrize("manner", ["through", "synced"])
def test_the_flash_fills_up_before_any_step(step, manner, monkeypatch):
    """Nothing raises; failed steps report that; and revoked companions stay revoked."""
    for free_bytes in share([0, 1, 10, 100, 400, 1000, 3000, 8192], 3):
        rng = random.Random(step)
        life = Life(Flash(manner, folders=["/update", "/models"]), rng, monkeypatch)
        for each in (*STEPS, "pair", "pair", "note"):
            life.do(each)
        assert life.failed == []
        life.flash.fill(free_bytes)
        for each in [step, *rng.sample(STEPS, len(STEPS)), step]:
            life.do(each)
            life.boot()
            life.check()
        # Bonds are still stored, and uploads leave the free space alone.
        assert {"pair", "revoke", "name", "erase"}.isdisjoint(life.failed)
        assert {"upload", "update"} <= set(life.failed)
        assert life.stored.state["active"] == ""
        # Once there is room, everything works again.
        life.flash.fill(1 << 20)
        life.failed.clear()
        for each in STEPS:
            life.do(each)
        assert life.failed == []


def test_a_reset_and_a_crash_end_well_on_a_full_flash(monkeypatch):
    life = Life(Flash(folders=["/update"]), random.Random(1), monkeypatch)
    life.stored.healthy()
    life.flash.fill()
    for count in range(1, slots.CRASHES_MAX + 1):
        life.stored.crashed("Traceback...\nKeyError: x")
        assert slots.Slots("/update").state["crashes"] == count
        life.stored = slots.Slots("/update")
    assert start.choose(life.stored, PREPARE, False) == start.SAFE
    assert start.choose(slots.Slots("/update"), PREPARE, False) == start.BUILTIN  # one more chance
    # If it has no room of its own, everything goes on in memory.
    del life.flash.files["/update/state.json" + storage.SPARE]
    life.flash.fill()
    life.stored.crashed("x")
    life.stored.stopped()
    life.stored.healthy()
    assert start.choose(life.stored, PREPARE, False) == start.BUILTIN


def test_the_exceptions_of_safe_mode_are_not_the_applications(monkeypatch):
    flash = Flash(folders=["/update"])
    flash.use(monkeypatch, slots, start)
    for _ in range(slots.CRASHES_MAX):
        start.choose(slots.Slots("/update"), PREPARE, False)
        slots.Slots("/update").crashed("KeyError: the application's")
    assert start.choose(slots.Slots("/update"), PREPARE, False) == start.SAFE
    slots.Slots("/update").crashed("KeyError: safe mode's", counted=False)
    assert slots.Slots("/update").crash_report().endswith("safe mode's")
    assert start.choose(slots.Slots("/update"), PREPARE, False) == start.BUILTIN
