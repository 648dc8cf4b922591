# SPDX-License-Identifier: Apache-2.0
"""A missing, cut or corrupt file on the flash costs only what it provides, and is reported."""

import asyncio
import json
import struct
import zlib

import cbor2
import glint
import pytest
from glint import protocol
from sweep import share
from test_update_micropython import Board
from workbench.emulation import sim


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path / "flash")


async def told(glasses, count):
    """Waits for this many notices; returns their (about, text), and the lengths of gaps."""
    notices, gaps = [], []
    async with asyncio.timeout(20):
        async for event in glasses.events("unread"):
            if isinstance(event, glint.Notice):
                notices.append((event.about, event.text))
            elif isinstance(event, glint.Gap):
                gaps.append(event.count)
            if len(notices) == count:
                return notices, gaps


def configure(board, *words):
    settings = {"words": list(words), "vision": "none"}
    sim.prepare_flash(board.flash, settings, None, lambda *_, **__: None)


async def test_junk_in_the_settings_and_in_the_journal(board):
    record = struct.pack("<IIB", 1, 9, protocol.EVENT_GAP) + b"\xa0"
    entry = struct.pack("<HI", len(record), zlib.crc32(record)) + record
    (board.flash / "journal.bin").write_bytes(entry)
    (board.flash / "config.json").write_text('{"name": "Left')
    async with (
        board.started() as simulation,
        glint.connect(hci=simulation.address, timeout_s=20) as glasses,
    ):
        assert await told(glasses, 1) == ([("settings", "config.json cannot be read")], [1])
        assert not (await glasses.boot()).safe
        assert (await glasses.status()).words == ["Okay Nabu"]
        await glasses.set_config(name="Right")
        assert json.loads((board.flash / "config.json").read_text()) == {"name": "Right"}


@pytest.mark.parametrize("damage", share(["junk", "cut", "manifest", "phrase", "gone"], 2))
async def test_a_word_that_cannot_be_listened_for(board, damage):
    """The other words go on, or, if there is none, the built-in one."""
    configure(board, "okay_nabu", "alexa")
    configure(board, "alexa")
    (model,) = board.flash.rglob("alexa.tflite")
    manifest = model.with_suffix(".json")
    if damage == "junk":
        model.write_bytes(b"junk" * 1000)
    elif damage == "cut":
        model.write_bytes(model.read_bytes()[:5000])
    elif damage == "manifest":
        manifest.write_text('{"micro"')
    elif damage == "phrase":
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"wake_word": 5}))
    else:
        model.unlink()
    async with (
        board.started() as simulation,
        glint.connect(hci=simulation.address, timeout_s=20) as glasses,
    ):
        ((about, text),), gaps = await told(glasses, 1)
        assert about == "model"
        assert "alexa" in text
        assert gaps == []
        assert (await glasses.status()).words == ["Okay Nabu"]
        assert (await glasses.config())["words"] == ["alexa"]  # the setting stays
        assert board.restarts == 0


async def test_safe_mode_mends_what_led_to_it(board):
    async with board.started() as simulation:
        simulation.peripherals.button(True)
        async with glint.connect(hci=simulation.address, timeout_s=20) as glasses:
            await glasses.reset()
            async with asyncio.timeout(20):
                while not board.restarts:
                    await asyncio.sleep(0.05)
            assert (await glasses.boot()).safe
            await glasses.put_file("models/mine.json", cbor2.dumps({}))
            await glasses.set_config(name="Mended", words=[], wake_audio_ms=2000)
            assert (await glasses.config())["words"] == []
            assert "okay_nabu" in [model.name for model in await glasses.models()]
            (bond,) = await glasses.bonds()
            assert bond.this
            assert json.loads((board.flash / "config.json").read_text())["name"] == "Mended"
            simulation.peripherals.button(False)
            restarts = board.restarts
            await glasses.reset()
            async with asyncio.timeout(20):
                while board.restarts == restarts:
                    await asyncio.sleep(0.05)
            assert not (await glasses.boot()).safe
            assert (await glasses.status()).words == []
