# SPDX-License-Identifier: Apache-2.0
"""Runs every program of examples/ against emulated glasses."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import sqlite3
import sys

import pytest
import pytest_asyncio
from PIL import Image
from workbench.emulation import sound
from workbench.emulation.simprocess import simulator
from workbench.paths import ROOT
from workbench.system import provide, say_step

EXAMPLES = ROOT / "examples"
TIMEOUT_S = 60.0
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """A sound file in which somebody says the wake word again and again."""
    path = tmp_path_factory.mktemp("examples") / "spoken.wav"
    pause = sound.silence(2.5)
    said = sound.join(pause, sound.speech("okay nabu"), pause, pause)
    sound.save(path, sound.mix(said, sound.noise(len(said) / sound.SAMPLE_RATE_HZ, 40)))
    return path


@contextlib.asynccontextmanager
async def glasses(spoken, flash):
    shared = ROOT.parent / "shared" / "models"
    mirror = ["--mirror", str(shared)] if shared.is_dir() else []
    arguments = ["--mic", str(spoken), "--loop", "--flash", str(flash), *mirror]
    async with simulator(*arguments) as running:
        yield running


@pytest.fixture(scope="module")
def flash(tmp_path_factory):
    """A flash with the extension of examples/own_command on it."""
    folder = tmp_path_factory.mktemp("flash")
    shutil.copy(EXAMPLES / "own_command" / "extension.py", folder)
    return folder


@contextlib.asynccontextmanager
async def program(running, name, *arguments):
    """One of the examples in a process of its own, which is ended as by Ctrl-C."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        str(EXAMPLES / name),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "GLINT_HCI": running.address},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(2)
        _, errors = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    assert process.returncode == 0, errors.decode()
    assert not errors, errors.decode()


async def line_with(process, text):
    async with asyncio.timeout(TIMEOUT_S):
        while line := (await process.stdout.readline()).decode():
            if text in line:
                return line.strip()
    raise AssertionError(f"ended without {text!r}: {(await process.stderr.read()).decode()}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(spoken, flash):
    async with glasses(spoken, flash) as simulated:
        yield simulated


async def test_photo_on_wake(running, tmp_path):
    async with program(running, "photo_on_wake.py", str(tmp_path)) as process:
        await line_with(process, "Okay Nabu: ")
    pictures = list(tmp_path.glob("*.jpg"))
    assert pictures
    with Image.open(pictures[0]) as picture:
        assert picture.size == (640, 480)


async def test_level_meter(running):
    async with program(running, "level_meter.py", "2") as process:
        levels = [float((await line_with(process, " dB ")).split()[0]) for _ in range(2)]
        await process.wait()
    assert all(-90 < level < -5 for level in levels)


async def test_event_log(running, tmp_path):
    path = tmp_path / "events.sqlite"
    counts = []
    for _ in range(2):
        async with program(running, "event_log.py", str(path)) as process:
            await line_with(process, "Wake(")
        with contextlib.closing(sqlite3.connect(path)) as database:
            rows = database.execute("SELECT boot, seq, kind, fields FROM events").fetchall()
        counts.append(len(rows))
    assert counts[1] > counts[0]
    assert {json.loads(fields)["word"] for *_, kind, fields in rows if kind == "wake"} == {
        "Okay Nabu"
    }
    numbers = sorted(seq for _, seq, *_ in rows)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))  # without a gap


async def test_own_command(running):
    async with program(running, "own_command/note.py", "buy", "milk") as process:
        assert await line_with(process, "Kept") == "Kept; there are 1 notes."
        await process.wait()
    async with program(running, "own_command/note.py") as process:
        assert await line_with(process, "milk") == "buy milk"
        await process.wait()


@contextlib.asynccontextmanager
async def broker(port):
    process = await asyncio.create_subprocess_exec(
        shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin"),
        "-p",
        str(port),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.05)
        yield
    finally:
        process.terminate()
        await process.wait()


async def test_mqtt_bridge(running):
    import aiomqtt

    if todo := provide(["mosquitto"], say_step):
        pytest.skip(f"no broker here: {todo}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with broker(port), aiomqtt.Client("127.0.0.1", port) as reader:
        await reader.subscribe("glint/#")
        async with program(running, "mqtt_bridge.py", f"127.0.0.1:{port}") as process:
            await line_with(process, "events go to")
            async with asyncio.timeout(TIMEOUT_S):
                async for message in reader.messages:
                    if str(message.topic) == "glint/Glint/wake":
                        break
            # Python 3.11's wait_for, in which aiomqtt awaits the broker's confirmation, loses a
            # Ctrl-C that comes together with it: github.com/python/cpython/issues/86296.
            await asyncio.sleep(0.5)
    assert json.loads(message.payload)["word"] == "Okay Nabu"
