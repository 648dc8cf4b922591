# SPDX-License-Identifier: Apache-2.0
"""The firmware's configuration: defaults, what the file says, and what it refuses."""

import json

import pytest
from glasses import config


def load(tmp_path, stored):
    path = tmp_path / "config.json"
    path.write_text(stored if isinstance(stored, str) else json.dumps(stored))
    return config.load(str(path))


def test_without_a_file_there_are_defaults(tmp_path):
    assert config.load(str(tmp_path / "none.json")) == config.DEFAULTS


def test_the_file_goes_before_the_defaults_and_later_settings_are_left_alone(tmp_path):
    settings = load(tmp_path, {"name": "Left eye", "from_the_future": 1})
    assert settings == {**config.DEFAULTS, "name": "Left eye"}


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        ("{", "not JSON"),
        ([], "not a JSON object"),
        ({"words": "okay_nabu"}, "words has to be a list"),
        ({"name": "a name of many letters"}, "name takes"),
        ({"name": ""}, "name takes"),
        ({"wake_audio_ms": 0}, "wake_audio_ms takes 1000 to 60000"),
        ({"wake_audio_ms": 10**9}, "wake_audio_ms takes 1000 to 60000"),
    ],
)
def test_nonsense_is_refused_with_the_reason(tmp_path, stored, why):
    with pytest.raises(ValueError, match=why):
        load(tmp_path, stored)
