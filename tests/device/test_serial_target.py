# SPDX-License-Identifier: Apache-2.0
"""Tests `pytest --glasses=serial:PORT` on the emulated boards' pseudo-terminals."""

import contextlib
import re
import subprocess
import sys

import pytest
from workbench.build import micropython, zoo
from workbench.device import deploy, selftest
from workbench.device.serialboard import SerialBoard
from workbench.emulation import qemu
from workbench.emulation.linuxconsole import LinuxConsole
from workbench.paths import ROOT
from workbench.testing import targets


@contextlib.contextmanager
def linux(folder):
    with LinuxConsole(folder) as console:
        yield console.path


@contextlib.contextmanager
def corstone300(folder):
    try:
        qemu.check_program()
        firmware = micropython.ensure("corstone300")
    except (qemu.QemuError, micropython.MissingToolError) as error:
        pytest.skip(str(error))
    with qemu.Qemu("corstone300", firmware, flash=folder / "flash.bin", pty=True) as machine:
        yield machine.console_path


@pytest.mark.parametrize("emulated", [linux, corstone300])
def test_the_feature_tests_run_on_a_serial_port(emulated, tmp_path):
    with emulated(tmp_path) as port:
        with SerialBoard(port) as board:
            model = {f"models/{selftest.MODEL}.tflite": zoo.find(selftest.MODEL).read_bytes()}
            deploy.put(board, model, lambda *_: None)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", f"--glasses=serial:{port}", "-rs"),
                *("-p", "no:cacheprovider", ROOT / "tests" / "features"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) >= 5
    assert f"glasses 'serial:{port}' lack" in done.stdout.replace("\n", "")
    if reason := targets.bluetooth_lacks():
        assert f"lack bluetooth: {reason}" in done.stdout


def test_a_port_that_is_not_there_is_named():
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--glasses=serial:/dev/nothing"),
            *("-p", "no:cacheprovider", ROOT / "tests" / "features" / "test_feature_serial.py"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "there is no port /dev/nothing; ports: " in done.stdout
