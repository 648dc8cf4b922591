# SPDX-License-Identifier: Apache-2.0
"""The configuration: config.json on the flash, over defaults."""

import json

from glasses.slots import replace

FIRMWARE = "0.1.0"

RECORD_MIN_MS, RECORD_MAX_MS = 1000, 60000
# What an advertisement's scan response has room for beside a 128-bit UUID.
NAME_MAX_BYTES = 11
MODEL_NAME_MAX = 32
WORDS_MAX = 4

DEFAULTS = {
    "name": "Glint",
    "words": ["okay_nabu"],  # wake word models in /models, all listened for at once
    "vision": "person_detect",  # image classifier in /models; without: motion, brightness
    "wake_audio_ms": 3000,  # sound kept of a wake word, the half second before it included
}


class UnknownError(ValueError):
    """There is no such setting."""


class KindError(ValueError):
    """A setting's value is of another type."""


class RangeError(ValueError):
    """A setting's value is too small, too large or too long, or no model's name."""


def check(key, value):
    """Raises one of the errors above when `value` cannot be what `key` is set to."""
    if key not in DEFAULTS:
        raise UnknownError("no setting " + str(key))
    if not isinstance(value, type(DEFAULTS[key])) or isinstance(value, bool):
        raise KindError("%s is %s" % (key, type(value).__name__))
    if key == "name" and not 1 <= len(value.encode()) <= NAME_MAX_BYTES:
        raise RangeError("name takes 1 to %d bytes" % NAME_MAX_BYTES)
    if key == "wake_audio_ms" and not RECORD_MIN_MS <= value <= RECORD_MAX_MS:
        raise RangeError("wake_audio_ms is %d to %d" % (RECORD_MIN_MS, RECORD_MAX_MS))
    if key == "words":
        for word in value:
            if not isinstance(word, str):
                raise KindError("words holds " + type(word).__name__)
        if len(value) > WORDS_MAX or len(set(value)) < len(value):
            raise RangeError("words takes %d at most, each once" % WORDS_MAX)
    for name in value if key == "words" else [value] if key == "vision" else []:
        if not is_model(name):
            raise RangeError("%s: %s is no model's name" % (key, name))


def is_model(name):
    """Whether a name can be a model's: letters, digits, "_" and "-", for it becomes a path."""
    return 0 < len(name) <= MODEL_NAME_MAX and all(
        "a" <= c <= "z" or "A" <= c <= "Z" or "0" <= c <= "9" or c in "_-" for c in name
    )


def load(path):
    """The settings in `path`, or the defaults for what it does not say.

    Raises ValueError for a file that is not a JSON object, or a setting of another kind or range.
    """
    settings = dict(DEFAULTS)
    for key, value in _stored(path).items():
        try:
            check(key, value)
        except UnknownError:
            continue  # a later version's setting
        except ValueError as error:
            raise ValueError("%s: %s" % (path, error))
        settings[key] = value
    return settings


def save(path, changes):
    """Puts settings that have been checked into the file, beside those of a later version."""
    stored = _stored(path)
    stored.update(changes)
    replace(path, json.dumps(stored))


def _stored(path):
    try:
        file = open(path)
    except OSError:
        return {}
    with file:
        try:
            stored = json.load(file)
        except ValueError:
            raise ValueError(path + ": not JSON; remove it to start from the defaults")
    if not isinstance(stored, dict):
        raise ValueError(path + ": not a JSON object; remove it to start from the defaults")
    return stored
