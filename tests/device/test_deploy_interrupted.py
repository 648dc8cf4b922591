# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C, a pulled cable or a full flash interrupts deploying or flashing; the board still runs."""

import random
import re
import select
import signal
import subprocess
import sys

import pytest
import serial
from hardware import rom_loader, whole_image
from workbench.build import micropython
from workbench.device import deploy
from workbench.device.serialboard import SerialBoard
from workbench.emulation import flashimage, qemu

BOARD = "corstone300"
RUNNING = b"import time\nwhile True:\n    print('runs')\n    time.sleep_ms(100)\n"


@pytest.fixture(scope="module")
def firmware():
    try:
        qemu.check_program()
        return micropython.ensure(BOARD)
    except (qemu.QemuError, micropython.MissingToolError) as error:
        pytest.skip(str(error))


def started(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "glint", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def begin(process):
    """Waits until the board is known and the development key has been named."""
    assert b"Corstone-300" in process.stderr.readline()
    assert b"development key" in process.stderr.readline()


def ended(process):
    said, complaints = process.communicate(timeout=240)
    return process.returncode, said.decode(), complaints.decode()


def test_ctrl_c_leaves_the_old_application_running(firmware, tmp_path):
    with qemu.Qemu(BOARD, firmware, flash=tmp_path / "flash.bin", pty=True) as machine:
        with SerialBoard(machine.console_path) as board:
            deploy.put(board, {"main.py": RUNNING}, lambda *_: None)
        command = ("deploy", "--board", BOARD, "--port", machine.console_path)
        process = started(*command)
        begin(process)
        assert not select.select([process.stderr], [], [], 1)[0]  # it is sending
        process.send_signal(signal.SIGINT)
        status, said, complaints = ended(process)
        assert (status, said) == (130, "")
        assert "Traceback" not in complaints
        with serial.Serial(machine.console_path, timeout=20) as port:
            assert port.read_until(b"runs\r\n").endswith(b"runs\r\n")
        status, said, complaints = ended(started(*command))
        assert status == 0, complaints
        assert "self-test passed" in said
        sent, kept = map(int, re.search(r"(\d+) files sent, (\d+) were", complaints).groups())
        assert sent > 20
        assert kept == 0


def test_a_board_that_goes_while_it_is_written_to(firmware, tmp_path):
    with qemu.Qemu(BOARD, firmware, flash=tmp_path / "flash.bin", pty=True) as machine:
        process = started("deploy", "--board", BOARD, "--port", machine.console_path)
        begin(process)
        assert not select.select([process.stderr], [], [], 1)[0]
        machine.kill()
        status, _, complaints = ended(process)
    assert status == 1
    assert "Traceback" not in complaints
    (line,) = [line for line in complaints.splitlines() if line.startswith("glint: ")]
    assert "went away" in line
    assert "plug the board in again and repeat the command" in line


def test_a_board_whose_file_system_is_full(firmware, tmp_path):
    machine = qemu.load_machine(BOARD)
    size = machine.files_bytes - 20 * flashimage.BLOCK_BYTES
    flashimage.create(tmp_path / "flash.bin", {"recording": bytes(size)}, machine=machine)
    with qemu.Qemu(BOARD, firmware, flash=tmp_path / "flash.bin", pty=True) as running:
        status, _, complaints = ended(
            started("deploy", "--board", BOARD, "--port", running.console_path)
        )
    assert status == 1
    (line,) = [line for line in complaints.splitlines() if line.startswith("glint: ")]
    assert re.search(r"has \d+ bytes free and \d+ are needed; remove files from it", line)


def test_ctrl_c_while_flashing_frees_the_port_and_a_second_run_finishes(tmp_path):
    image = whole_image(code=random.Random(9).randbytes(900_000))
    (tmp_path / "image.bin").write_bytes(image)
    with rom_loader(tmp_path) as port:
        command = ("flash", "--port", port, "--image", tmp_path / "image.bin")
        process = started(*command)
        while b"MB flash" not in process.stderr.readline():
            pass
        assert not select.select([process.stderr], [], [], 0.5)[0]
        process.send_signal(signal.SIGINT)
        status, said, complaints = ended(process)
        assert (status, said) == (130, "")
        assert "Traceback" not in complaints
        assert (tmp_path / "flash").read_bytes()[: len(image)] != image
        status, said, complaints = ended(started(*command))
    assert status == 0, complaints
    assert "wrote and verified" in said
    assert (tmp_path / "flash").read_bytes()[: len(image)] == image
