# SPDX-License-Identifier: Apache-2.0
"""Errors of `glint flash` and `glint deploy`: one sentence that says what to do.

The effects of each fault are tested in process (device/test_flash.py); this tests the messages.
"""

import random
import subprocess
import sys

import pytest

pytest.importorskip("esptool")

from glint.cli import app
from hardware import rom_loader, whole_image
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo
from sweep import share
from typer.testing import CliRunner
from workbench.device.serialboard import BoardError

NOISE = random.Random(7).randbytes(120_000)


def glint(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "glint", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def refused(*arguments):
    """Runs a command that must fail; returns its one sentence."""
    done = glint(*arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("glint: ")]
    return line


def damaged(data):
    data = bytearray(data)
    data[0x10800] ^= 0x10
    return bytes(data)


# Options of the ROM loader, the image, what the sentence says.
REFUSED = {
    "wrong chip": (
        ["--chip", "esp32c3", "--flash-size", "4MB"],
        whole_image(),
        "is an ESP32-C3 and the image is for ESP32-S3",
    ),
    "too small a flash": (
        ["--flash-size", "4MB"],
        whole_image(),
        "flash has 4 MB and the image needs 8 MB",
    ),
    "corrupt image": ([], damaged(whole_image()), "image"),
    "image for another board": (
        [],
        whole_image("esp32c3"),
        "is an ESP32-S3 and the image is for ESP32-C3",
    ),
}


@pytest.mark.parametrize("case", share(REFUSED, 1))
def test_flash_refuses_and_writes_nothing(case, tmp_path):
    options, image, reason = REFUSED[case]
    (tmp_path / "image.bin").write_bytes(image)
    with rom_loader(tmp_path, *options) as port:
        said = refused("flash", "--port", port, "--image", tmp_path / "image.bin")
    assert reason in said
    assert set((tmp_path / "flash").read_bytes()) == {0xFF}


FAULTS = {
    "busy": "is open in another program; close that and run this again",
    "unplugged": "went away while writing; plug the board in again and run the same command",
    "boot-loop": "hold the board's BOOT button",
    "silent": "hold the board's BOOT button",
}


@pytest.mark.parametrize("fault", share(FAULTS, 1))
def test_flash_names_a_fault_and_a_second_run_finishes(fault, tmp_path):
    image = whole_image(code=NOISE)
    (tmp_path / "image.bin").write_bytes(image)
    command = ("--image", tmp_path / "image.bin")
    with rom_loader(tmp_path, "--fault", fault) as port:
        assert FAULTS[fault] in refused("flash", "--port", port, *command)
    with rom_loader(tmp_path) as port:
        done = glint("flash", "--port", port, *command)
    assert done.returncode == 0, done.stderr
    assert "wrote and verified" in done.stdout
    assert "the development key is in use" in " ".join(done.stderr.split())
    assert (tmp_path / "flash").read_bytes()[: len(image)] == image


def test_deploy_to_a_board_that_keeps_restarting(tmp_path):
    with rom_loader(tmp_path, "--fault", "boot-loop") as port:
        said = refused("deploy", "--port", port)
    assert "starts again and again; write MicroPython into it with: glint flash --port" in said


def test_deploy_to_a_port_in_use(tmp_path):
    with rom_loader(tmp_path, "--fault", "busy") as port:
        said = refused("deploy", "--port", port)
    assert "is open in another program; close that first" in said


@pytest.mark.parametrize("command", ["flash", "deploy"])
def test_a_port_that_is_not_there(command, tmp_path):
    (tmp_path / "image.bin").write_bytes(whole_image(code=NOISE))
    extra = ["--image", tmp_path / "image.bin"] if command == "flash" else []
    said = refused(command, "--port", tmp_path / "nothing", *extra)
    assert "there is no port" in said
    assert "; ports: " in said


def test_doctor_goes_on_and_says_what_to_do(tmp_path):
    with rom_loader(tmp_path, "--fault", "boot-loop") as port:
        done = glint("doctor", "--port", port)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "BAD  board: does not answer as it should" in done.stdout
    assert "write MicroPython into it with: glint flash --port" in done.stdout


@pytest.mark.parametrize(
    ("options", "found", "advice"),
    [
        (
            [],
            "8 MB flash, Embedded PSRAM 8MB",
            "write MicroPython into it with: glint flash --port",
        ),
        (
            ["--secure-boot"],
            "secure boot on, flash encryption off",
            "write MicroPython into it with: glint flash --port",
        ),
        (["--chip", "esp32c3", "--psram", "none"], "ESP32-C3", "this is no ESP32S3: name the port"),
    ],
    ids=["esp32s3", "secure boot", "esp32c3"],
)
def test_doctor_names_a_chip_without_micropython(options, found, advice, tmp_path):
    content = random.Random(3).randbytes(8 << 20)
    (tmp_path / "flash").write_bytes(content)
    with rom_loader(tmp_path, *options) as port:
        done = glint("doctor", "--port", port)
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("BAD  board: ")]
    assert "without MicroPython" in line
    assert found in line
    assert advice in done.stdout
    assert (tmp_path / "flash").read_bytes() == content


@pytest.fixture
def plugged(monkeypatch):
    """Makes the machine report these ports as USB ports."""

    def plug(*paths):
        ports = [ListPortInfo(str(path)) for path in paths]
        for port in ports:
            port.vid = 0x303A  # Espressif's
        monkeypatch.setattr(list_ports, "comports", lambda: [ListPortInfo("/dev/ttyS0"), *ports])

    return plug


def in_process(*arguments):
    return CliRunner().invoke(app.build(), [str(word) for word in arguments])


def test_the_only_board_is_found_by_itself(plugged, tmp_path):
    image = whole_image(code=NOISE)
    (tmp_path / "image.bin").write_bytes(image)
    with rom_loader(tmp_path) as port:
        plugged(port)
        assert in_process("flash", "--image", tmp_path / "image.bin").exit_code == 0
        looked_at = in_process("doctor").stdout
    assert (tmp_path / "flash").read_bytes()[: len(image)] == image
    assert "BAD  board: ESP32-S3" in looked_at


@pytest.mark.parametrize("command", ["flash", "deploy"])
@pytest.mark.parametrize(
    ("ports", "said"),
    [
        ((), "no board is plugged in: use a data cable, or name its port with --port"),
        (
            ("/dev/ttyACM0", "/dev/ttyACM1"),
            "several boards may be plugged in: name one with --port",
        ),
    ],
    ids=["none", "two"],
)
def test_which_board_has_to_be_plain_before_anything_is_fetched(
    command, ports, said, plugged, monkeypatch
):
    def fetch(*_):
        raise AssertionError("something was fetched")

    plugged(*ports)
    monkeypatch.setattr("urllib.request.urlopen", fetch)
    monkeypatch.setenv("XDG_CACHE_HOME", "/nowhere")
    error = in_process(command).exception
    assert isinstance(error, BoardError)
    assert said in str(error)
    assert "ports: /dev/ttyS0" in str(error)
