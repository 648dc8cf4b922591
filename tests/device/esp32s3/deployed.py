# SPDX-License-Identifier: Apache-2.0
"""Starts what `glint deploy` puts on an ESP32-S3, from a littlefs, as the official image would.

Usage: deployed.py FOLDER SOUND [FROZEN]. FOLDER holds the files, SOUND is what the I2S microphone
hears, FROZEN is the folder among the files that stands for frozen modules.
The official image has no camera, no PDM receiver and no VfsRom: MicroPython 1.25.0's
ports/esp32/boards/ESP32_GENERIC_S3 adds no module, and no file of ports/esp32 sets MICROPY_VFS_ROM
(extmod/vfs_rom.c:80).
Prints as JSON what the application did until the sound ended.
"""

import asyncio
import gc
import json
import os
import struct
import sys

import bluetooth
import bluetooth_uuid  # noqa: F401
import esp32  # noqa: F401
import machine
import vfs

BLOCK_BYTES, BLOCKS = 4096, 512
HOP_BYTES = 320
FOLDER_TYPE = 0x4000


class Flash:
    def __init__(self):
        self._content = bytearray(BLOCK_BYTES * BLOCKS)

    def readblocks(self, block, buf, offset=0):
        at = block * BLOCK_BYTES + offset
        buf[:] = memoryview(self._content)[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        at = block * BLOCK_BYTES + offset
        self._content[at : at + len(buf)] = buf

    def ioctl(self, op, _):  # extmod/vfs.h:51, 52
        return {4: BLOCKS, 5: BLOCK_BYTES}.get(op, 0)


class WithoutRomfs:
    mount = vfs.mount


def tree(folder, prefix=""):
    """Each folder and file below: (path, content or None)."""
    for name in os.listdir(folder):
        path = folder + "/" + name
        if os.stat(path)[0] & FOLDER_TYPE:
            yield prefix + name, None
            yield from tree(path, prefix + name + "/")
        else:
            with open(path, "rb") as file:
                yield prefix + name, file.read()


def words(samples):
    """As an I2S microphone gives samples which board.py makes eight times as loud."""
    values = struct.unpack("<160h", samples)
    return struct.pack("<160i", *(value << 13 for value in values))


async def hear(sound, said):
    journal = sys.modules["glasses.journal"].Journal
    append = journal.append

    def appended(self, kind, fields, *rest):
        if "word" in fields:
            said["words"].append(fields["word"])
        return append(self, kind, fields, *rest)

    journal.append = appended
    while machine.i2s is None:
        await asyncio.sleep_ms(0)
    for start in range(0, len(sound) - HOP_BYTES + 1, HOP_BYTES):
        machine.i2s.arrive(words(sound[start : start + HOP_BYTES]))
        for _ in range(4):
            await asyncio.sleep_ms(0)
    said["settings"] = [machine.i2s.settings[key] for key in ("rate", "bits", "format")]
    said["firmware"] = sys.modules["glasses.config"].FIRMWARE
    said["from"] = sys.modules["glasses.app"].__file__
    root = said["from"][: -len("glasses/app.py")]
    models = sys.modules["glasses.perception.models"]
    said["content"] = type(models.content(root + "models", "okay_nabu"))
    said["content"] = said["content"].__name__


async def heard_out(sound, said):
    """Ends the application with the sound, or with an error of `hear`."""
    try:
        await hear(sound, said)
    except Exception as error:
        sys.print_exception(error, sys.stderr)
    raise SystemExit


def main():
    files = list(tree(sys.argv[1]))
    with open(sys.argv[2], "rb") as file:
        sound = memoryview(file.read())
    flash = Flash()
    vfs.VfsLfs2.mkfs(flash)
    vfs.umount("/")
    vfs.mount(vfs.VfsLfs2(flash), "/")
    for path, content in files:
        if content is None:
            os.mkdir("/" + path)
            continue
        with open("/" + path, "wb") as file:
            file.write(content)
    del files
    gc.collect()
    sys.modules["vfs"] = WithoutRomfs
    frozen = sys.argv[3:]
    sys.path[:] = ["", ".frozen"]
    sys.path[1:1] = frozen
    said = {"words": []}
    hearing = asyncio.create_task(heard_out(sound, said))
    try:
        if frozen:
            __import__("main")
        else:
            with open("/main.py") as file:
                exec(file.read(), {})
    except SystemExit as error:
        said["ended"] = str(error), hearing.done()
    said["advertised"] = len(bluetooth.advertised)
    said["light"] = machine.pins[21].level
    if "update" in os.listdir("/"):
        said["slot"] = sorted(os.listdir("/update/0")) if "0" in os.listdir("/update") else []
        with open("/update/state.json") as file:
            said["state"] = json.load(file)
    print(json.dumps(said))


main()
