# SPDX-License-Identifier: Apache-2.0
"""Activates a deployment on a file system in memory, with power failing at each write of it.

Usage: switch.py KIND, which is VfsLfs2 or VfsFat. Standard input is JSON: the old files, and the
commands that put the new ones in place. Prints as JSON, for each write that was cut, what main.py
printed at the next start and at the one after it; the last entry is of a run without a cut.
"""

import json
import os
import sys

import vfs

BLOCK_BYTES, BLOCKS = 512, 128


class PowerCut(Exception):
    pass


class Flash:
    def __init__(self, content):
        self.content = bytearray(content)
        self.writes_left = -1

    def readblocks(self, block, buf, offset=0):
        at = block * BLOCK_BYTES + offset
        buf[:] = memoryview(self.content)[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        length = len(buf)
        if self.writes_left == 0:
            raise PowerCut
        self.writes_left -= 1
        if self.writes_left == 0:
            length //= 2
        at = block * BLOCK_BYTES + offset
        self.content[at : at + length] = buf[:length]
        if self.writes_left == 0:
            raise PowerCut

    def ioctl(self, op, argument):
        if op == 6:  # erase: MicroPython 1.25.0, extmod/vfs.h:53
            self.writeblocks(argument, b"\xff" * BLOCK_BYTES)
        return {4: BLOCKS, 5: BLOCK_BYTES}.get(op, 0)


def run(flash, kind, commands):
    """Mounts it as the root and runs these; returns what the application printed."""
    said = []
    vfs.mount(kind(flash), "/")
    try:
        for command in commands:
            exec(command, {"said": said.append})
    except PowerCut:
        return None
    except OSError:
        # As littlefs reports a write that failed.
        if flash.writes_left:
            raise
        return None
    finally:
        vfs.umount("/")
    return said


def main():
    kind = getattr(vfs, sys.argv[1])
    given = json.load(sys.stdin)
    start = ["exec(open('main.py').read())"]
    vfs.umount("/")
    flash = Flash(bytes(BLOCK_BYTES * BLOCKS))
    kind.mkfs(flash)
    vfs.mount(kind(flash), "/")
    for name, content in given["files"].items():
        if "/" in name and name.split("/")[0] not in os.listdir():
            os.mkdir(name.split("/")[0])
        with open(name, "w") as file:
            file.write(content)
    vfs.umount("/")
    found = []
    cut_at = 1
    while True:
        cut = Flash(flash.content)
        cut.writes_left = cut_at
        done = run(cut, kind, given["commands"]) is not None
        if kind is vfs.VfsFat and not done:
            cut_at += 1
            continue  # only that it works
        again = Flash(cut.content)
        found.append((run(again, kind, start), run(again, kind, start)))
        if done:
            break
        cut_at += 1
    print(json.dumps(found))


main()
