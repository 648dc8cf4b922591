# SPDX-License-Identifier: Apache-2.0
"""Checks what a companion sends for a model before it takes the place of one that works."""

import json

import tflm

from glasses.perception import models, wake


def check(file, path):
    """Raises ValueError when a file cannot be what its name says; MemoryError: it is too large.

    Args:
        file: Its name to be; what is neither a model nor a manifest may hold anything.
        path: Where it lies.
    """
    if file.endswith(models.MODEL):
        with open(path, "rb") as opened:
            tflm.arena_size(opened.read())
    elif file.endswith(models.MANIFEST):
        with open(path) as opened:
            manifest = json.load(opened)
        name = file[: -len(models.MANIFEST)]
        if not isinstance(manifest, dict) or not ("micro" in manifest or "labels" in manifest):
            raise ValueError(name + ": its manifest has neither micro, of a word, nor labels")
        if "micro" in manifest:
            wake.described(name, manifest)
        elif not isinstance(manifest["labels"], list) or not manifest["labels"]:
            raise ValueError(name + ": its labels are no list of names")
