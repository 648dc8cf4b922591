# SPDX-License-Identifier: Apache-2.0
"""Tests `glint update` on emulated glasses: updates that succeed, are refused or are reverted."""

import asyncio
import contextlib
import sys

import glint
import pytest
from glint.errors import RequestError, UpdateError
from test_update_micropython import Board, application, application_files
from update_images import make
from workbench.device import deploy, trust, update_image

# The error of a lost link: Core 5.4, Vol 1, Part F, 1.3.
CONNECTION_TIMEOUT = 0x08


@pytest.fixture
async def board(tmp_path):
    """Running emulated glasses."""
    made = Board(tmp_path / "flash")
    async with made.started() as simulation:
        made.simulation = simulation
        made.folder = tmp_path
        yield made


def connect(board):
    return glint.connect(hci=board.simulation.address, timeout_s=30)


def written(board, data):
    path = board.folder / "update.bin"
    path.write_bytes(data)
    return path


async def cli(board, *arguments):
    """Runs `glint`; returns its exit status and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "glint", *map(str, arguments), "--hci", board.simulation.address),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_command_updates_and_confirms(board):
    status, said = await cli(board, "update", written(board, application("0.2.0")))
    assert status == 0, said
    assert "0.2.0 runs, and is confirmed (before: 0.1.0)" in said
    async with connect(board) as glasses:
        info = await glasses.info()
        assert (info.firmware, info.status.firmware) == ("0.2.0", "0.2.0")
        assert "0.2.0" in info.os
    await board.smp(board.simulation, "reset")
    assert await board.running(board.simulation) == "0.2.0"
    status, said = await cli(board, "update", written(board, application("0.1.5")))
    assert status == 1
    assert "version 0.2.0 runs, which is newer than 0.1.5; to install" in said
    assert "--allow-downgrade" in said
    status, said = await cli(board, "update", board.folder / "update.bin", "--allow-downgrade")
    assert status == 0, said
    status, said = await cli(board, "crash")
    assert said.splitlines()[:1] == ["not in safe mode"]


async def test_keys_are_rotated_the_glasses_closed_and_the_counter_raised(board):
    own, foreign = board.folder / "own.pem", board.folder / "foreign.pem"
    for path in (own, foreign):
        trust.make_key(path)
    # A keys.py within an update has no effect.
    keys = update_image.render_keys([update_image.load_key(foreign)])
    payload = application_files([("glasses/boot/keys.py", keys.encode())])
    common = {"version": "0.2.0", "board": board.name, "counter": 2}
    development = update_image.DEVELOPMENT_KEY
    images = trust.rotation(payload, old=development, new=own, close=True, **common)
    unknown = update_image.sign(payload, key=foreign, **common)
    older = update_image.sign(payload, key=own, **{**common, "counter": 1})
    async with connect(board) as glasses:
        said = (await glasses.info()).trust
        assert (said.development, said.closed, said.counter, said.signed) == (True, False, 0, "")
        for data in images.values():
            await glasses.update(written(board, data))
            with pytest.raises(UpdateError, match="a key that is not trusted"):
                await glasses.update(written(board, unknown))
        said = (await glasses.info()).trust
        assert (list(said.keys.values()), said.signed) == (["own"], "own")
        assert (said.development, said.closed, said.counter) == (False, True, 2)
        with pytest.raises(UpdateError, match="signed with the development key, which is not"):
            await glasses.update(written(board, application("0.3.0")))
        with pytest.raises(UpdateError, match="security counter 1; at least 2"):
            await glasses.update(written(board, older), allow_downgrade=True)
    status, said = await cli(board, "info")
    assert status == 0, said
    assert "closed            True" in said
    assert "Just Works" in said
    assert "note: " not in said


async def test_the_models_in_an_image_are_those_that_run(board):
    bundle = deploy.bundle(board.name, ["okay_nabu", "alexa"], "", None)
    models = {path: data for path, data in bundle.items() if path.startswith("models/")}
    async with connect(board) as glasses:
        with pytest.raises(RequestError):  # there is none on the flash
            await glasses.set_config(words=["alexa"])
        await glasses.update(written(board, application("0.2.0", models.items())))
        await glasses.set_config(words=["alexa"])
        assert (await glasses.status()).words == ["Alexa"]


async def test_goes_on_where_the_link_was_lost(board):
    data = application("0.2.0")
    seen = []
    lost = []

    def progress(at, length):
        assert length == len(data)
        seen.append(at)
        if at > length // 2 and not lost:
            lost.append(at)
            for controller in list(board.simulation.medium.controllers):
                controller.end_connections(CONNECTION_TIMEOUT)

    async with connect(board) as glasses:
        done = await glasses.update(written(board, data), progress=progress)
        assert glasses.statistics.links == 3  # at first, after the loss, after the reset
    assert (done.version, done.before) == ("0.2.0", "0.1.0")
    assert seen == sorted(seen)
    assert seen[-1] == len(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (make(board="esp32s3"), "for the board esp32s3; these glasses are a linux"),
        (make(version="2.0.0", kind="rsa-2048"), "signed with a key that is not trusted"),
        (make(version="2.0.0", kind="ed25519"), "signed with Ed25519, not RSA-2048"),
        (make(version="2.0.0", kind="ecdsa-p256"), "signed with ECDSA, not RSA-2048"),
        (make(version="0.0.9"), "version 0.1.0 runs, which is newer than 0.0.9"),
        (make(version="2.0.0", payload=b"no romfs"), "not a ROMFS"),
        (b"#!/bin/sh", "no update image"),
    ],
    ids=["board", "key", "ed25519", "ecdsa", "downgrade", "payload", "file"],
)
async def test_refused_with_a_reason(board, data, reason):
    async with connect(board) as glasses:
        with pytest.raises(UpdateError, match=reason):
            await glasses.update(written(board, data))
        assert (await glasses.status()).firmware == "0.1.0"
        assert board.restarts == 0


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"glasses/selfcheck.py": b"def hear(_):\n    yield\n    1 / 0\n"}, "ZeroDivisionError"),
        ({"glasses/journal.py": b"raise RuntimeError('boom')\n"}, "it crashed: RuntimeError: boom"),
        ({"glasses/journal.py": b"while True:\n    pass\n"}, "it crashed: watchdog"),
    ],
    ids=["self-check", "crash", "hang"],
)
async def test_what_is_not_well_is_reverted(board, broken, reason):
    async with connect(board) as glasses:
        with pytest.raises(UpdateError, match=reason):
            await glasses.update(written(board, application("0.2.0", broken.items())))
        async with asyncio.timeout(20):
            while board.restarts < 2:
                await asyncio.sleep(0.05)
        assert (await glasses.status()).firmware == "0.1.0"
        assert reason in (await glasses.boot()).refused


async def test_given_up_half_way_the_old_runs_on_and_the_rest_can_follow(board):
    path = written(board, application("0.2.0"))
    async with connect(board) as glasses:
        half = asyncio.Event()
        task = asyncio.create_task(glasses.update(path, progress=lambda *_: half.set()))
        await half.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert (await glasses.status()).firmware == "0.1.0"
        await glasses.update(path)
        assert (await glasses.status()).firmware == "0.2.0"
