# SPDX-License-Identifier: Apache-2.0
"""The part of the glasses that concerns updates and settings, on an emulated flash."""

import hashlib
import json
import struct

from emulated_flash import Flash
from glasses import bonds, config, journal, update
from glasses.boot import slots, start, trust, unpack
from glasses.boot.image import version_text
from glasses.boot.romfs import Reader
from glasses.boot.trust import Trust
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


def choose(device, permanent=False):
    device.updater.choose(device.stored.image(device.stored.other()).hash, permanent)
