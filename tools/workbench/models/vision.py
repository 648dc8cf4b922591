# SPDX-License-Identifier: Apache-2.0
"""Runs pictures through an image classifier, with the device's own C code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from workbench.build import zoo
from workbench.emulation import pictures
from workbench.errors import WorkbenchError
from workbench.host import tflm


class VisionError(WorkbenchError):
    """A model is no image classifier that the firmware would take."""


@dataclass(frozen=True)
class Looked:
    """What the model says of one picture.

    Attributes:
        path: The picture.
        scores: Probability by label, the most probable first; empty for what cannot be read.
        reason: Why it cannot be read.
    """

    path: Path
    scores: dict[str, float] = field(default_factory=dict)
    reason: str = ""


def _labels(model: str, mirror: Path | None) -> list[str]:
    """The labels in the manifest of a file or of a model of the zoo."""
    if not Path(model).is_file():
        found = zoo.manifest(model, mirror)
    else:
        beside = Path(model).with_suffix(".json")
        try:
            found = json.loads(beside.read_text())
        except (OSError, ValueError) as error:
            raise VisionError(f"{beside}: no manifest with labels: {error}") from None
    labels = found.get("labels") if isinstance(found, dict) else None
    if not isinstance(labels, list) or not labels:
        raise VisionError(f"{model}: its manifest lacks labels, so it is no image model")
    return [str(label) for label in labels]


def look(model: str, paths: Iterable[Path], *, mirror: Path | None = None) -> Iterator[Looked]:
    """Runs pictures through a model, cropped and made grey as the emulated camera does it.

    Args:
        model: A .tflite with its manifest beside it, or a name of the zoo.
        paths: Pictures.
        mirror: Folder to look for models in.

    Yields:
        What it says of each picture, in their order.

    Raises:
        VisionError: It is no image classifier that the firmware would take.
        zoo.ZooError, tflm.ModelError: It cannot be had, or is malformed.
    """
    labels = _labels(model, mirror)
    classifier = tflm.Model(zoo.find(model, mirror).read_bytes())
    taken, given = classifier.inputs[0], classifier.outputs[0]
    is_grey = len(taken.shape) == 4 and (taken.shape[0], taken.shape[3]) == (1, 1)
    if not is_grey or taken.dtype != "int8" or given.dtype != "int8":
        raise VisionError(
            f"{model} takes {taken.dtype} {taken.shape} and gives {given.dtype}, not one grey int8 "
            "picture and int8"
        )
    if given.shape[-1] != len(labels):
        raise VisionError(f"{model}: {given.shape[-1]} outputs, {len(labels)} labels")
    for path in paths:
        try:
            grey = pictures.grey(path, width=taken.shape[2], height=taken.shape[1])
        except pictures.PictureError as error:
            yield Looked(path, reason=str(error))
            continue
        pixels = np.frombuffer(grey, np.uint8).astype(np.int16) - 128
        classifier.set_input(0, pixels.astype(np.int8).tobytes())
        classifier.invoke()
        outputs = np.frombuffer(classifier.output(0), np.int8).astype(np.int16)
        shares = (outputs - given.zero_point) * given.scale
        scores = dict(zip(labels, map(float, shares), strict=True))
        yield Looked(path, dict(sorted(scores.items(), key=lambda item: -item[1])))
