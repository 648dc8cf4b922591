# SPDX-License-Identifier: Apache-2.0
"""The two slots for update images on the flash, and which of them starts.

    update/0.img, 1.img   a whole image, verified before it got this name
    update/0/, 1/         its files, where no ROMFS can be mounted; complete if `hash` is there
    update/upload.*       what is being uploaded
    update/state.json     names images by their hash, so that no order of writes can mix two up
    update/crash.txt      the last crash

Files that matter are written beside themselves and renamed; power may fail at any point.
"""

import json

from glasses import protocol, storage
from glasses.boot.image import Image, ImageError, hex_name

COUNT = 2
CRASHES_MAX = 3
CRASH_REPORT_MAX = 4000
# Images by the hash that names them, in hex; "" is the application the slots are there to replace.
_DEFAULTS = {
    "confirmed": "",  # starts unless something else is to be tried
    "pending": "",  # starts next
    "permanent": False,  # and is confirmed by that
    "trying": "",  # On trial: reverted by the next start unless it is confirmed.
    "active": "",  # runs
    "starting": False,  # it has started and not run well for a while yet
    "crashes": 0,  # in a row, of what is confirmed
    "refused": "",  # why the last update was not started
}


class Slots:
    """What is stored about images in `folder`, read again for each object.

    Attributes:
        state: A map with the keys of _DEFAULTS.
    """

    def __init__(self, folder):
        self.folder = folder
        self.state = dict(_DEFAULTS)
        try:
            with open(folder + "/state.json") as file:
                stored = json.load(file)
            for key, default in _DEFAULTS.items():
                if isinstance(stored.get(key), type(default)):
                    self.state[key] = stored[key]
        except Exception:
            pass  # None yet, or unreadable: begin with the built-in application.

    def write(self, **changes):
        """Changes the state, as a whole or not at all. Raises OSError."""
        state = dict(self.state)
        state.update(changes)
        if state != self.state:
            storage.make_folder(self.folder)
            storage.secure(self.folder + "/state.json", json.dumps(state))
            self.state = state

    def note(self, **changes):
        """Changes the state; False when the flash does not take it, which must not end anything."""
        try:
            self.write(**changes)
        except OSError as error:
            print("glasses: state not written:", error)
            return False
        return True

    def path(self, index):
        """The image file of a slot."""
        return "%s/%d.img" % (self.folder, index)

    def image(self, index):
        """What the image in a slot says of itself, or None."""
        try:
            with open(self.path(index), "rb") as file:
                return Image(file, storage.size(self.path(index)))
        except (OSError, ImageError):
            return None

    def find(self, name):
        """The slot that holds the image with this hash in hex, or None."""
        for index in range(COUNT) if name else ():
            image = self.image(index)
            if image is not None and hex_name(image.hash) == name:
                return index
        return None

    def spare(self):
        """The slot that an update may use: neither runs nor is what to fall back to.

        Raises ImageError while an update is pending or on trial.
        """
        state = self.state
        if state["pending"] or state["trying"]:
            why = "an update is pending or on trial: reset, confirm or erase it first"
            raise ImageError(why, protocol.IMAGE_RC_ALREADY_PENDING)
        used = [self.find(state[role]) for role in ("active", "confirmed")]
        for index in range(COUNT):
            if index not in used:
                return index
        raise ImageError("both slots are in use", protocol.IMAGE_RC_NO_FREE_SLOT)

    def other(self):
        """The slot that SMP calls 1: the one that does not run."""
        active = self.find(self.state["active"])
        if active is not None:
            return 1 - active
        confirmed = self.find(self.state["confirmed"])
        return 0 if confirmed is None else 1 - confirmed

    def crashed(self, report, why=None, counted=True):
        """Notes that something ended with an error.

        Args:
            report: The error's trace.
            why: What ended it in one line, or the report's last.
            counted: Whether it was the application, which has only so many tries.
        """
        if counted:
            refused = self.state["refused"]
            if self.state["trying"]:
                refused = "it crashed: " + (why or report.strip().split("\n")[-1])
            crashes = min(self.state["crashes"] + 1, CRASHES_MAX)
            self.note(starting=False, crashes=crashes, refused=refused)
        try:
            storage.make_folder(self.folder)
            storage.replace(self.folder + "/crash.txt", report[-CRASH_REPORT_MAX:])
        except OSError as error:
            print("glasses: crash not written:", error)

    def stopped(self):
        """Notes that the application ended on request."""
        self.note(starting=False)

    def healthy(self):
        """Notes that the application has run well for a while."""
        self.note(starting=False, crashes=0)

    def crash_report(self):
        """The last crash, or ""."""
        try:
            with open(self.folder + "/crash.txt") as file:
                return file.read(CRASH_REPORT_MAX)
        except (OSError, ValueError):
            return ""
