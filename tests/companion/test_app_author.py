# SPDX-License-Identifier: Apache-2.0
"""Tests what the author of an app sees first."""

import subprocess
import sys

import glint
from glint.events import Seen


def test_the_import_warns_of_nothing():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import glint; glint.connect; glint.Photo"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_can_be_used_is_listed():
    assert set(glint.__all__) <= set(dir(glint))


def test_pictures_and_sounds_are_not_printed_in_full():
    photo = glint.Photo(b"\xff\xd8" * 5000, "jpeg", 640, 480)
    audio = glint.Audio(b"\x00\x01" * 5000, 16000, 500, 1)
    assert len(repr(photo)) < 100
    assert len(repr(audio)) < 100


def test_what_was_seen_names_its_photo():
    assert Seen(1, 2, "person", 0.75, "person_detect", 17).media == 17
