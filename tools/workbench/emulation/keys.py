# SPDX-License-Identifier: Apache-2.0
"""Turns keys typed at `glint sim` into control commands, such as pressing the button."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
import tty
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

HELP = (
    "keys: b button, h hold it (lets a companion pair), + and - battery, m mute, p next picture, "
    "r out of range and back, 0 to 9 digits that a companion shows (--keypad), ? help, q quit"
)
QUIT = "q"
PRESS_S = 0.2
HOLD_S = 2.5  # more than it takes to open the pairing window
PERCENT_STEP = 10
DIGITS = 6  # of a passkey
# Roughly a lithium cell; the glasses report only the percentage.
EMPTY_MV, FULL_MV = 3300, 4200

Do = Callable[[dict[str, Any]], Awaitable[None]]
Tell = Callable[[str], None]


class Keys:
    """Turns keys into commands.

    Args:
        do: Carries out one command.
        say: Tells the person at the terminal something.
    """

    def __init__(self, do: Do, say: Tell) -> None:
        self._do = do
        self._say = say
        self._percent = 100
        self._muted = False
        self._away = False
        self._digits = ""

    async def press(self, key: str) -> None:
        """Does what a key stands for; explains the keys if it has no meaning."""
        match key:
            case "b":
                await self._button(PRESS_S)
            case "h":
                self._say("button held")
                await self._button(HOLD_S)
            case "+" | "-":
                change = PERCENT_STEP if key == "+" else -PERCENT_STEP
                self._percent = min(100, max(0, self._percent + change))
                millivolts = EMPTY_MV + (FULL_MV - EMPTY_MV) * self._percent // 100
                await self._do({"do": "battery", "percent": self._percent, "mv": millivolts})
                self._say(f"battery {self._percent} %")
            case "m":
                self._muted = not self._muted
                await self._do({"do": "mute", "on": self._muted})
                self._say("microphone muted" if self._muted else "microphone hears again")
            case "p":
                await self._do({"do": "picture"})
                self._say("the next picture is before the lens")
            case "r":
                self._away = not self._away
                await self._do({"do": "range", "in": not self._away})
                self._say("out of range" if self._away else "in range again")
            case _ if key.isdecimal():
                self._digits += key
                if len(self._digits) == DIGITS:
                    typed, self._digits = self._digits, ""
                    await self._do({"do": "type", "text": typed})
                    self._say(f"digits typed: {typed}")
            case _:
                self._say(HELP)

    async def _button(self, seconds: float) -> None:
        await self._do({"do": "button", "pressed": True})
        await asyncio.sleep(seconds)
        await self._do({"do": "button", "pressed": False})


@contextlib.contextmanager
def _single_keys(file: int) -> Iterator[None]:
    """Makes a terminal deliver each key at once without echo; Ctrl-C still interrupts."""
    before = termios.tcgetattr(file)
    try:
        tty.setcbreak(file)
        yield
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)


def at_terminal() -> bool:
    """Whether a person can press keys here: not in the background, and not without a terminal."""
    file = sys.stdin.fileno()
    return os.isatty(file) and os.tcgetpgrp(file) == os.getpgrp()


async def follow(do: Do, say: Tell) -> None:
    """Carries out keys until one of them quits.

    Args:
        do: Carries out one command; raises ValueError if it is impossible.
        say: Tells the person at the terminal something.
    """
    person = Keys(do, say)
    say(HELP)
    async for key in pressed():
        try:
            await person.press(key)
        except ValueError as error:
            say(str(error))


async def pressed() -> AsyncIterator[str]:
    """Yields the keys typed on standard input, a terminal, until its end."""
    file = sys.stdin.fileno()
    loop = asyncio.get_running_loop()
    keys: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        data = os.read(file, 64)
        for letter in data.decode(errors="replace") or QUIT:
            keys.put_nowait(letter)

    with _single_keys(file):
        loop.add_reader(file, read)
        try:
            while (key := await keys.get()) != QUIT:
                yield key
        finally:
            loop.remove_reader(file)
