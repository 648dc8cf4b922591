# SPDX-License-Identifier: Apache-2.0
"""Chooses what starts: the application of a slot, the one beneath the slots, or safe mode.

An update starts once; unless it is confirmed by then, the next start goes back to what was
confirmed before. What is confirmed and crashes three times in a row is followed by safe mode,
once: a reset gives it another chance, and one more crash leads to safe mode again.
"""

import asyncio
import io
import os
import sys

try:
    from vfs import VfsRom, mount
except ImportError:  # an image without it: slots are unpacked
    VfsRom = None
try:
    from machine import WDT
except ImportError:  # a board without: an update that hangs waits for a reset
    WDT = None

from glasses import config, protocol
from glasses.boot import keys, slots, unpack
from glasses.boot.image import ImageError, hex_name, version_text
from glasses.boot.reset import reset
from glasses.boot.romfs import RomfsError
from glasses.boot.trust import Trust

# Instead of a slot's number.
BUILTIN = -1
SAFE = -2

MOUNT = "/slot"
# What keeps its tasks from running for so long is reset; an update on trial is reverted, too.
WATCHDOG_MS = 30000
TRIAL_WATCHDOG_MS = 10000
# At the prompt nobody feeds it, and no port lets go of it: so long it is left alone.
PROMPT_WATCHDOG_MS = 3600000
FEED_MS = 1000


def choose(stored, prepare, lost_power, held=False):
    """Decides what starts, and writes it down before it does.

    Args:
        stored: The Slots.
        prepare: Called with the number of a slot, or BUILTIN, before that starts; ImageError,
            RomfsError or OSError when it cannot.
        lost_power: Whether the last run may have ended because power failed, and not by a crash.
        held: Whether the wearer holds the button: safe mode, and what was to start starts next.
    """
    state = stored.state
    if held:
        wanted = {name: state[name] for name in ("pending", "permanent", "trying")}
        _start(stored, "", starting=False, **wanted)
        return SAFE
    crashes = state["crashes"]
    if state["starting"] and not lost_power:
        crashes += 1
    if state["trying"]:
        # Not confirmed in its one start; its crashes are not those of what now starts.
        crashes = 0
    refused = state["refused"]
    if state["trying"] and not refused:
        refused = "it crashed" if state["starting"] and not lost_power else "it was not confirmed"
    if state["pending"]:
        index, why = _prepared(stored, state["pending"], prepare)
        if index is not None:
            name = state["pending"]
            confirmed = name if state["permanent"] else state["confirmed"]
            trying = "" if state["permanent"] else name
            if _start(stored, name, crashes=0, confirmed=confirmed, trying=trying, refused=""):
                return index
            why = "the flash could not be written"
        refused = why
    if crashes >= slots.CRASHES_MAX:
        _start(stored, "", crashes=slots.CRASHES_MAX - 1, refused=refused, starting=False)
        return SAFE
    index = None
    if state["confirmed"]:
        index, why = _prepared(stored, state["confirmed"], prepare)
        refused = refused if index is not None else why
    if index is not None:
        _start(stored, state["confirmed"], crashes=crashes, refused=refused)
        return index
    try:
        prepare(BUILTIN)
    except ImageError as error:
        _start(stored, "", crashes=crashes, refused=str(error), starting=False)
        return SAFE
    _start(stored, "", crashes=crashes, refused=refused)
    return BUILTIN


def _start(stored, active, **changes):
    """Writes down what starts; False when the flash takes no more, which must not end the start."""
    begun = {"active": active, "pending": "", "permanent": False, "trying": "", "starting": True}
    begun.update(changes)
    return stored.note(**begun)


def _prepared(stored, name, prepare):
    """(slot, "") when the image of this name can start, else (None, why)."""
    index = stored.find(name)
    if index is None:
        return None, "its slot holds another image"
    try:
        prepare(index)
    except (ImageError, RomfsError, OSError) as error:
        return None, str(error)
    return index, ""


def unpacker(stored, board_name, trust):
    """`prepare` for boards without VfsRom: unpacks an image when it first starts."""

    def prepare(index):
        if index == BUILTIN:
            return check_builtin(trust)
        image = stored.image(index)
        folder = "%s/%d" % (stored.folder, index)
        trust.check(image)
        if unpack.is_unpacked(folder, hex_name(image.hash)):
            return
        with open(stored.path(index), "rb") as file:
            image.verify(file, board_name, trust)
            unpack.unpack(file, image, folder)

    return prepare


