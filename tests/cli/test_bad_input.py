# SPDX-License-Identifier: Apache-2.0
"""The workbench's commands answer unusable input with one line and status 1."""

import subprocess
import sys

import pytest
from PIL import Image


def glint(*arguments, timeout_s=60):
    return subprocess.run(
        [sys.executable, "-m", "glint", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )


def assert_refused(done, *words):
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]


@pytest.fixture
def not_sound(tmp_path):
    path = tmp_path / "noise.wav"
    path.write_bytes(b"RIFF nonsense")
    return path


def test_sim_with_a_sound_that_is_none(not_sound):
    assert_refused(glint("sim", "--mic", not_sound), "noise.wav")


def test_sim_with_a_sound_that_is_not_there(tmp_path):
    assert_refused(glint("sim", "--mic", tmp_path / "no.wav"), "no.wav")


def test_sim_with_a_camera_folder_without_pictures(tmp_path):
    assert_refused(glint("sim", "--camera", tmp_path), "no picture in", ".png")


def test_sim_with_a_camera_folder_that_is_not_there(tmp_path):
    assert_refused(glint("demo", "--camera", tmp_path / "none"), "no folder")


def test_sim_with_a_wake_word_that_nobody_knows():
    assert_refused(glint("sim", "--word", "okay_nabo"), "okay_nabu")


def test_sim_with_a_board_that_is_none():
    for command in ("sim", "demo"):
        assert_refused(glint(command, "--board", "toaster"), "toaster", "corstone300, linux")
        assert_refused(glint(command, "--board", "esp32s3"), "esp32s3", "corstone300, linux")


def test_demo_that_cannot_save(tmp_path):
    (tmp_path / "file").touch()
    assert_refused(glint("demo", "--output", tmp_path / "file"), "nothing can be saved", "file")


def test_wake_test_with_a_broken_model(tmp_path):
    (tmp_path / "broken.tflite").write_bytes(b"\x00" * 100)
    (tmp_path / "broken.json").write_text("{}")
    Image.new("L", (1, 1)).save(tmp_path / "x.png")
    assert_refused(glint("wake", "test", tmp_path / "broken.tflite", tmp_path / "x.png"), "x.png")


def test_wake_test_with_a_model_without_manifest(tmp_path):
    from workbench.emulation import sound

    sound.save(tmp_path / "quiet.wav", sound.silence(0.1))
    (tmp_path / "lonely.tflite").write_bytes(b"\x00" * 100)
    done = glint("wake", "test", tmp_path / "lonely.tflite", tmp_path / "quiet.wav")
    assert_refused(done, "manifest", "lonely.json")
