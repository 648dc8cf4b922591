# SPDX-License-Identifier: Apache-2.0
"""Tests when watching glasses run their model, and when they report a change."""

import asyncio
import itertools
import json
import tomllib

import numpy as np
import pytest
import tflm_oracle
from board_scripts import SCRIPTS
from glasses.perception import trigger
from glasses.perception.trigger import Told, Trigger
from hypothesis import given
from hypothesis import strategies as st
from workbench.build import zoo
from workbench.paths import BOARDS
from workbench.runners import cortexm
from workbench.runners.linux import Linux

LABELS = st.lists(st.sampled_from(["a", "b", "c", None]), max_size=60)


@pytest.fixture(autouse=True)
def _micropython(monkeypatch):
    monkeypatch.setattr(
        asyncio, "sleep_ms", lambda ms: asyncio.sleep(ms / 1000), raising=False
    )  # as MicroPython's asyncio has it


def compare(trigger, picture):
    return asyncio.run(trigger.compare(picture.tobytes(), picture.shape[1], picture.shape[0]))


def scene(level, shape=(96, 96)):
    return np.full(shape, level, np.uint8)


@given(LABELS, st.integers(1, 5))
def test_a_label_is_told_once_enough_looks_in_a_row_say_so(labels, enough):
    told = Told()
    news = [label for label in labels if told.look(label, enough)]
    # The oracle takes runs of the same label that are long enough; undecided looks end a run.
    # Successive runs with the same label count once.
    runs = [(label, len(list(looks))) for label, looks in itertools.groupby(labels)]
    long = [label for label, length in runs if label is not None and length >= enough]
    assert news == [label for label, _ in itertools.groupby(long)]
    assert told.label == (long[-1] if long else None)


@given(LABELS, st.integers(2, 5))
def test_a_label_that_flickers_is_told_no_more_than_once_in_enough_looks(labels, enough):
    told = Told()
    at = [i for i, label in enumerate(labels) if told.look(label, enough)]
    assert all(later - earlier >= enough for earlier, later in itertools.pairwise([-1, *at]))


@given(LABELS)
def test_doubt_lasts_from_another_label_to_the_next_that_is_told_or_undecided(labels):
    told = Told()
    for label in labels:
        news = told.look(label, 2)
        assert told.is_doubtful == (label not in (None, told.label) and not news)


def test_a_picture_is_compared_with_the_one_that_is_kept():
    eye = Trigger()
    assert compare(eye, scene(100)) == 1.0  # with none
    eye.keep()
    assert compare(eye, scene(100)) == 0.0
    assert compare(eye, scene(100 + trigger.MOTION_LEVELS)) == 0.0
    assert compare(eye, scene(101 + trigger.MOTION_LEVELS)) == 1.0
    assert compare(eye, scene(100)) == 0.0  # a picture that was not kept has no effect
    part = scene(100)
    part[:24] = 200  # a quarter of the rows
    assert compare(eye, part) == pytest.approx(0.25)
    eye.keep()
    assert compare(eye, part) == 0.0
    assert compare(eye, scene(100)) == pytest.approx(0.25)
    eye.forget()
    assert compare(eye, scene(100)) == 1.0


def test_slow_changes_add_up():
    eye = Trigger()
    compare(eye, scene(50))
    eye.keep()
    shares = [compare(eye, scene(level)) for level in range(51, 80)]
    assert shares == [0.0] * trigger.MOTION_LEVELS + [1.0] * (29 - trigger.MOTION_LEVELS)


@pytest.mark.parametrize("shape", [(96, 96), (120, 160), (8, 10), (97, 96), (24, 24)])
def test_pictures_of_any_size(shape):
    eye = Trigger()
    random = np.random.default_rng(1)
    first, second = (random.integers(0, 256, shape, np.uint8) for _ in range(2))
    compare(eye, first)
    eye.keep()
    down, across = (max(1, length // trigger.SAMPLES) for length in shape)
    change = np.abs(first.astype(int) - second)[::down, ::across] > trigger.MOTION_LEVELS
    assert compare(eye, second) == pytest.approx(change.mean())
    # With another number of pixels, there is no kept picture to compare.
    assert compare(eye, scene(9, (10, 10))) == 1.0


def test_it_is_dark_until_it_is_clearly_light():
    eye = Trigger()
    dark = []
    for level in (40, 16, 15, 20, 23, 24, 20, 16, 15):
        compare(eye, scene(level))
        dark.append(eye.is_dark)
    assert dark == [False, False, True, True, True, False, False, False, True]


def test_no_turn_of_a_look_takes_longer_than_5_ms():
    """Counted in instructions, one to a cycle; the slices of the model have tests of their own."""
    board = tomllib.loads((BOARDS / "corstone300" / "board.toml").read_text())["models"]
    files = {
        "person_detect.tflite": tflm_oracle.load("person_detect"),
        "person_detect.json": json.dumps(zoo.manifest("person_detect")).encode(),
    }
    counting = cortexm.CortexM("corstone300", counting=True)
    script = SCRIPTS / "look_turns.py"
    said = json.loads(counting.run(script, "/rom", "person_detect", files=files))
    turns_us = [*said["compare"], *said["look"]]
    instructions = [us * 1000 / cortexm.INSTRUCTION_NS for us in turns_us]
    assert len(said["compare"]) > 2
    assert max(instructions) <= 0.005 * board["clock_hz"]


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flash")
    said = Linux().run(SCRIPTS / "watcher_check.py", str(folder))
    return json.loads(said.splitlines()[-1])


def test_a_wish_that_changes_counts_at_once(watched):
    assert watched["next look after ms"] < 100


def test_who_begins_to_watch_is_told_anew_and_nobody_when_others_stop(watched):
    none, first, second, stopped = watched["seen"]
    assert first > none
    assert (second - first, stopped - second) == (1, 0)


def test_who_loses_its_bond_watches_no_more(watched):
    assert watched["lost its bond"] == [0, 0]
    assert watched["looks then"] == 0


def test_a_camera_that_fails_now_and_then_is_told_once(watched):
    assert watched["failing"] == ["no picture"]


def test_a_picture_of_another_length_is_an_error(watched):
    text = "camera: a picture of 2 bytes"
    assert watched["short"] == [text]
    assert watched["photos"] == [text, "whole"]
    assert watched["running"]


def test_a_photo_that_cannot_be_looked_at_is_kept(watched):
    assert watched["photo"] == "no memory"
    assert watched["photos"][1] == "whole"


def test_who_has_not_asked_for_events_has_nothing_watched(watched):
    assert watched["refused"] == "events have not been asked for"
