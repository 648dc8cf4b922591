# SPDX-License-Identifier: Apache-2.0
"""Tests what `glint doctor` reports of a board's microphone, memory and radio."""

import dataclasses
import json
import subprocess

import pytest
from workbench.build import micropython
from workbench.device import doctor, findings, official
from workbench.device.serialboard import BoardError, Facts
from workbench.paths import BOARDS, ROOT

STUBS = ROOT / "tests" / "device" / "esp32s3"


def listened(heard):
    """Returns what a board with such a microphone signal prints; the image has micdsp built in."""
    done = subprocess.run(
        [micropython.ensure("linux"), STUBS / "listen.py", doctor.LISTEN, heard],
        capture_output=True,
        timeout=60,
        check=False,
        env={"MICROPYPATH": f"{STUBS}:{BOARDS / 'esp32s3'}:{BOARDS / 'simulation'}:.frozen"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_a_microphone_that_hears_is_told_with_its_level():
    report = listened("tone")
    report["heard_ms"] = report["length_ms"]  # how busy this machine is does not matter
    found = findings.heard(report)
    assert found.good, found
    assert "% ones, level -" in found.found
    assert report["camera"] is False


@pytest.mark.parametrize(
    ("heard", "said"), [("stuck", "is stuck low"), ("silent", "look at its pins")]
)
def test_a_microphone_that_does_not_is_told_with_what_to_do(heard, said):
    found = findings.heard(listened(heard))
    assert found.good is False
    assert said in found.advice


def test_lost_and_unchanging_sound_are_told():
    report = {"length_ms": 1000, "heard_ms": 800, "rms": 100, "peak": 300, "spread": 9}
    assert "200 ms lost" in findings.heard(report).found
    assert "level -50 dBFS, peak -41" in findings.heard(report).found
    same = report | {"heard_ms": 1000, "spread": 0}
    assert "every sample is the same" in findings.heard(same).advice


FACTS = Facts("Generic ESP32S3 module with ESP32S3", "1.25.0", "xtensawin", 6, (), 200_000, 1, 1)


@pytest.mark.parametrize(
    ("machine", "psram", "good", "said"),
    [
        ("Generic ESP32S3 module with ESP32S3", 1, False, "takes the one that is"),
        ("Generic ESP32S3 module with Octal-SPIRAM with ESP32S3", 1, False, "try another board"),
        ("Generic ESP32S3 module with Octal-SPIRAM with ESP32S3", 2, False, "takes the one"),
        ("Generic ESP32S3 module with ESP32S3", 0, None, ""),
    ],
)
def test_memory_advice_never_goes_in_a_circle(machine, psram, good, said):
    facts = dataclasses.replace(FACTS, machine=machine)
    found = findings.memory(facts, {"psram": psram}, "/dev/x")
    assert found.good is good
    assert said in found.advice


class Board:
    """A port whose board gives these answers, or none."""

    port = "/dev/x"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.limits = []

    def run(self, code, timeout_s=60):
        self.limits.append(timeout_s)
        answer = self.answers.pop(0)
        if answer is None:
            raise BoardError(f"the board on /dev/x gave no answer in {timeout_s} s")
        return json.dumps(answer)


def test_a_radio_that_does_not_answer_is_waited_for_so_long_only():
    board = Board(None)
    (found,) = doctor._radio(board, FACTS)
    assert board.limits == [doctor.RADIO_TIMEOUT_S]
    assert (found.good, found.found) == (False, "does not answer within 10 s")
    on, memory = doctor._radio(Board({"radio": "on", "executable": 100}), FACTS)
    assert on.good
    assert memory.found.startswith("largest block 100 bytes with Bluetooth on")


def test_the_system_and_the_order_of_pairing_are_told():
    about = {"platform": "MicroPython-1.25.0-xtensa-IDFv5.2.2-with-newlib4.1.0"}
    system, pairing, reset = findings.system(about | {"reset": "WDT_RESET"})
    assert system.found == about["platform"]
    assert pairing.found == "ESP-IDF 5.2.2 tells of encryption, then gives the keys"
    assert "glint crash" in reset.advice
    assert "read before and after" in official.pairing_order("5.4.2")
    assert "not looked up" in official.pairing_order("7.0")


def test_a_machine_without_a_home_is_looked_at_all_the_same(monkeypatch):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(doctor.Path, "home", nowhere)
    assert [finding.what for finding in doctor.machine()][-1] == "disk"
