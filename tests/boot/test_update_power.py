# SPDX-License-Identifier: Apache-2.0
"""Power fails before and after every change of the flash in an update; the glasses start again."""

import contextlib
import hashlib
import json
import random
import struct

import pytest
from emulated_flash import Flash, PowerCut
from glasses import bonds, config, journal, update
from glasses.boot import slots, start, trust, unpack
from glasses.boot.image import hex_name, version_text
from glasses.boot.romfs import Reader
from glasses.boot.trust import Trust
from sweep import share
from update_images import APP, BOARD, make
from workbench.build import romfs

MODULES = (bonds, start, config, journal, slots, trust, unpack, update)
UPDATE = "/update"
CONFIG = {"name": "Mine", "words": ["alexa"]}
# Keys of a peer, as NimBLE hands them over: made by LE Secure Connections.
BOND = b"\x01peer..", bytes(74) + b"\x04" + bytes(5)
NEW_BOND = b"\x01other.", bytes(74) + b"\x05" + bytes(5)
CHUNK_BYTES = 300
JOURNAL = "/journal.bin"
# Event records: header, and a CBOR map of one short text. None of them is acknowledged.
RECORDS = [struct.pack("<IIBBBB", i, 100 * i, 7, 0xA1, 0x60, 0x20 + i) for i in range(1, 6)]
NEW_RECORD = struct.pack("<IIBBBB", 6, 600, 7, 0xA1, 0x60, 0x26)
# The application beneath the slots has config.FIRMWARE's version.
VERSIONS = ["0.9.0", "1.0.0", "1.1.0"]


# The journal's file, as a companion that has read nothing finds it.
KEPT = [(RECORDS, 0), ([*RECORDS, NEW_RECORD], 0)]


def payload(version):
    return romfs.build(APP | {"glasses/config.py": version.encode(), "glasses/x/y.py": b"y" * 99})


def image(version):
    return make(version, payload=payload(version))


class Device:
    """The part of the glasses that concerns updates and settings, on a flash."""

    def __init__(self, flash, monkeypatch, unpacks):
        flash.use(monkeypatch, *MODULES)
        self.flash = flash
        self._prepare = start.unpacker if unpacks else start.verifier
        self._unpacks = unpacks

    def start(self, lost_power=True):
        """Starts; returns the running version, checked to be complete, or boot.SAFE."""
        self.stored = slots.Slots(UPDATE)
        trusted = Trust("", self.stored)
        prepare = self._prepare(self.stored, BOARD, trusted)
        choice = start.choose(self.stored, prepare, lost_power)
        self.updater = update.Updater("", BOARD)
        if choice == start.SAFE:
            return choice
        if choice == start.BUILTIN:
            return config.FIRMWARE
        running = self.stored.image(choice)
        with self.flash.open(self.stored.path(choice), "rb") as file:
            running.verify(file, BOARD, trusted)
            entries = Reader(file, running.payload_at, running.payload_bytes).entries()
            files = {path: (at, length) for path, at, length in entries if at is not None}
            assert self.updater.running_version() == running.version
            if self._unpacks:
                data = file.getvalue()
                for path, (at, length) in files.items():
                    there = self.flash.files[f"{UPDATE}/{choice}/{path}"]
                    assert there == data[at : at + length], path
        return version_text(running.version)

    def upload(self, data):
        updater = self.updater
        at = updater.begin(len(data), hashlib.sha256(data).digest(), False)
        while at < len(data):
            at = updater.write(at, data[at : at + CHUNK_BYTES])
        for _ in updater.finishing():
            pass

    def install(self, data):
        """Uploads an image, tries it and confirms it."""
        self.upload(data)
        name = self.stored.image(self.stored.other()).hash
        self.updater.choose(name, False)
        self.start()
        self.updater.confirm()
        self.updater.stored.healthy()

    def pair(self, bond):
        kept = bonds.Bonds("/bonds.json")
        kept.window.open()
        kept.begin(1, bond[0])
        for kind in (bonds.OURS, bonds.THEIRS):
            kept.set(kind, *bond)
        kept.encrypted(1, True, True, bonds.KEY_BYTES)
        assert kept.peer(1)
        kept.save()

    def note(self, records):
        """Adds records to the journal."""
        journal.JournalFile(JOURNAL).append(records)

    def check_kept(self):
        """Checks that neither the wearer's settings nor unread events are lost."""
        assert journal.JournalFile(JOURNAL).read() in KEPT
        settings, _ = config.load("/config.json")
        assert (settings["name"], settings["words"]) == (CONFIG["name"], CONFIG["words"])
        assert settings["wake_audio_ms"] in (config.DEFAULTS["wake_audio_ms"], 2000)
        kept = bonds.Bonds("/bonds.json")
        for kind in (bonds.OURS, bonds.THEIRS):
            assert kept.get(kind, 0, BOND[0]) == BOND[1]
            assert kept.get(kind, 0, NEW_BOND[0]) in (None, NEW_BOND[1])

    def check_new(self):
        """Checks that what was done before a cut is in effect."""
        assert journal.JournalFile(JOURNAL).read() == KEPT[1]
        assert config.load("/config.json")[0]["wake_audio_ms"] == 2000
        assert bonds.Bonds("/bonds.json").get(bonds.OURS, 0, NEW_BOND[0]) == NEW_BOND[1]


