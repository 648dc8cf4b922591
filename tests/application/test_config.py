# SPDX-License-Identifier: Apache-2.0
"""Tests the firmware's configuration: defaults, the contents of its file, and what it refuses."""

import json

import pytest
from glasses import config
from hypothesis import given
from hypothesis import strategies as st


def load(tmp_path, stored):
    path = tmp_path / "config.json"
    path.write_text(stored if isinstance(stored, str) else json.dumps(stored))
    return config.load(str(path))


def test_without_a_file_there_are_defaults(tmp_path):
    assert config.load(str(tmp_path / "none.json")) == (config.DEFAULTS, [])


def test_the_file_goes_before_the_defaults_and_later_settings_are_left_alone(tmp_path):
    settings, wrong = load(tmp_path, {"name": "Left eye", "from_the_future": 1})
    assert settings == {**config.DEFAULTS, "name": "Left eye"}
    assert wrong == []
    config.save(str(tmp_path / "config.json"), {"words": []})
    stored = json.loads((tmp_path / "config.json").read_text())
    assert stored == {"name": "Left eye", "from_the_future": 1, "words": []}


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        ("", "config.json cannot be read"),
        ("{", "config.json cannot be read"),
        ('{"name": "Left', "config.json cannot be read"),
        ("[" * 100_000, "config.json cannot be read"),
        ([], "config.json cannot be read"),
        ({"words": "okay_nabu"}, "words has to be a list"),
        ({"words": ["../x"]}, "words: ../x is no model's name"),
        ({"name": "a name of many letters"}, "name takes 1 to 11 bytes"),
        ({"name": ""}, "name takes 1 to 11 bytes"),
        ({"wake_audio_ms": 0}, "wake_audio_ms takes 1000 to 60000"),
        ({"wake_audio_ms": 10**9}, "wake_audio_ms takes 1000 to 60000"),
    ],
)
def test_nonsense_counts_as_not_said_and_is_told(tmp_path, stored, why):
    if isinstance(stored, dict):
        stored["vision"] = "mine"  # the valid settings beside it apply
    settings, wrong = load(tmp_path, stored)
    assert wrong == [why]
    assert settings == config.DEFAULTS | ({"vision": "mine"} if isinstance(stored, dict) else {})
    # And the next setting repairs it.
    config.save(str(tmp_path / "config.json"), {"name": "Mine"})
    if not isinstance(stored, dict):
        assert config.load(str(tmp_path / "config.json"))[1] == []


@given(st.binary(max_size=200))
def test_any_file_is_read(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "config.json"
    path.write_bytes(data)
    settings, wrong = config.load(str(path))
    assert settings.keys() == config.DEFAULTS.keys()
    assert wrong or json.loads(data) is not None
