# SPDX-License-Identifier: Apache-2.0
"""On the glasses: an SMP command of our own that keeps notes, and a task that lets them grow old.

The application imports a module called `extension` if it finds one, and calls `start`. Group 70 is
ours: SMP leaves the numbers from 64 on to applications, and Glint uses 64.
"""

import asyncio

from glasses import smp

GROUP = 70
NOTES = 0
NOTES_MAX = 8
KEPT_MINUTES = 60

# What a request has to hold: name, type, lowest and highest value (of text: bytes), and whether it
# has to be there.
WRITE_ARGUMENTS = (("text", "text", 1, 80, True),)


class Notes:
    """The newest notes, for as long as the glasses run."""

    def __init__(self):
        self._notes = []  # [text, minutes left]

    def write(self, body):
        if len(self._notes) == NOTES_MAX:
            raise smp.RequestError(1, "there are %d notes already" % NOTES_MAX)
        self._notes.append([body["text"], KEPT_MINUTES])
        return {"count": len(self._notes)}

    def read(self, body):
        return {"notes": [text for text, _ in self._notes]}

    async def grow_old(self):
        while True:
            await asyncio.sleep(60)
            for note in self._notes:
                note[1] -= 1
            self._notes = [note for note in self._notes if note[1] > 0]


def start(app, server):
    """Adds the requests; returns the tasks that are to run beside the application's."""
    notes = Notes()
    server.handle(GROUP, NOTES, smp.WRITE, notes.write, WRITE_ARGUMENTS)
    server.handle(GROUP, NOTES, smp.READ, notes.read, ())
    return [notes.grow_old()]
