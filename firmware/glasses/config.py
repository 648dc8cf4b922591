# SPDX-License-Identifier: Apache-2.0
"""The configuration: config.json on the flash, over defaults."""

import json

FIRMWARE = "0.1.0"

RECORD_MIN_MS, RECORD_MAX_MS = 1000, 60000
# What an advertisement's scan response has room for beside a 128-bit UUID.
NAME_MAX_BYTES = 11

DEFAULTS = {
    "name": "Glint",
    "words": ["okay_nabu"],  # wake word models in /models, all listened for at once
    "vision": "person_detect",  # image classifier in /models; without: motion, brightness
    "wake_audio_ms": 3000,  # sound kept of a wake word, the half second before it included
}


def load(path):
    """The settings in `path`, or the defaults for what it does not say.

    Raises ValueError for a file that is not a JSON object, or a setting of another kind or range.
    """
    settings = dict(DEFAULTS)
    try:
        file = open(path)
    except OSError:
        return settings
    with file:
        try:
            stored = json.load(file)
        except ValueError:
            raise ValueError(path + ": not JSON; remove it to start from the defaults")
    if not isinstance(stored, dict):
        raise ValueError(path + ": not a JSON object; remove it to start from the defaults")
    for key, value in stored.items():
        if key not in DEFAULTS:
            continue  # a later version's setting
        if not isinstance(value, type(DEFAULTS[key])):
            raise ValueError("%s: %s is %s" % (path, key, type(value).__name__))
        settings[key] = value
    if not 1 <= len(settings["name"].encode()) <= NAME_MAX_BYTES:
        raise ValueError("%s: name takes 1 to %d bytes" % (path, NAME_MAX_BYTES))
    if not RECORD_MIN_MS <= settings["wake_audio_ms"] <= RECORD_MAX_MS:
        raise ValueError("%s: wake_audio_ms is %d to %d" % (path, RECORD_MIN_MS, RECORD_MAX_MS))
    return settings
