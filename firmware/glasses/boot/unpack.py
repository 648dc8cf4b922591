# SPDX-License-Identifier: Apache-2.0
"""Unpacks an image's ROMFS into its slot's folder, where MicroPython cannot mount it."""

import os

from glasses import storage
from glasses.boot.image import BLOCK_BYTES, hex_name
from glasses.boot.romfs import Reader, RomfsError

# In the folder, written last and removed first: the hash of the image that is there, whole.
_MARK = "/hash"
_FOLDER_TYPE = 0x4000


def is_unpacked(folder, name):
    """Whether `folder` holds all of the image whose hash in hex is `name`."""
    try:
        with open(folder + _MARK) as file:
            return file.read() == name
    except (OSError, ValueError):
        return False


def clear(folder):
    """Removes what `unpack` put there."""
    storage.remove(folder + _MARK)
    _remove_tree(folder)


def unpack(file, image, folder):
    """Puts the files of `image`, which `file` holds, into `folder`, in place of what was there.

    Raises RomfsError, or OSError when the flash is full.
    """
    clear(folder)
    try:
        storage.check_room(folder.rsplit("/", 1)[0], image.payload_bytes)
        _unpack(file, image, folder)
    except (OSError, RomfsError):
        clear(folder)
        raise


def _unpack(file, image, folder):
    storage.make_folder(folder)
    buf = memoryview(bytearray(BLOCK_BYTES))
    for path, at, length in Reader(file, image.payload_at, image.payload_bytes).entries():
        if at is None:
            os.mkdir(folder + "/" + path)
            continue
        with open(folder + "/" + path, "wb") as out:
            # The reader moves the file's position only between entries.
            file.seek(at)
            while length:
                n = file.readinto(buf[: min(length, BLOCK_BYTES)])
                if not n:
                    raise RomfsError("romfs: %s is cut short" % path)
                out.write(buf[:n])
                length -= n
    with open(folder + _MARK, "w") as out:
        out.write(hex_name(image.hash))


def _remove_tree(folder):
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        path = folder + "/" + name
        if os.stat(path)[0] & _FOLDER_TYPE:
            _remove_tree(path)
        else:
            os.remove(path)
    os.rmdir(folder)