def factory(manner):
    return Flash(manner, {"/config.json": json.dumps(CONFIG).encode()})


def life(device, phases):
    """A whole update; appends the name of each phase to `phases` as it is reached."""
    device.start()
    device.upload(image(VERSIONS[2]))
    device.pair(NEW_BOND)
    device.note([NEW_RECORD])
    config.save("/config.json", {"wake_audio_ms": 2000})
    phases.append("uploaded")
    device.updater.choose(device.stored.image(device.stored.other()).hash, False)
    device.start()
    phases.append("tried")
    device.updater.confirm()
    phases.append("confirmed")
    device.updater.stored.healthy()
    device.start()


@pytest.mark.parametrize("updates_before", [0, 1, 2])
@pytest.mark.parametrize("unpacks", [True, False], ids=["unpacked", "mounted"])
@pytest.mark.parametrize(("manner", "torn"), [("through", 0), ("through", 1), ("synced", 0)])
def test_power_fails_at_every_change(monkeypatch, manner, torn, unpacks, updates_before):
    chance = random.Random(1)
    before = factory(manner)
    device = Device(before, monkeypatch, unpacks)
    device.start()
    device.pair(BOND)
    device.note(RECORDS)
    old = config.FIRMWARE
    for version in VERSIONS[:updates_before]:
        device.start()
        device.install(image(version))
        old = version
    new = VERSIONS[2]

    whole = before.copy()
    life(Device(whole, monkeypatch, unpacks), [])
    assert whole.operations > 20

    for cut_at in range(whole.operations + 1):
        flash = before.copy()
        flash.cut_at, flash.torn = cut_at, bool(torn)
        phases = []
        try:
            life(Device(flash, monkeypatch, unpacks), phases)
        except PowerCut:
            assert flash.operations > cut_at
        else:
            assert cut_at == whole.operations

        # Power fails once more while it starts, then stays.
        flash = flash.copy()
        flash.cut_at, flash.torn = chance.randrange(12), bool(torn)
        with contextlib.suppress(PowerCut):
            Device(flash, monkeypatch, unpacks).start()
        flash = flash.copy()
        device = Device(flash, monkeypatch, unpacks)
        runs = device.start()
        assert runs in (old, new)
        if "uploaded" not in phases:
            assert runs == old
        else:
            device.check_new()
        if "confirmed" in phases:
            assert runs == new
        device.check_kept()

        # What was begun can be finished.
        runs = device.start()
        assert runs in (old, new)
        if runs != new:
            device.upload(image(new))
            device.updater.choose(device.stored.image(device.stored.other()).hash, False)
            assert device.start() == new
        device.updater.confirm()
        assert device.start() == new
        device.check_kept()


def attempt(step, *arguments):
    """Runs a step; returns whether it succeeded. One that fails must raise an expected error."""
    try:
        step(*arguments)
    except (OSError, update.ImageError):
        return False
    return True


