# SPDX-License-Identifier: Apache-2.0
"""Runs the unmodified mpremote on the linux board, through a pseudo-terminal."""

import signal
import subprocess
import sys
import zlib

import pytest
from workbench.emulation.linuxconsole import LinuxConsole


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


def test_ctrl_c_stops_a_running_script(port, tmp_path):
    """mpremote forwards its Ctrl-C, which also stops a script that no terminal follows any more."""
    script = "import time\nprint('going')\nwhile True: time.sleep_ms(10)"
    command = [sys.executable, "-m", "mpremote", "connect", port, "exec", script]
    for stop in (signal.SIGINT, signal.SIGKILL):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            assert running.stdout.readline() == b"going\n"
            running.send_signal(stop)
        assert mpremote(port, "exec", "print(1 + 1)", cwd=tmp_path) == (0, "2\n")


def test_ctrl_c_in_data_is_data(port, tmp_path):
    data = bytes(range(256)) * 20
    (tmp_path / "data.bin").write_bytes(data)
    code = "f = open('data.bin', 'rb'); d = f.read(); import binascii; print(binascii.crc32(d))"
    said = mpremote(port, "mount", ".", "exec", code, cwd=tmp_path)
    assert said[0] == 0
    assert str(zlib.crc32(data)) in said[1]
    assert mpremote(port, "cp", "data.bin", ":data.bin", cwd=tmp_path)[0] == 0
    assert mpremote(port, "cp", ":data.bin", "back.bin", cwd=tmp_path)[0] == 0
    assert (tmp_path / "back.bin").read_bytes() == data


def test_mpremote_deploys_romfs(tmp_path):
    rom = tmp_path / "rom"
    rom.mkdir()
    (rom / "weights.bin").write_bytes(bytes(range(256)) * 20)
    (rom / "deployed.py").write_text("word = 'from the ROMFS'")
    folder = tmp_path / "board"
    folder.mkdir()
    with LinuxConsole(folder) as console:
        said = mpremote(console.path, "romfs", "deploy", "rom", cwd=tmp_path)
        assert said[0] == 0, said[1]
        assert "ROMFS0 partition has size 2097152" in said[1]
        assert "ROMFS image deployed" in said[1]
    with LinuxConsole(folder) as console:  # it is still there, and mounted
        code = "import deployed; m = memoryview(open('/rom/weights.bin', 'rb'));"
        code += "import binascii; print(deployed.word, len(m), binascii.crc32(m))"
        said = mpremote(console.path, "exec", code, cwd=tmp_path)
        assert said == (0, f"from the ROMFS 5120 {zlib.crc32(bytes(range(256)) * 20)}\n")


def test_error_on_the_board_is_mpremotes_error(port, tmp_path):
    status, said = mpremote(port, "exec", "1 / 0", cwd=tmp_path)
    assert status == 1
    assert "ZeroDivisionError" in said
