# SPDX-License-Identifier: Apache-2.0
"""SMP's file group, confined to the files of one folder: the models that the wearer adds.

What is not there is read from the ROMFS, if that has it.
"""

import binascii
import hashlib
import os

from glasses import protocol, smp, storage
from glasses.perception import models

# A file's name on the wire, with or without a slash before it: FOLDER/NAME.
FOLDER = "models"
NAME_MAX = 48
# An upload that is not whole yet.
PART = ".part"
# How often an upload looks whether there still is room.
CHECK_BYTES = 0x4000
# What is read at once, also for a hash.
READ_BYTES = 512
# Of a response, for all that is not data: header, keys, numbers.
OVERHEAD_BYTES = 64
CHUNK_BYTES = protocol.LIMIT_SMP_BYTES - OVERHEAD_BYTES


def is_name(name):
    """Whether a name can be a file's here: letters, digits, "_", "-" and ".", but not first."""
    return (
        0 < len(name) <= NAME_MAX
        and name[0] != "."
        and all("a" <= c <= "z" or "A" <= c <= "Z" or "0" <= c <= "9" or c in "_-." for c in name)
    )


class Files:
    """Answers the group's requests about the files in `folder` with `server`.

    Args:
        server: The smp.Server.
        folder: Where the files are.
        check: Called with the name and the path of a file that has arrived, before it replaces one
            of that name; raises ValueError when it cannot be what its name says.
    """

    def __init__(self, server, folder, check=None):
        self._folder = folder
        self._check = check
        self._uploading = None  # (path, bytes there are to be)
        group = protocol.SMP_GROUP_FILE
        for id, op, handler in (
            (protocol.SMP_FILE_DATA, smp.READ, self._download),
            (protocol.SMP_FILE_DATA, smp.WRITE, self._upload),
            (protocol.SMP_FILE_STATUS, smp.READ, self._status),
            (protocol.SMP_FILE_HASH, smp.READ, self._hash),
            (protocol.SMP_FILE_HASHES, smp.READ, self._hashes),
            (protocol.SMP_FILE_CLOSE, smp.WRITE, lambda body: {}),
        ):
            server.handle(group, id, op, handler)

    def _path(self, name):
        parts = (name[1:] if name[:1] == "/" else name).split("/")
        if len(parts) != 2 or parts[0] != FOLDER or not is_name(parts[1]):
            raise smp.RequestError(protocol.FILE_RC_INVALID_NAME, name)
        return self._folder + "/" + parts[1]

    def found(self, name):
        """Where the file of that name on the wire lies. Raises RequestError: it can be none."""
        return models.find(self._folder, self._path(name).rsplit("/", 1)[1])

    def _size(self, path):
        try:
            return os.stat(path)[6]
        except OSError:
            raise smp.RequestError(protocol.FILE_RC_NOT_FOUND, path)

    def _download(self, body):
        path, at = self.found(body["name"]), body["off"]
        size = self._size(path)
        if not 0 <= at <= size:
            raise smp.RequestError(protocol.FILE_RC_OFFSET_TOO_LARGE, str(at))
        try:
            with open(path, "rb") as file:
                file.seek(at)
                answer = {"off": at, "data": file.read(CHUNK_BYTES)}
        except OSError as error:
            raise smp.RequestError(protocol.FILE_RC_READ_FAILED, str(error))
        if at == 0:
            answer["len"] = size
        return answer

    def _upload(self, body):
        path, at, data = self._path(body["name"]), body["off"], body["data"]
        if path.endswith(PART):
            raise smp.RequestError(protocol.FILE_RC_INVALID_NAME, path)
        part = path + PART
        try:
            if at == 0:
                self._begin(path, body["len"])
            elif self._uploading is None or self._uploading[0] != path:
                raise smp.RequestError(protocol.FILE_RC_OFFSET_NOT_VALID, "no upload of it")
            length = self._uploading[1]
            there = 0 if at == 0 else self._size(part)
            if at != there or at + len(data) > length:
                raise smp.RequestError(protocol.FILE_RC_OFFSET_NOT_VALID, "%d is there" % there)
            if at // CHECK_BYTES != (at + len(data)) // CHECK_BYTES:
                storage.check_room(self._folder, len(data))  # others write, too
            with open(part, "ab" if at else "wb") as file:
                file.write(data)
            storage.wrote(len(data))
            if at + len(data) == length:
                self._uploading = None
                self._arrived(path, part)
        except OSError as error:
            self._uploading = None
            storage.remove(part)
            raise smp.RequestError(protocol.FILE_RC_WRITE_FAILED, str(error))
        return {"off": at + len(data)}

    def _arrived(self, path, part):
        try:
            if self._check:
                self._check(path.rsplit("/", 1)[1], part)
        except ValueError as error:
            storage.remove(part)
            raise smp.RequestError(smp.ERROR_CORRUPT, str(error), True)
        except MemoryError:
            storage.remove(part)
            raise
        os.rename(part, path)

    def _begin(self, path, length):
        if not 0 <= length <= protocol.LIMIT_FILE_BYTES:
            raise OSError("a file takes at most %d bytes" % protocol.LIMIT_FILE_BYTES)
        if self._uploading:
            storage.remove(self._uploading[0] + PART)
        storage.make_folder(self._folder)
        self._uploading = (path, length)
        storage.remove(path + PART)
        storage.check_room(self._folder, length)

    def _status(self, body):
        return {"len": self._size(self.found(body["name"]))}

    def _hash(self, body):
        path, kind = self.found(body["name"]), body.get("type", "crc32")
        if kind not in ("crc32", "sha256"):
            raise smp.RequestError(protocol.FILE_RC_HASH_NOT_FOUND, kind)
        size, at = self._size(path), body.get("off", 0)
        if not 0 <= at <= size:
            raise smp.RequestError(protocol.FILE_RC_OFFSET_TOO_LARGE, str(at))
        left = length = min(body.get("len", size), size - at)
        if length <= 0:
            raise smp.RequestError(protocol.FILE_RC_EMPTY, "nothing there")
        crc, digest = 0, hashlib.sha256()
        with open(path, "rb") as file:
            file.seek(at)
            while left:
                data = file.read(min(READ_BYTES, left))
                left -= len(data)
                if kind == "crc32":
                    crc = binascii.crc32(data, crc)
                else:
                    digest.update(data)
        answer = {"type": kind, "len": length}
        answer["output"] = crc if kind == "crc32" else digest.digest()
        if at:
            answer["off"] = at
        return answer

    def _hashes(self, body):
        return {"types": {"crc32": {"format": 0, "size": 4}, "sha256": {"format": 1, "size": 32}}}
