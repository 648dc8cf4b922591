# SPDX-License-Identifier: Apache-2.0
"""Receives update images over the link, and decides which of them starts next."""

import json
import os
from binascii import unhexlify

from glasses import config, protocol, storage
from glasses.boot import slots, unpack
from glasses.boot.image import Image, ImageError, hex_name, parse_version, version_text
from glasses.boot.romfs import Reader, RomfsError
from glasses.boot.trust import Trust

# An upload that loses power resumes at most so far back.
FLUSH_BYTES = 0x4000
HASH_BYTES = 32
APP = ("glasses/app.py", "glasses/app.mpy")


class Updater:
    """The slots, as requests change them.

    Attributes:
        stored: The Slots.
        trust: The Trust.
        downgrade: Whether images older than what runs are accepted.
        refused: Why the last upload was refused, or "".
    """

    def __init__(self, flash, board_name):
        folder = flash + "/update"
        self.stored = slots.Slots(folder)
        self.trust = Trust(flash, self.stored)
        self.downgrade = False
        self.refused = self.stored.state["refused"]
        self._board = board_name
        self._data_path = folder + "/upload.img"
        self._about_path = folder + "/upload.json"
        self._file = None
        self._about = None
        self._at = 0
        self._unflushed = 0

    def running_version(self):
        """The version of what runs."""
        active = self.stored.find(self.stored.state["active"])
        if active is None:
            return parse_version(config.FIRMWARE)
        return self.stored.image(active).version

    def signed(self):
        """The hash of the key that what runs is signed with; empty if it came over a cable."""
        active = self.stored.find(self.stored.state["active"])
        return b"" if active is None else self.stored.image(active).key_hash

    @property
    def on_trial(self):
        """Whether what runs is an update that is not confirmed."""
        return bool(self.stored.state["trying"])

    def images(self):
        """The slots as SMP lists them: 0 runs, 1 is the other."""
        state = self.stored.state
        first = {"slot": 0, "version": version_text(self.running_version()), "active": True}
        if state["active"]:
            first["hash"] = unhexlify(state["active"])
        first["bootable"] = True
        first["confirmed"] = state["active"] == state["confirmed"]
        found = [first]
        image = self.stored.image(self.stored.other())
        if image is not None:
            name = hex_name(image.hash)
            pending = state["pending"] == name
            found.append(
                {
                    "slot": 1,
                    "version": version_text(image.version),
                    "hash": image.hash,
                    "bootable": True,
                    "pending": pending,
                    "confirmed": state["confirmed"] == name,
                    "active": False,
                    "permanent": pending and state["permanent"],
                }
            )
        return found

    def choose(self, digest, permanent):
        """Lets an image start next: once, to be tried, or for good.

        Raises ImageError.
        """
        name = hex_name(digest)
        state = self.stored.state
        if name == state["active"]:
            if not permanent:
                raise ImageError("it is already running", protocol.IMAGE_RC_TEST_OF_ACTIVE)
            return self.confirm()
        index = self.stored.find(name)
        if index is None:
            raise ImageError("no slot holds this image", protocol.IMAGE_RC_NO_IMAGE)
        if state["trying"]:
            why = "an update is on trial: confirm it or reset first"
            raise ImageError(why, protocol.IMAGE_RC_ALREADY_PENDING)
        image = self.stored.image(index)
        try:
            self.trust.check(image)
        except ImageError as error:
            self.refused = str(error)
            raise
        self._check_version(image, False)
        self.trust.save()
        self.stored.write(pending=name, permanent=permanent)

    def confirm(self):
        """What runs now is to start from now on, and what it changes in what is trusted counts.

        Raises OSError when the flash does not take it; then this is to be done again.
        """
        self.stored.write(confirmed=self.stored.state["active"], trying="")
        self.trust.settle(self.stored)
        self.trust.save()

    def erase(self):
        """Empties the slot that does not run, and forgets what was uploaded.

        Raises ImageError when that is what to fall back to.
        """
        index = self.stored.other()
        state = self.stored.state
        if state["confirmed"] and self.stored.find(state["confirmed"]) == index:
            why = "the slot holds what the glasses fall back to"
            raise ImageError(why, protocol.IMAGE_RC_ALREADY_PENDING)
        self._forget()
        self.stored.write(pending="", permanent=False)
        storage.remove(self.stored.path(index))
        unpack.clear("%s/%d" % (self.stored.folder, index))

    # Uploading.

    def begin(self, length, digest, upgrade):
        """Begins an upload, or goes on with one that was interrupted; returns where.

        Args:
            length: Bytes of the image.
            digest: SHA-256 of all of it, or None: then it cannot be resumed.
            upgrade: Whether to take it only if it is newer than what runs.
        """
        self.refused = ""
        self.stored.spare()
        if not protocol.IMAGE_HEADER_BYTES <= length <= protocol.LIMIT_IMAGE_BYTES:
            why = "an image has at most %d bytes" % protocol.LIMIT_IMAGE_BYTES
            raise ImageError(why, protocol.IMAGE_RC_IMAGE_TOO_LARGE)
        self._close()
        digest = hex_name(digest) if digest else ""
        about = {"length": length, "digest": digest, "upgrade": bool(upgrade)}
        if not digest or about != self._stored_about():
            self._forget()
            self._check_room(length)
            storage.make_folder(self.stored.folder)
            storage.replace(self._about_path, json.dumps(about))
        self._about = about
        self._at = storage.size(self._data_path)
        if self._at > length:
            storage.remove(self._data_path)
            self._at = 0
        self._file = open(self._data_path, "ab")
        return self._at

    def write(self, at, data):
        """Adds bytes; returns where the next belong. Those that do not belong there are dropped.

        Raises ImageError; OSError when the flash does not take them.
        """
        if self._about is None:
            raise ImageError("no upload was begun", protocol.IMAGE_RC_INVALID_OFFSET)
        if at != self._at:
            return self._at
        if at + len(data) > self._about["length"]:
            raise ImageError("more than the image's length", protocol.IMAGE_RC_DATA_OVERRUN)
        if at == 0:
            try:
                Image.check_magic(data)
            except ImageError as error:
                self._give_up(error)
                raise
        try:
            self._file.write(data)
            storage.wrote(len(data))
            self._unflushed += len(data)
            if self._unflushed >= FLUSH_BYTES:
                self._unflushed = 0
                self._file.flush()
                storage.check_room(self.stored.folder, 0)  # others write, too
        except OSError:
            self._close()  # how much of it was written, the next `begin` finds out
            raise
        self._at += len(data)
        return self._at

    @property
    def complete(self):
        """Whether all bytes are there, and only `finishing` is left to do."""
        return self._about is not None and self._at == self._about["length"]

    def finishing(self):
        """Verifies what was uploaded and gives it to its slot: a generator that stops often.

        Raises ImageError; then the upload is gone, and nothing else has changed. Given up half
        way, it can be done again after `begin`.
        """
        about = self._about
        self._close()
        try:
            with open(self._data_path, "rb") as file:
                image = Image(file, about["length"])
                yield from image.verifying(file, self._board, self.trust)
                if about["digest"] and hex_name(image.file_hash) != about["digest"]:
                    why = "the image is not what was announced"
                    raise ImageError(why, protocol.IMAGE_RC_INVALID_HASH)
                self._check_version(image, about["upgrade"])
                yield from _checking_payload(file, image)
        except ImageError as error:
            self._give_up(error)
            raise
        os.rename(self._data_path, self.stored.path(self.stored.spare()))
        storage.remove(self._about_path)

    def _check_version(self, image, upgrade):
        running = self.running_version()
        if image.version < running and not self.downgrade or upgrade and image.version <= running:
            why = "version %s runs, which is newer than %s"
            raise ImageError(
                why % (version_text(running), version_text(image.version)),
                protocol.IMAGE_RC_CURRENT_IS_NEWER,
            )

    def _check_room(self, length):
        folder = self.stored.folder[: self.stored.folder.rfind("/")] or "/"
        try:
            # Once as an image and, where it cannot be mounted, once more as its files.
            storage.check_room(folder, 2 * length)
        except OSError as error:
            raise ImageError(str(error), protocol.IMAGE_RC_IMAGE_TOO_LARGE)

    def _stored_about(self):
        try:
            with open(self._about_path) as file:
                return json.load(file)
        except (OSError, ValueError):
            return None

    def _close(self):
        self._about = None
        self._unflushed = 0
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def _give_up(self, error):
        self.refused = str(error)
        self._forget()

    def _forget(self):
        self._close()
        storage.remove(self._about_path)
        storage.remove(self._data_path)


def _checking_payload(file, image):
    app = False
    try:
        for path, _, _ in Reader(file, image.payload_at, image.payload_bytes).entries():
            app = app or path in APP
            yield
    except RomfsError as error:
        raise ImageError(str(error), protocol.IMAGE_RC_INVALID_PAYLOAD)
    if not app:
        raise ImageError("the image has no " + APP[0], protocol.IMAGE_RC_INVALID_PAYLOAD)
