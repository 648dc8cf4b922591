# SPDX-License-Identifier: Apache-2.0
"""The unmodified mpremote on the linux board, through a pseudo-terminal."""

import subprocess
import sys

import pytest
from workbench.linuxconsole import LinuxConsole


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with LinuxConsole(tmp_path_factory.mktemp("board")) as console:
        yield console.path


def mpremote(port, *arguments, cwd):
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", port, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_mpremote_runs_copies_and_mounts(port, tmp_path):
    (tmp_path / "script.py").write_text("print('ran', 6 * 7)")
    (tmp_path / "mounted.py").write_text("print('from the host')")
    assert mpremote(port, "exec", "print(1 + 1)", cwd=tmp_path) == (0, "2\n")
    assert mpremote(port, "run", "script.py", cwd=tmp_path) == (0, "ran 42\n")
    assert mpremote(port, "cp", "script.py", ":copy.py", cwd=tmp_path)[0] == 0
    assert "copy.py" in mpremote(port, "ls", cwd=tmp_path)[1]
    assert mpremote(port, "cp", ":copy.py", "back.py", cwd=tmp_path)[0] == 0
    assert (tmp_path / "back.py").read_text() == "print('ran', 6 * 7)"
    said = mpremote(port, "mount", ".", "exec", "import mounted", cwd=tmp_path)
    assert "from the host" in said[1]


def test_error_on_the_board_is_mpremotes_error(port, tmp_path):
    status, said = mpremote(port, "exec", "1 / 0", cwd=tmp_path)
    assert status == 1
    assert "ZeroDivisionError" in said
