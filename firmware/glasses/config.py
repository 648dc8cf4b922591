# SPDX-License-Identifier: Apache-2.0
"""The configuration: config.json on the flash, over defaults."""

import json

from glasses import storage
from glasses.arguments import KindError, RangeError, check_value
from glasses.protocol import LIMIT_MODEL_NAME_BYTES, LIMIT_WATCH_MIN_MS
from glasses.requests import SETTINGS

FIRMWARE = "0.1.0"
# What MCUboot calls so: raised when a hole is closed that nobody must be able to open again.
SECURITY_COUNTER = 0

# Instead of an image model's name: the trigger that needs none.
MOTION = "motion"

DEFAULTS = {
    "name": "Glint",
    "words": ["okay_nabu"],  # wake word models in /models, all listened for at once
    "vision": "person_detect",  # image classifier in /models; without: motion, brightness
    "battery_mah": 0,  # what the battery holds when full; 0: nobody has said
    "wake_audio_ms": 3000,  # sound kept of a wake word, the half second before it included
    "watch_every_ms": 0,  # from one look of the camera to the next; 0: it looks only when asked
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
    if key == "watch_every_ms" and 0 < value < LIMIT_WATCH_MIN_MS:
        raise RangeError("%s takes 0, or %d at least" % (key, LIMIT_WATCH_MIN_MS))
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
    """(the settings in `path`, or the defaults for what it does not say; what is wrong with it).

    What is wrong is a list of texts, and what it is wrong with counts as not said.
    """
    settings = dict(DEFAULTS)
    stored, wrong = _stored(path)
    for key, value in stored.items():
        try:
            check(key, value)
            settings[key] = value
        except UnknownError:
            continue  # a later version's setting
        except ValueError as error:
            wrong.append(str(error))
    return settings, wrong


def save(path, changes):
    """Puts settings that have been checked into the file, beside those of a later version.

    Raises OSError: the file is as it was.
    """
    stored, _ = _stored(path)
    stored.update(changes)
    storage.replace(path, json.dumps(stored))


def _stored(path):
    if storage.missing(path):
        return {}, []
    try:
        with open(path) as file:
            stored = json.load(file)
        if isinstance(stored, dict):
            return stored, []
    except Exception as error:  # cut, or anything at all
        print("settings: cannot be read:", error)
    return {}, ["config.json cannot be read"]