def verifier(stored, board_name, trust):
    """`prepare` for boards with VfsRom: verifies an image at each start."""

    def prepare(index):
        if index == BUILTIN:
            return check_builtin(trust)
        with open(stored.path(index), "rb") as file:
            stored.image(index).verify(file, board_name, trust)

    return prepare


def check_builtin(trust):
    """Raises ImageError when what lies beneath the slots is older than the security counter."""
    if config.SECURITY_COUNTER < trust.counter:
        why = "what lies beneath the slots has security counter %d; at least %d"
        raise ImageError(
            why % (config.SECURITY_COUNTER, trust.counter), protocol.IMAGE_RC_INVALID_TLV
        )


def run(board, application, safe_mode):
    """Runs what `choose` says, until it ends; a crash resets the board.

    Args:
        application: Imports the application, of the slot that was entered if one was, and returns
            its class.
        safe_mode: As `application`, for safe mode.
    """
    folder = board.flash + "/update"
    stored = slots.Slots(folder)
    if board.fault:
        # What reset the board, of which the application could not tell.
        stored.crashed(board.fault, board.fault.strip("* \r\n").split("\n")[0].strip())
    trust = Trust(board.flash, stored)
    prepare = (unpacker if VfsRom is None else verifier)(stored, board.name, trust)
    choice = choose(stored, prepare, _lost_power(), board.button.pressed)
    try:
        if choice == SAFE:
            print("glasses: safe mode; the last crash was:")
            print(stored.crash_report())
            watchdog = _watchdog(WATCHDOG_MS)
            app = safe_mode()(board)
        else:
            # Before anything of the application runs.
            watchdog = _watchdog(TRIAL_WATCHDOG_MS if stored.state["trying"] else WATCHDOG_MS)
            models = board.flash + "/models"
            if choice >= 0:
                root = _enter(stored, choice)
                if "models" in os.listdir(root):  # else it goes on with those there are
                    models = root + "/models"
            start = application()
            if choice >= 0:
                _name(stored.image(choice).version)
            _feed(watchdog)
            app = start(board, models)
        asyncio.run(_run(app, watchdog))
    except (KeyboardInterrupt, SystemExit):
        _watchdog(PROMPT_WATCHDOG_MS)
        slots.Slots(folder).stopped()
        raise
    except Exception as error:
        report = io.StringIO()
        sys.print_exception(error, report)
        print(report.getvalue())
        # Read again: the application may have changed the state since.
        slots.Slots(folder).crashed(report.getvalue(), counted=choice != SAFE)
        print("glasses:", error)
        reset()


def _watchdog(timeout_ms):
    """Starts the watchdog, or starts it anew; None where there is none."""
    try:
        return WDT(timeout=timeout_ms) if WDT else None
    except ValueError:  # longer than this board's can wait
        return None


async def _run(app, watchdog):
    """Runs the application, and feeds the watchdog whenever its tasks leave time for it."""
    if watchdog is not None:
        asyncio.create_task(_keep_feeding(watchdog))
    await app.run()


async def _keep_feeding(watchdog):
    while True:
        _feed(watchdog)
        await asyncio.sleep_ms(FEED_MS)


def _feed(watchdog):
    if watchdog is not None:
        watchdog.feed()


def _enter(stored, index):
    """Lets the package `glasses` be imported anew, from a slot; returns the folder it is in."""
    root = "%s/%d" % (stored.folder, index)
    if VfsRom is not None:
        image = stored.image(index)
        with open(stored.path(index), "rb") as file:
            file.seek(image.payload_at)
            mount(VfsRom(file.read(image.payload_bytes)), MOUNT)
        root = MOUNT
    sys.path.insert(0, root)
    for name in list(sys.modules):
        # What the keys begin as is for what lies beneath to say, not for an update.
        if name != keys.__name__ and (name == "glasses" or name.startswith("glasses.")):
            del sys.modules[name]
    return root


def _name(version):
    """Has the application of a slot call itself what its image is signed as."""
    module = sys.modules.get("glasses.config")
    if module:
        module.FIRMWARE = version_text(version)


def _lost_power():
    try:
        from machine import PWRON_RESET, reset_cause
    except ImportError:
        return True  # a process: nobody can tell
    return reset_cause() == PWRON_RESET
