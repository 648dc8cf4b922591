# SPDX-License-Identifier: Apache-2.0
"""The simulation bus's socket on boards that are MicroPython's unix port."""

import select


class Stream:
    """A socket that the workbench made non-blocking, by its file descriptor."""

    def __init__(self, fd):
        self.file = open(fd, "r+b")
        self._readable = select.poll()
        self._readable.register(self.file, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(self.file, select.POLLOUT)

    def readinto(self, buf):
        """Reads what has arrived; None if nothing has."""
        return self.file.readinto(buf)

    def write(self, buf):
        """Sends all of `buf`, waiting for room if necessary."""
        sent = 0
        while sent < len(buf):
            n = self.file.write(buf[sent:])
            if n is None:
                self._writable.poll()
            else:
                sent += n

    def wait(self):
        """Returns when something has arrived."""
        self._readable.poll()
