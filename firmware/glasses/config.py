# SPDX-License-Identifier: Apache-2.0
"""The configuration: config.json on the flash, over defaults."""

import json

from glasses.arguments import KindError, RangeError, check_value
from glasses.boot.slots import replace
from glasses.protocol import LIMIT_MODEL_NAME_BYTES
from glasses.requests import SETTINGS

FIRMWARE = "0.1.0"
# What MCUboot calls so: raised when a hole is closed that nobody must be able to open again.
SECURITY_COUNTER = 0

DEFAULTS = {
    "name": "Glint",
    "words": ["okay_nabu"],  # wake word models in /models, all listened for at once
    "vision": "person_detect",  # image classifier in /models; without: motion, brightness
    "wake_audio_ms": 3000,  # sound kept of a wake word, the half second before it included
}


class UnknownError(ValueError):
    """There is no such setting."""


def check(key, value):
    """Raises an error when `value` cannot be what `key` is set to.

    Raises:
        UnknownError: There is no such setting.
        arguments.KindError: The value is of another type.
        arguments.RangeError: It is too small, too large or too long, or no model's name.
    """
    if key not in SETTINGS:
        raise UnknownError("there is no setting %s" % key)
    check_value(SETTINGS[key], value)
    if key == "words":
        for word in value:
            if not isinstance(word, str):
                raise KindError("words takes names of models")
        if len(set(value)) < len(value):
            raise RangeError("words takes each word once")
    for name in value if key == "words" else [value] if key == "vision" else []:
        if not is_model(name):
            raise RangeError("%s: %s is no model's name" % (key, name))


def is_model(name):
    """Whether a name can be a model's: letters, digits, "_" and "-", for it becomes a path."""
    return 0 < len(name) <= LIMIT_MODEL_NAME_BYTES and all(
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
