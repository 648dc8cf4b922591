# SPDX-License-Identifier: Apache-2.0
"""micdsp.Listener hears and records the same as Python code that runs hop by hop."""

import json

import numpy as np
import pytest
from board_scripts import SCRIPTS
from workbench.build import zoo
from workbench.emulation import sound
from workbench.runners.linux import Linux

NAMES = ("okay_nabu", "alexa")


def said(seed):
    phrases = ["alexa", "the weather is nice", "okay nabu", "alexa", "okay nabu"]
    parts = [part for phrase in phrases for part in (sound.speech(phrase), sound.silence(0.7))]
    joined = np.concatenate(parts)
    return sound.mix(joined, sound.noise(len(joined) / sound.SAMPLE_RATE_HZ, 60, seed))


@pytest.fixture(scope="module", params=[1, 2])
def report(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    names = [zoo.place(name, folder) for name in NAMES]
    stdin = said(request.param).astype("<i2").tobytes()
    script = SCRIPTS / "listener_check.py"
    return json.loads(Linux().run(script, str(folder), str(request.param), *names, stdin=stdin))


def test_words_begin_at_the_same_hops(report):
    ours, by_hand = report["words"]
    assert ours == by_hand
    assert {word for _, word in ours} == {0, 1}
    assert report["hops"][0] == report["hops"][1]


def test_recordings_are_the_same_bytes(report):
    ours, by_hand, same = report["recordings"]
    assert ours == by_hand > 2
    assert all(same)


def test_a_recording_begins_without_encoding_all_that_went_before_it_at_once(report):
    most, bound = report["at once"]
    assert most == bound


def test_misuse_raises(report):
    value, kind = "ValueError", "TypeError"
    assert report["refusals"] == [
        *[value] * 5,
        kind,
        *[value] * 3,
        kind,
        value,
        kind,
        *[value] * 5,
        kind,
        *[value] * 3,
        kind,
        *[value] * 7,
        kind,
        "AttributeError",
        True,
        "RuntimeError",
    ]
