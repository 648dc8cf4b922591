# SPDX-License-Identifier: Apache-2.0
"""Commands that end unexpectedly print one line, give a status, and leave no process behind."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import glint
import pytest
from bumble import hci
from fake_glasses import fake_advertising
from workbench.emulation.simprocess import simulator

GONE_WITHIN_S = 15.0


def children(pid):
    """Returns the running processes that `pid` started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


async def gone(pid):
    end = time.monotonic() + GONE_WITHIN_S
    while Path(f"/proc/{pid}/cmdline").exists():
        # A zombie's command line is empty; nobody here is its parent.
        if not Path(f"/proc/{pid}/cmdline").read_bytes():
            return True
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.05)
    return True


def run_glint(*arguments):
    return asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "glint",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def assert_plain_words(stderr):
    """A message that it looks for the glasses again is allowed, too."""
    lines = stderr.decode().strip().splitlines()
    assert 1 <= len(lines) <= 2, lines
    assert all(line.startswith("glint: ") for line in lines)


async def test_the_glasses_are_killed():
    async with simulator() as sim:
        listening = await run_glint("listen", "--unread", "--hci", sim.address)
        await listening.stdout.readline()
        (board,) = children(sim.process.pid)
        os.kill(board, signal.SIGKILL)
        assert await asyncio.wait_for(sim.process.wait(), GONE_WITHIN_S) == 1
        _, stderr = await asyncio.wait_for(listening.communicate(), 60)
        assert listening.returncode == 1
        assert_plain_words(stderr)


async def test_the_simulator_is_killed():
    async with simulator() as sim:
        (board,) = children(sim.process.pid)
        sim.process.kill()
        assert await gone(board)


async def test_the_companion_is_killed_and_the_next_one_is_served():
    async with simulator() as sim:
        listening = await run_glint("listen", "--unread", "--hci", sim.address)
        await listening.stdout.readline()
        listening.kill()
        await listening.communicate()
        async with glint.connect(hci=sim.address) as glasses:
            assert (await glasses.status()).board == "linux"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
async def test_the_companion_is_told_to_stop(ending):
    async with fake_advertising() as (fake, address):
        listening = await run_glint("listen", "--unread", "--hci", address)
        async with asyncio.timeout(GONE_WITHIN_S):
            while not fake.asked:
                await asyncio.sleep(0.05)
        reason = asyncio.get_running_loop().create_future()
        fake.connection.on("disconnection", reason.set_result)
        listening.send_signal(ending)
        _, stderr = await asyncio.wait_for(listening.communicate(), GONE_WITHIN_S)
        assert (listening.returncode, stderr) == (128 + ending, b"")
        # It has disconnected: the end of the process alone would be a lost link (0x08).
        assert await reason == hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR


async def test_the_simulator_ends_with_its_control_stream():
    async with simulator() as sim:
        (board,) = children(sim.process.pid)
    assert sim.process.returncode == 0
    assert await gone(board)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_the_simulator_is_told_to_stop(ending):
    async with simulator() as sim:
        (board,) = children(sim.process.pid)
        sim.process.send_signal(ending)
        status = await asyncio.wait_for(sim.process.wait(), GONE_WITHIN_S)
        assert status == (130 if ending == signal.SIGINT else 0)
        assert await gone(board)


async def test_the_demo_is_interrupted(tmp_path):
    demo = await run_glint("demo", "-o", str(tmp_path / "demo"))
    while b"the microphone hears" not in (line := await demo.stdout.readline()):
        assert line, (await demo.stderr.read()).decode()
    (sim,) = children(demo.pid)
    (board,) = children(sim)
    demo.send_signal(signal.SIGINT)
    await asyncio.wait_for(demo.communicate(), 60)
    assert demo.returncode == 130
    assert await gone(sim)
    assert await gone(board)
