# SPDX-License-Identifier: Apache-2.0
"""Files on the flash, replaced as a whole, with room kept for those that must always be writable.

Power may fail at any point, and the flash may be full.
"""

import os

# What uploads and unpacked updates leave free: for the journal, settings, bonds, the state of
# updates and the note of a crash, each of them twice while it is replaced.
RESERVE_BYTES = 0x20000
# Beside each file that `secure` writes, a file of so many bytes that makes way for it: two blocks.
SPARE_BYTES = 0x2000
SPARE = ".spare"

NEW = ".new"
_NO_SUCH_FILE = 2

# Writes since boot, and bytes of them, for the energy ledger.
written = [0, 0]


def wrote(nbytes):
    """Something was written to the flash."""
    written[0] += 1
    written[1] += nbytes


def replace(path, text):
    """Gives a file new contents at once. Raises OSError: it has those that it had."""
    try:
        with open(path + NEW, "w") as file:
            file.write(text)
        os.rename(path + NEW, path)
        wrote(len(text))
    except OSError:
        remove(path + NEW)  # Half of it is useless, and takes room.
        raise


def secure(path, text):
    """`replace`, which also succeeds on a full flash if it did once before it was full."""
    try:
        replace(path, text)
    except OSError:
        remove(path + SPARE)
        replace(path, text)
    if size(path + SPARE) < SPARE_BYTES:
        try:
            with open(path + SPARE, "wb") as file:
                file.write(bytes(SPARE_BYTES))
            wrote(SPARE_BYTES)
        except OSError:
            remove(path + SPARE)


def check_room(folder, nbytes):
    """Raises OSError, with the reason, unless `nbytes` fit and leave the reserve."""
    room = os.statvfs(folder)
    free, needed = room[1] * room[4], nbytes + RESERVE_BYTES
    if free < needed:
        raise OSError("the flash has %d bytes free; %d are needed" % (free, needed))


def make_folder(path):
    """Makes a folder unless it is there."""
    try:
        os.mkdir(path)
    except OSError:
        pass  # it is there; if not, the first file to be written says so


def size(path):
    """Bytes of a file; 0 if there is none."""
    try:
        return os.stat(path)[6]
    except OSError:
        return 0


def missing(path):
    """Whether there is no such file; False if it is there and cannot be read."""
    try:
        os.stat(path)
    except OSError as error:
        return error.errno == _NO_SUCH_FILE
    return False


def remove(path):
    """Removes a file if it is there."""
    try:
        os.remove(path)
    except OSError:
        pass
