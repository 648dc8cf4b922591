# SPDX-License-Identifier: Apache-2.0
"""The pytest plugin in any project: it costs nothing unless used, and reports what is wrong."""

import subprocess
import sys

import pytest

PYTEST = [sys.executable, "-W", "error", "-m", "pytest", "-rs", "-p", "no:cacheprovider"]
PYTEST += ["-o", "asyncio_default_fixture_loop_scope=function"]
ORDINARY = """
import sys

def test_nothing_is_loaded():
    assert "workbench.testing.plugin" in sys.modules
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert not loaded & {"glint", "bleak", "bumble", "numpy", "PIL"}
    assert "workbench.testing.fixtures" not in sys.modules

def test_a_fixture_of_ours_is_not_in_the_way(request):
    import pytest
    with pytest.raises(pytest.FixtureLookupError):
        request.getfixturevalue("board")
"""
OWN = """
import pytest

@pytest.fixture
def board():
    return "an oak board"

def test_board(board):
    assert board == "an oak board"

@pytest.mark.needs("peripherals", "serial")
async def test_serial(glasses):
    pass

@pytest.mark.needs("telepathy")
async def test_telepathy(glasses):
    pass

async def test_glasses(glasses):
    pass
"""


def run(folder, text, *arguments):
    (folder / "test_it.py").write_text(text)
    done = subprocess.run(
        [*PYTEST, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_it_costs_nothing_where_nobody_names_glasses(tmp_path):
    status, said = run(tmp_path, ORDINARY, "-p", "no:hypothesispytest")
    assert status == 0, said


def test_each_test_runs_on_each_target_and_is_told_what_that_lacks(tmp_path):
    wanted = ("--glasses=linux", "--glasses=ble:Mine", "--deselect=test_it.py::test_glasses", "-v")
    status, said = run(tmp_path, OWN, *wanted)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "test_it.py::test_board PASSED" in said
    for name in ("linux", "ble:Mine"):
        assert f"test_it.py::test_serial[{name}] SKIPPED" in said
        assert f"test_it.py::test_telepathy[{name}] ERROR" in said
    assert "glasses 'linux' lack serial" in said
    assert "glasses 'ble:Mine' lack " in said
    assert "needs: there is no ability telepathy; there are bluetooth, console, " in said
    assert "1 passed, 2 skipped, 2 deselected, 2 errors" in said
