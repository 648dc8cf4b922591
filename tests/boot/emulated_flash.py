# SPDX-License-Identifier: Apache-2.0
"""A flash file system in memory in which power fails at a chosen operation.

It replaces `os` and `open` in the firmware's modules, in one of two modes. `through`: each write is
stored at once, and one that is cut leaves half of it. That is the worst case; no file system that
we use does it. `synced`: written data are stored when the file is flushed or closed, and
not before, as in littlefs 2.8 (lines are those of MicroPython 1.25.0: lib/littlefs/lfs2.h:599,
lfs2.c; "vfs" is extmod/vfs_lfsx.c). littlefs may also write to the flash between two flushes, which
has no visible effect before the commit; this is not emulated.
"""

import io
import types

from glasses import storage

FOLDER, FILE = 0x4000, 0x8000  # extmod/vfs.h:38, 39
NO_ENTRY, EXISTS, NO_SPACE, NOT_EMPTY = 2, 17, 28, 39  # lfs2.h:75 to 83, negated by "vfs"
# The typical time to erase a sector of 4 KB; which part's data sheet gives it is unknown.
ERASE_MS = 45


class PowerCut(BaseException):
    """Power failed. The firmware must not catch this."""


class Flash:
    """Files and folders that survive a cut.

    Attributes:
        operations: Changes so far.
        cut_at: The number of the operation at which power fails, or None.
        full_at: The number of the operation before which all free space is taken, or None.
        torn: Whether that operation, if it is a write, is half done.
        on_erase: Called with the milliseconds that each change keeps all else waiting, interrupts
            that are not in RAM among it: a change erases a sector, which takes ERASE_MS.
    """

    def __init__(self, manner="through", files=None, folders=()):
        self.manner = manner
        self.files = dict(files or {})
        self.folders = {"", *folders}
        self.operations = 0
        self.cut_at = self.full_at = None
        self.torn = False
        self.capacity_bytes = 1 << 24
        self.unsynced_bytes = 0
        self.on_erase = None
        self.os = types.SimpleNamespace(
            stat=self.stat,
            # "vfs":418 to 443. There, the unit of the free room is a block; here, it is a byte.
            statvfs=lambda path: (4096, 1, 0, 0, self.free_bytes(), 0, 0, 0, 0, 255),
            rename=self.rename,
            remove=self.remove,
            mkdir=self.mkdir,
            rmdir=self.rmdir,
            listdir=self.listdir,
        )

    def copy(self):
        """Returns a copy with power on."""
        flash = Flash(self.manner, self.files, self.folders)
        flash.capacity_bytes = self.capacity_bytes
        return flash

    def free_bytes(self):
        """The free space."""
        used = sum(map(len, self.files.values())) + self.unsynced_bytes
        return max(0, self.capacity_bytes - used)

    def fill(self, free_bytes=0):
        """Leaves this many bytes free."""
        self.capacity_bytes = self.capacity_bytes - self.free_bytes() + free_bytes

    def use(self, monkeypatch, *modules):
        """Lets firmware modules work on this flash."""
        for module in (storage, *modules):
            if hasattr(module, "os"):
                monkeypatch.setattr(module, "os", self.os)
            monkeypatch.setattr(module, "open", self.open, raising=False)

    def change(self, half=None):
        """Counts an operation; the one at which power fails is not done, or half done."""
        if self.cut_at is not None and self.operations >= self.cut_at:
            if self.torn and half and self.operations == self.cut_at:
                half()
            self.operations += 1
            raise PowerCut
        if self.operations == self.full_at:
            self.fill()
        self.operations += 1
        if self.on_erase:
            self.on_erase(ERASE_MS)

    def _parent(self, path):
        if path.rpartition("/")[0] not in self.folders:
            raise OSError(NO_ENTRY, path)

    def stat(self, path):  # "vfs":372; length and type alone
        if path in self.folders:
            return (FOLDER, *[0] * 9)
        if path not in self.files:
            raise OSError(NO_ENTRY, path)
        return (FILE, 0, 0, 0, 0, 0, len(self.files[path]), 0, 0, 0)

    # lfs2.c:3898: what has the new name is replaced in one commit. Of files alone.
    def rename(self, old, new):
        self._parent(new)
        if old not in self.files:
            raise OSError(NO_ENTRY, old)
        self.change()
        self.files[new] = self.files.pop(old)

    def remove(self, path):  # "vfs":241
        if path not in self.files:
            raise OSError(NO_ENTRY, path)
        self.change()
        del self.files[path]

    def mkdir(self, path):  # lfs2.c:2578
        self._parent(path)
        if path in self.folders or path in self.files:
            raise OSError(EXISTS, path)
        self.change()
        self.folders.add(path)

    def rmdir(self, path):  # lfs2.c:3850
        if self.listdir(path):
            raise OSError(NOT_EMPTY, path)
        self.change()
        self.folders.remove(path)

    def listdir(self, path):
        if path not in self.folders:
            raise OSError(NO_ENTRY, path)
        everything = [*self.files, *self.folders]
        return sorted(p[len(path) + 1 :] for p in everything if p.rpartition("/")[0] == path and p)

    def open(self, path, mode="r"):
        self._parent(path)
        if "r" in mode:
            if path not in self.files:
                raise OSError(NO_ENTRY, path)
            data = self.files[path]
            return io.BytesIO(data) if "b" in mode else io.StringIO(data.decode())
        if path not in self.files or ("w" in mode and self.manner == "through"):
            self.change()
            self.files[path] = b""
        return Writing(self, path, mode)


class Writing:
    """A file open for writing."""

    def __init__(self, flash, path, mode):
        self._flash = flash
        self._path = path
        self._text = "b" not in mode
        self._data = flash.files[path] if "a" in mode else b""
        self._open = True
        self._unsynced_bytes = 0

    def write(self, data):
        data = data.encode() if self._text else bytes(data)
        flash = self._flash
        if flash.manner == "through":
            before = self._data
            flash.change(lambda: self._persist(before + data[: len(data) // 2]))
        if len(data) > flash.free_bytes():
            raise OSError(NO_SPACE, self._path)  # lfs2.c:674
        self._data += data
        if flash.manner == "through":
            self._persist(self._data)
        else:
            flash.unsynced_bytes += len(data)
            self._unsynced_bytes += len(data)
        return len(data)

    def _persist(self, data):
        self._flash.files[self._path] = data

    def flush(self):
        if self._flash.manner == "synced":
            self._flash.unsynced_bytes -= self._unsynced_bytes
            self._unsynced_bytes = 0
            self._flash.change()
            self._persist(self._data)

    def close(self):
        if self._open:
            self._open = False
            self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
