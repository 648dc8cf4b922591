# SPDX-License-Identifier: Apache-2.0
"""Glasses that hang or fault while running reset themselves, and report it afterwards."""

import asyncio
import contextlib

import glint
import pytest
from emulators import emulated
from glint.errors import GlintError
from smpclient.requests.os_management import EchoWrite
from test_update_micropython import Board, application
from workbench.paths import FIRMWARE

ECHO = "    def echo(body):\n"
# What the application does when asked to echo these.
POISON = """
        import machine, uctypes
        if body["d"] == "starve":
            machine.WDT(timeout=500)
        if body["d"] == "fault":
            uctypes.bytearray_at({nowhere}, 1)[0]
        while body["d"] in ("hang", "starve"):
            pass
"""
# The linux board, where reading ends the process, and a Cortex-M55.
NOWHERE = {"linux": 0, "corstone300": 0x5F000000}
FAULT = {"linux": "SIGSEGV", "corstone300": "*** bus fault: accessed an address"}


@pytest.fixture(params=["linux", "corstone300"])
def board(request, tmp_path):
    """An emulated board, switched off."""
    return Board(tmp_path / "flash", emulated(request.param))


def poisoned(board):
    source = (FIRMWARE / "glasses" / "smp" / "system.py").read_text()
    assert source.count(ECHO) == 1
    source = source.replace(ECHO, ECHO + POISON.format(nowhere=NOWHERE[board.name]))
    return application("0.2.0", {"glasses/smp/system.py": source.encode()}.items(), board.name)


async def ask(glasses, board, what):
    """Has the glasses do `what`, and waits until they have started again."""
    restarts = board.restarts
    link = await glasses._connection.link()
    with contextlib.suppress(GlintError):
        await link.requests.request(EchoWrite(d=what), 1)
    async with asyncio.timeout(60):
        while board.restarts == restarts:
            await asyncio.sleep(0.05)


async def test_an_update_on_trial_that_hangs_is_reverted(tmp_path):
    # One that hangs on the linux board is in test_glint_update.py.
    board = Board(tmp_path / "flash", emulated("corstone300"))
    board.pend(poisoned(board))
    async with (
        board.started() as simulation,
        glint.connect(hci=simulation.address, timeout_s=20) as glasses,
    ):
        assert (await glasses.status()).firmware == "0.2.0"
        await ask(glasses, board, "hang")
        assert (await glasses.status()).firmware == "0.1.0"
        assert (await glasses.boot()).refused == "it crashed: watchdog"
        assert board.restarts == 1


async def test_what_faults_starts_again_and_tells_of_it(board):
    board.pend(poisoned(board), permanent=True)
    async with (
        board.started() as simulation,
        glint.connect(hci=simulation.address, timeout_s=20) as glasses,
    ):
        for what, names in (
            ("fault", FAULT),
            ("starve", {"linux": "watchdog", "corstone300": "*** watchdog"}),
        ):
            await ask(glasses, board, what)
            told = await glasses.boot()
            assert not told.safe
            assert told.refused == ""
            assert told.crash.strip().startswith(names[board.name])
            if board.name == "corstone300":  # the registers, to be looked up in the image
                assert "  pc  " in told.crash
                assert "resetting" in told.crash
            assert (await glasses.status()).firmware == "0.2.0"
        await ask(glasses, board, "fault")
        told = await glasses.boot()
        assert told.safe  # three in a row
        assert told.crash.strip().startswith(FAULT[board.name])


@pytest.mark.sweep
async def test_what_hangs_long_after_its_trial_is_reset(board):
    board.pend(poisoned(board), permanent=True)
    async with (
        board.started() as simulation,
        glint.connect(hci=simulation.address, timeout_s=20) as glasses,
    ):
        await ask(glasses, board, "hang")
        assert "watchdog" in (await glasses.boot()).crash
