# SPDX-License-Identifier: Apache-2.0
# Verifies an update image on a board, as at the end of an upload. Usage: verify_turns.py BOARD <
# IMAGE. Prints as JSON how often, and after what times, another task runs meanwhile.

import asyncio
import json
import sys
import time

from glasses import smp
from glasses.smp.images import Images


class Board:
    """A board of this name, with what is asked of one here."""

    flash = ""
    name = sys.argv[1]


class Turns:
    """A task that is always ready to run, as the perception loop is with samples waiting."""

    count = 0
    longest_us = 0

    async def run(self):
        before = time.ticks_us()
        while True:
            await asyncio.sleep_ms(0)
            now = time.ticks_us()
            self.longest_us = max(self.longest_us, time.ticks_diff(now, before))
            self.count += 1
            before = now


async def main():
    images = Images(smp.Server(), Board)
    data = sys.stdin.buffer.read()
    updater = images._updater
    updater.begin(len(data), None, False)
    at = updater.write(0, data)
    turns = Turns()
    task = asyncio.create_task(turns.run())
    await asyncio.sleep_ms(0)
    start = time.ticks_us()
    await images._finish(at)
    took_us = time.ticks_diff(time.ticks_us(), start)
    task.cancel()
    print(json.dumps({"turns": turns.count, "longest_us": turns.longest_us, "took_us": took_us}))


asyncio.run(main())
