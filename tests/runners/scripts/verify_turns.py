# SPDX-License-Identifier: Apache-2.0
# Runs on a board: verify_turns.py BOARD < IMAGE. Verifies the update image as at an upload's end.
# Prints how often and after what time another task has its turn meanwhile, as JSON.

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
    """A task that wants its turn all the time, as the perception loop does with samples waiting."""

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
