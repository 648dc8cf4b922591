# SPDX-License-Identifier: Apache-2.0
"""The models on the board: a .tflite and a .json manifest each, in a folder or in the ROMFS.

What lies in the folder comes first. `mpremote romfs deploy` writes the ROMFS; a model there is used
where it lies and takes no heap.
"""

import json
import os

ROM = "/rom/models"
MODEL, MANIFEST = ".tflite", ".json"


def find(folder, file):
    """The path of a file: in `folder` if it is there, or else in the ROMFS, or else in `folder`."""
    for path in (folder + "/" + file, ROM + "/" + file):
        try:
            os.stat(path)
            return path
        except OSError:
            pass
    return folder + "/" + file


def names(folder):
    """The names of all models, sorted."""
    found = set()
    for place in (folder, ROM):
        try:
            found.update(file[: -len(MODEL)] for file in os.listdir(place) if file.endswith(MODEL))
        except OSError:
            pass  # no such folder
    return sorted(found)


def manifest(folder, name):
    """The parsed manifest of a model; OSError when it is missing, ValueError when it is broken."""
    with open(find(folder, name + MANIFEST)) as file:
        return json.load(file)


def content(folder, name):
    """The bytes of a model, without a copy where the file system gives them so; or OSError.

    MicroPython's ROMFS does: the view is of its memory, which has to stay. It does: /rom is flash,
    and nobody unmounts the ROMFS of a slot.
    """
    with open(find(folder, name + MODEL), "rb") as file:
        try:
            return memoryview(file)
        except TypeError:
            return file.read()
