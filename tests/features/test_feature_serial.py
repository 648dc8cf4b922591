# SPDX-License-Identifier: Apache-2.0
"""On a board on a serial port, through mpremote's transport: console, files, self-test, memory."""

import random

import pytest
from workbench.device import deploy, selftest
from workbench.device.serialboard import BoardError
from workbench.testing import targets

pytestmark = pytest.mark.needs("serial")

FILE = "glint-test.bin"
# The functions that an audio hop calls, before and after so many hops.
HOPS = """
import array, gc, micdsp
frontend, hop, features = micdsp.Frontend(), array.array("h", bytes(320)), bytearray(160)
def taken(hops):
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(hops):
        frontend.process(hop, features)
    return gc.mem_alloc() - before
taken(10)
print(taken(1000))
"""


@pytest.fixture(scope="module")
def board(target_name):
    """The board at its prompt; it is restarted afterwards."""
    with targets.named(target_name).at_prompt() as there:
        yield there
        there.restart()


def test_the_console_answers(board):
    assert board.run("print(6 * 7)").split() == ["42"]
    with pytest.raises(BoardError, match="ZeroDivisionError"):
        board.run("1 / 0")
    assert "still" in board.run("print('still there')")


def test_the_image_takes_our_modules(board):
    facts = board.facts()
    assert facts.mpy_version == deploy.MPY_VERSION
    assert [int(part) for part in facts.version.split(".")] >= [1, 23, 0]


def test_files_arrive_as_they_were_sent(board):
    content = random.Random(3).randbytes(10_000)
    board.write(FILE, content)
    try:
        assert deploy.hashes(board, [FILE]) == {FILE: deploy.digest(content)}
    finally:
        board.run(f"import os; os.remove({FILE!r})")
    assert deploy.hashes(board, [FILE]) == {}


def test_it_computes_the_golden_values(board):
    report = selftest.run(board, deploy.tested_model(board))
    assert report["heap_free"] > 0


def test_an_audio_hop_allocates_nothing(board):
    assert int(board.run(HOPS)) == 0
