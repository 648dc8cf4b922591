# SPDX-License-Identifier: Apache-2.0
"""Tests boards/esp32s3/board.py on the linux board, with an emulated machine and camera."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from workbench.build import micropython
from workbench.paths import BOARDS

STUBS = Path(__file__).parent / "esp32s3"


@pytest.fixture(scope="module")
def said():
    bits = np.random.default_rng(5).bytes(2560 * 100)
    done = subprocess.run(
        [micropython.ensure("linux"), STUBS / "check.py"],
        input=bits,
        capture_output=True,
        timeout=60,
        check=False,
        env={"MICROPYPATH": f"{STUBS}:{BOARDS / 'esp32s3'}:{BOARDS / 'simulation'}:.frozen"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_microphone_hears_through_the_decimator(said):
    rate, bits, form, buffer_bytes = said["i2s"]
    assert rate * bits * 2 == 2048000  # what PDM microphones are clocked with
    assert form == 1
    assert buffer_bytes == 16 * 2560  # frames of 8 bytes
    assert said["pins"] == [42, 41]
    got, same, whole = said["same"]
    assert same
    assert (
        whole - got < 2048 // 16 * 2 + 320
    )  # what is no whole piece of DMA memory, or no whole hop
    assert said["allocated"] == 0


def test_what_nobody_reads_is_counted(said):
    before, after = said["lost"]
    assert before == 0
    assert 60 * 320 - 320 <= after <= 60 * 320


def test_a_microphone_stops_without_waiting_for_data(said):
    assert said["stopped"] == [False, False, None]


def test_an_i2s_microphone_gives_the_highest_of_32_bits_louder_and_saturated(said):
    rate, bits, form, buffer_bytes, samples, _ = said["words"]
    assert (rate, bits, form) == (16000, 32, 0)
    assert buffer_bytes == 16 * 160 * 8
    assert samples == [4, -4, 5, 32767, -32768, 0, -1, 0]


def test_our_images_receiver_is_read_as_it_is(said):
    assert said["receiver"] == [[42, 41, 50, 3], 0, 360, 4, "abcd", 356, 7, False, [4, 5, 6, 25, 2]]


def test_it_sleeps_only_while_nothing_listens(said):
    asleep, with_bluetooth, with_microphone, slept_ms, woken_by = said["sleep"]
    assert (asleep, with_bluetooth, with_microphone) == (True, False, False)
    assert slept_ms == [500]
    assert woken_by == [[0, False]]


def test_light_button_and_battery(said):
    assert said["light"] == [0, 1]  # lit when low
    assert said["presses"] == [True, False]
    assert said["charge"] == [0, 0, 43, 82, 100, 100]
    assert said["battery"] == [3800, 43, 100]


def test_the_camera_is_on_only_while_it_takes_a_picture(said):
    assert said["pictures"][0] == 96 * 96
    assert said["pictures"][1] > 0
    assert said["refused"] == "camera: has no size 100 x 100"
    assert said["still_on"] == 0


def test_the_camera_stays_on_while_it_is_held(said):
    first, second, third = [True], [False, True], [False, False, True]
    assert said["held"] == [first, first, second, third]


def test_no_pin_is_used_twice(said):
    constants = said["constants"]
    names = ["PDM_CLOCK", "PDM_DATA", "PDM_UNUSED", "I2S_CLOCK", "I2S_WORD", "I2S_DATA"]
    camera = dict(constants["CAMERA"])
    used = [constants[name] for name in [*names, "LIGHT", "BUTTON"]] + camera.pop("data")
    used += camera.values()
    assert len(used) == len(set(used))
    # USB, then flash and octal PSRAM (esptool's check_spi_connection and ESP32-S3's data sheet).
    assert not {19, 20, *range(26, 38)}.intersection(used)
