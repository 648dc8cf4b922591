# SPDX-License-Identifier: Apache-2.0
"""Mounts the flash at /. Runs before boot.py, in safe mode too."""

import machine
import vfs

_flash = machine.Flash()


def _is_blank(buf):
    # A chip fresh from the factory holds ones; a new file of the emulator, zeros.
    return not any(buf) or all(byte == 0xFF for byte in buf)


try:
    vfs.mount(_flash, "/")
except OSError as error:
    block = bytearray(4096)
    _flash.readblocks(0, block)
    blank = _is_blank(block)
    _flash.readblocks(1, block)
    if blank and _is_blank(block):
        vfs.VfsLfs2.mkfs(_flash)
        vfs.mount(_flash, "/")
    else:
        # Never wipe what may still be saved.
        print(
            "flash: no file system that can be read (%s); to wipe it and start anew:\n"
            "  import machine, vfs; vfs.VfsLfs2.mkfs(machine.Flash()); machine.reset()" % error
        )
