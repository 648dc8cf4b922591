# SPDX-License-Identifier: Apache-2.0
# Runs on a board: look_turns.py FOLDER NAME. Compares two pictures, has the image model NAME look
# at one, and prints the microseconds of each turn, after which others get theirs, as JSON: of the
# comparison, and of the look without its model's slices.

import asyncio
import json
import sys
import time

from glasses.perception import trigger, vision

turns = []
began_us = 0


def began():
    global began_us
    began_us = time.ticks_us()


def ended():
    turns.append(time.ticks_diff(time.ticks_us(), began_us))


class Turns:
    """Stands for asyncio where it gives way."""

    Lock = asyncio.Lock

    async def sleep_ms(self, length_ms):
        ended()
        began()


class Model:
    """A model whose slices take no time, for they are measured elsewhere."""

    def __init__(self, model):
        self.input = model.input
        self.output = model.output
        self._left = 3

    def step(self, max_macs):
        self._left -= 1
        return self._left <= 0


def measured(coroutine):
    """The turns of a coroutine, in microseconds."""
    turns.clear()
    began()
    asyncio.run(coroutine)
    ended()
    return list(turns)


def main(folder, name):
    eye = vision.load(folder, name, 100000)
    eye.model = Model(eye.model)
    trigger.asyncio = vision.asyncio = Turns()
    grey = bytes(range(256)) * (eye.width * eye.height // 256)
    compared = trigger.Trigger()
    first = measured(compared.compare(grey, eye.width, eye.height))
    compared.keep()
    second = measured(compared.compare(grey, eye.width, eye.height))
    print(json.dumps({"compare": first + second, "look": measured(eye.look(grey))}))


main(*sys.argv[1:])
