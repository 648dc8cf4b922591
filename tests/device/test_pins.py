# SPDX-License-Identifier: Apache-2.0
"""Tests boards wired by their owners: questions about pins, refused answers, and their use."""

import dataclasses
import json
import subprocess

import pytest
from workbench.build import micropython
from workbench.device import deploy, pins
from workbench.device.serialboard import Facts
from workbench.paths import BOARDS, ROOT

STUBS = ROOT / "tests" / "device" / "esp32s3"
FACTS = Facts("Generic ESP32S3 module with ESP32S3", "1.25.0", "xtensawin", 6, (), 1, 1, 1)
OCTAL = dataclasses.replace(FACTS, machine="Generic ESP32S3 module with Octal-SPIRAM with ESP32S3")
CAMERA = {"data": [*range(7, 15)], "clock_in": 15, "clock_out": 16, "vsync": 17, "href": 18}


class Board:
    """A port whose board has this board.json."""

    def __init__(self, stored=None):
        self.stored = stored

    def run(self, code):
        return "" if self.stored is None else json.dumps(self.stored)


def settled(board, stored=None, file=None, ask=None, facts=FACTS):
    return json.loads(pins.settle(board, Board(stored), facts, file, ask)[pins.FILE])


def test_a_generic_board_asks_for_its_pins_once():
    asked = []

    def ask(question):
        asked.append(question)
        return 9 + len(asked)

    wired = settled("esp32s3_generic", ask=ask)
    assert (wired["clock"], wired["word"], wired["data"]) == (10, 11, 12)
    assert len(asked) == 3
    assert "clock" in asked[0]
    assert settled("esp32s3_generic", stored=wired) == wired  # no question is asked again
    with pytest.raises(pins.PinsError, match=r"name a JSON file with --pins"):
        settled("esp32s3_generic")


def test_a_devkit_comes_with_pins_which_its_owner_may_change(tmp_path):
    wired = settled("esp32s3_devkitc1")
    assert (wired["clock"], wired["word"], wired["data"], wired["camera"]) == (4, 5, 6, None)
    file = tmp_path / "pins.json"
    file.write_text(json.dumps({"data": 40, "light": None}))
    changed = settled("esp32s3_devkitc1", stored=wired, file=file)
    assert changed == wired | {"data": 40, "light": None}
    with pytest.raises(pins.PinsError, match="takes no --pins"):
        pins.settle("esp32s3", Board(), FACTS, file, None)
    assert pins.settle("esp32s3", Board(), FACTS, None, None) == {}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"clock": 5}, "word and clock are both 5"),
        ({"data": 19}, "is no pin"),
        ({"data": 30}, "is no pin"),
        ({"data": None}, "is no pin"),
        ({"data": True}, "is no pin"),
        ({"data": 35}, "which octal PSRAM needs"),
        ({"microphone": "usb"}, "microphone is"),
        ({"gain_shift": 9}, "gain_shift is"),
        ({"light_lit": "red"}, "light_lit is"),
        ({"button": 47}, "button is 0 to 21"),
        ({"battery": 21}, "battery is 1 to 20"),
        ({"speaker": 1}, "there is no speaker; there are: battery"),
        ({"camera": {"data": [1]}}, "camera has data"),
        ({"camera": CAMERA | {"sda": 21, "scl": 4}}, "camera's scl and clock are both 4"),
    ],
)
def test_what_cannot_be_is_refused(changes, reason):
    with pytest.raises(pins.PinsError, match=reason):
        settled("esp32s3_devkitc1", stored=changes, facts=OCTAL)


@pytest.mark.parametrize("board", ["esp32s3_devkitc1", "esp32s3_generic"])
def test_the_board_is_made_of_what_was_said(board, tmp_path):
    """This runs in MicroPython, with its own board.py and the files deployed beside it."""
    stored = {"clock": 4, "word": 5, "data": 6, "light": 41, "light_lit": 1}
    wired = settled(board, stored=stored | {"camera": CAMERA | {"sda": 21, "scl": 38}})
    files = deploy.bundle(board, [], "", None)
    for name in ("board.py", "s3.py"):
        (tmp_path / name).write_bytes(files[name])
    (tmp_path / "board.json").write_text(json.dumps(wired))
    code = (
        "import s3\n"
        f"s3.SETTINGS_PATH = {str(tmp_path / 'board.json')!r}\n"
        "s3.pdm = None\n"
        "import board, camera, asyncio, machine\n"
        "board.mic.start()\n"
        "board.light.set(True)\n"
        "asyncio.run(board.camera.capture(board.camera.GREY, 96, 96))\n"
        "i2s = machine.i2s.settings\n"
        "lit = machine.pins[41].level\n"
        "print(board.name, i2s['sck'].number, i2s['sd'].number, i2s['bits'], lit,"
        " camera.opened[0].settings['scl_pin'], board.button.pin.number)"
    )
    done = subprocess.run(
        [micropython.ensure("linux"), "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"MICROPYPATH": f"{tmp_path}:{STUBS}:{BOARDS / 'simulation'}:.frozen"},
    )
    assert done.stdout.split() == [board, "4", "6", "32", "1", "38", "0"], done.stderr