@pytest.mark.parametrize("updates_before", [0, 1, 2])
@pytest.mark.parametrize("unpacks", [True, False], ids=["unpacked", "mounted"])
@pytest.mark.parametrize("manner", ["through", "synced"])
def test_the_flash_fills_up_at_every_change(monkeypatch, manner, unpacks, updates_before):
    before = factory(manner)
    device = Device(before, monkeypatch, unpacks)
    device.start()
    device.pair(BOND)
    device.note(RECORDS)
    old, new = config.FIRMWARE, VERSIONS[2]
    for version in VERSIONS[:updates_before]:
        device.start()
        device.install(image(version))
        old = version
    whole = before.copy()
    life(Device(whole, monkeypatch, unpacks), [])

    for full_at in share(range(whole.operations), 15):
        flash = before.copy()
        flash.full_at = full_at
        device = Device(flash, monkeypatch, unpacks)
        device.start()
        chosen = confirmed = False
        if attempt(device.upload, image(new)):
            name = device.stored.image(device.stored.other()).hash
            chosen = attempt(device.updater.choose, name, False)
        runs = device.start()
        assert runs in (old, new if chosen else old)
        if runs == new:
            confirmed = attempt(device.updater.confirm)
            device.updater.stored.healthy()
        runs = device.start()
        # A confirmation that reported failure may still hold: its changes to the trusted keys
        # are then still to be written.
        assert runs in ((new,) if confirmed else (old, new))
        device.check_kept()
        # Once there is room, what was begun can be finished.
        flash.full_at = None
        flash.capacity_bytes = 1 << 24
        if runs != new:
            device.upload(image(new))
            device.updater.choose(device.stored.image(device.stored.other()).hash, False)
            assert device.start() == new
            device.updater.confirm()
        assert device.start() == new
        device.check_kept()


def test_an_image_whose_files_were_half_removed_is_unpacked_anew(monkeypatch):
    before = factory("through")
    device = Device(before, monkeypatch, True)
    for version in VERSIONS[:2]:
        device.start()
        device.install(image(version))
    device.start()
    device.upload(image(VERSIONS[2]))
    device.pair(BOND)
    choose(device)
    whole = before.copy()
    Device(whole, monkeypatch, True).start()
    assert whole.operations > 10
    for cut_at in range(whole.operations):
        flash = before.copy()
        flash.cut_at = cut_at
        with pytest.raises(PowerCut):
            Device(flash, monkeypatch, True).start()
        # The previous version comes back instead of the one being unpacked.
        device = Device(flash.copy(), monkeypatch, True)
        device.stored = slots.Slots(UPDATE)
        device.updater = update.Updater("", BOARD)
        device.updater.erase()
        device.updater.downgrade = True
        device.upload(image(VERSIONS[0]))
        choose(device)
        assert device.start() == VERSIONS[0]


@pytest.mark.parametrize("manner", ["through", "synced"])
def test_power_fails_while_crashing(monkeypatch, manner):
    def crash_on(device):
        for _ in range(5):
            device.start()
            device.stored.crashed("Traceback...")

    whole = factory(manner)
    crash_on(Device(whole, monkeypatch, True))
    for cut_at in range(whole.operations):
        flash = factory(manner)
        flash.cut_at = cut_at
        with pytest.raises(PowerCut):
            crash_on(Device(flash, monkeypatch, True))
        device = Device(flash.copy(), monkeypatch, True)
        assert device.start() in (config.FIRMWARE, start.SAFE)
        assert config.load("/config.json")[0]["name"] == "Mine"


@pytest.fixture(params=[True, False], ids=["unpacked", "mounted"])
def device(monkeypatch, request):
    made = Device(factory("through"), monkeypatch, request.param)
    made.start()
    return made


def choose(device, permanent=False):
    device.updater.choose(device.stored.image(device.stored.other()).hash, permanent)


def test_an_update_that_is_not_confirmed_is_reverted(device):
    device.install(image("1.0.0"))
    device.upload(image("1.1.0"))
    choose(device)
    assert device.start() == "1.1.0"
    assert device.start() == "1.0.0"
    assert device.start() == "1.0.0"
    choose(device)  # it is still there, and may be tried again
    assert device.start() == "1.1.0"
    device.updater.confirm()
    assert [device.start(), device.start()] == ["1.1.0"] * 2


def test_the_first_update_reverts_to_what_lies_beneath(device):
    device.upload(image("1.0.0"))
    choose(device)
    assert device.start() == "1.0.0"
    assert device.start() == config.FIRMWARE


