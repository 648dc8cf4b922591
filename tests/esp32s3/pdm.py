# SPDX-License-Identifier: Apache-2.0
"""Stands for the module `pdm` of our image."""

made = []


class PDM:
    def __init__(self, clock, data, hops):
        self.settings = (clock, data, hops)
        self.waiting = b""
        made.append(self)

    def start(self, handler):
        self.handler = handler

    def receive(self, data):
        self.waiting += data
        self.handler(self)

    def any(self):
        return len(self.waiting)

    def readinto(self, buf):
        size = min(len(buf), len(self.waiting))
        buf[:size] = self.waiting[:size]
        self.waiting = self.waiting[size:]
        return size

    def lost_bytes(self):
        return 7
