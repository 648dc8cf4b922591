# SPDX-License-Identifier: Apache-2.0
"""Tests the keys of `glint sim` on a terminal, by what a companion sees."""

import asyncio
import os
import re
import subprocess
import sys

import glint
import pytest
from glint.errors import NotFoundError
from PIL import Image
from workbench.emulation import keys

PATIENCE_S = 60
# A program can only be in the foreground of its controlling terminal.
ON_TERMINAL = """
import os, sys
os.login_tty(0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class Terminal:
    """A program on a pseudo-terminal: types its keys and reads its screen."""

    def __init__(self, *arguments):
        self._keys, end = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", ON_TERMINAL, *arguments], stdin=end, stdout=end, stderr=end
        )
        os.close(end)
        self._text = ""
        asyncio.get_running_loop().add_reader(self._keys, self._read)

    def _read(self):
        try:
            self._text += os.read(self._keys, 4096).decode()
        except OSError:  # the program has ended
            asyncio.get_running_loop().remove_reader(self._keys)

    def press(self, keys):
        os.write(self._keys, keys.encode())

    async def shows(self, pattern):
        async with asyncio.timeout(PATIENCE_S):
            while not (found := re.search(pattern, self._text)):
                assert self.process.poll() is None, self._text
                await asyncio.sleep(0.05)
        self._text = self._text[found.end() :]
        return found

    async def close(self):
        if self.process.poll() is None:
            self.process.kill()
        await asyncio.to_thread(self.process.wait)
        asyncio.get_running_loop().remove_reader(self._keys)
        os.close(self._keys)


@pytest.fixture
async def terminal(tmp_path):
    scenes = tmp_path / "scenes"
    scenes.mkdir()
    for number, colour in enumerate(("white", "black")):
        Image.new("RGB", (640, 480), colour).save(scenes / f"{number}.png")
    options = "--flash", str(tmp_path / "flash"), "--camera", str(scenes)
    running = Terminal("-m", "glint", "sim", *options)
    yield running
    await running.close()


async def event(glasses, kind):
    async with asyncio.timeout(PATIENCE_S):
        async for one in glasses.events("unread"):
            if isinstance(one, kind):
                return one
    return None


async def test_keys_do_what_a_wearer_would(terminal):
    hci = (await terminal.shows(r"--hci (\S+)"))[1]
    await terminal.shows("keys: b button")
    async with glint.connect(hci=hci, timeout_s=PATIENCE_S) as glasses:
        terminal.press("b")
        assert (await event(glasses, glint.Button)).pressed
        terminal.press("--")
        await terminal.shows("battery 80 %")
        assert (await glasses.status()).battery_percent == 80
        assert any((await glasses.record(1)).pcm)
        terminal.press("m")
        await terminal.shows("muted")
        await asyncio.sleep(0.5)  # for output that was on its way
        assert not any((await glasses.record(1)).pcm)
        first = (await glasses.photo()).data
        terminal.press("p")  # a photo moves on to the second picture, this to the first again
        await terminal.shows("next picture")
        assert (await glasses.photo()).data == first
    terminal.press("r")
    await terminal.shows("out of range")
    with pytest.raises(NotFoundError):
        async with glint.connect(hci=hci, timeout_s=1):
            pass
    terminal.press("r?")
    await terminal.shows("in range again")
    await terminal.shows("keys: b button")
    async with glint.connect(hci=hci, timeout_s=PATIENCE_S):
        pass
    terminal.press("q")
    assert await asyncio.to_thread(terminal.process.wait, PATIENCE_S) == 0


async def test_a_key_lets_another_companion_pair(terminal, tmp_path, monkeypatch):
    hci = (await terminal.shows(r"--hci (\S+)"))[1]
    for known, name in enumerate(("first", "second"), start=1):
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / name))
        async with glint.connect(hci=hci, timeout_s=PATIENCE_S) as glasses:
            assert len(await glasses.bonds()) == known
        terminal.press("h")
        await terminal.shows("button held")
        await asyncio.sleep(keys.HOLD_S + 0.5)