def test_an_update_that_crashes_is_reverted_whatever_ended_it(device):
    device.install(image("1.0.0"))
    device.upload(image("1.1.0"))
    for end in ("exception", "watchdog"):
        choose(device)
        assert device.start() == "1.1.0"
        if end == "exception":
            device.stored.crashed("boom")
        assert device.start(lost_power=False) == "1.0.0"
        assert device.stored.state["crashes"] == 0
        device.updater.stored.healthy()


def test_a_permanent_update_needs_no_confirmation(device):
    device.upload(image("1.0.0"))
    choose(device, permanent=True)
    assert [device.start(), device.start()] == ["1.0.0"] * 2


def test_three_crashes_lead_to_safe_mode_and_a_reset_to_one_more_chance(device):
    device.install(image("1.0.0"))
    for _ in range(3):
        assert device.start() == "1.0.0"
        device.stored.crashed("Traceback: it broke")
    assert device.start() == start.SAFE
    assert device.stored.crash_report() == "Traceback: it broke"
    assert device.start(lost_power=False) == "1.0.0"
    device.stored.crashed("again")
    assert device.start() == start.SAFE
    assert device.start() == "1.0.0"
    device.stored.healthy()
    device.stored.crashed("once")
    assert device.start() == "1.0.0"


def test_a_held_button_starts_safe_mode_and_what_was_to_start_starts_next(device):
    device.upload(image("1.0.0"))
    choose(device)
    prepare = start.verifier(device.stored, BOARD, device.updater.trust)
    assert start.choose(slots.Slots(UPDATE), prepare, True, held=True) == start.SAFE
    assert device.start(lost_power=False) == "1.0.0"
    assert start.choose(slots.Slots(UPDATE), prepare, True, held=True) == start.SAFE
    assert device.start(lost_power=False) == config.FIRMWARE  # on trial, it was not confirmed


def test_starts_that_hang_count_unless_power_was_lost(device):
    device.updater.stored.stopped()
    for _ in range(5):
        assert device.start(lost_power=True) == config.FIRMWARE
    assert [device.start(lost_power=False) for _ in range(3)] == [
        config.FIRMWARE,
        config.FIRMWARE,
        start.SAFE,
    ]


def test_safe_mode_takes_an_update_and_that_starts(device):
    device.install(image("1.0.0"))
    for _ in range(3):
        device.start()
        device.stored.crashed("boom")
    assert device.start() == start.SAFE
    device.upload(image("1.1.0"))
    choose(device)
    assert device.start(lost_power=False) == "1.1.0"


def test_a_damaged_image_is_not_started(device):
    device.install(image("1.0.0"))
    device.upload(image("1.1.0"))
    choose(device)
    path = device.stored.path(device.stored.other())
    data = bytearray(device.flash.files[path])
    data[100] ^= 1
    device.flash.files[path] = bytes(data)
    assert device.start() == "1.0.0"
    assert "damaged" in device.stored.state["refused"]


def test_with_the_confirmed_image_gone_what_lies_beneath_starts(device):
    device.install(image("1.0.0"))
    device.flash.files[device.stored.path(0)] = b"nothing"
    assert device.start() == config.FIRMWARE
    device.flash.files[UPDATE + "/state.json"] = b"\xff{"
    assert device.start() == config.FIRMWARE


def test_an_incomplete_unpacking_is_done_again(monkeypatch):
    device = Device(factory("through"), monkeypatch, True)
    device.start()
    device.install(image("1.0.0"))
    device.flash.files[UPDATE + "/0/hash"] = b"another"
    device.flash.files[UPDATE + "/0/glasses/app.py"] = b"half"
    device.flash.files[UPDATE + "/0/stray"] = b""
    assert device.start() == "1.0.0"
    assert UPDATE + "/0/stray" not in device.flash.files


def test_a_full_flash_refuses_the_upload_and_starts_all_the_same(device):
    device.install(image("1.0.0"))
    device.flash.fill()
    with pytest.raises(update.ImageError, match="bytes free"):
        device.upload(image("1.1.0"))
    assert device.start() == "1.0.0"
    assert hex_name(device.stored.image(0).hash) == device.stored.state["confirmed"]
