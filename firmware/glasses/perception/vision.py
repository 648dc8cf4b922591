# SPDX-License-Identifier: Apache-2.0
"""Vision: an image classifier if there is one, else motion and brightness."""

import asyncio
from asyncio import core
from time import ticks_diff

import tflm

from glasses.config import MOTION
from glasses.perception import models
from glasses.perception.trigger import MOTION_SHARE, Trigger

MOTION_SIZE = 96
# So many bytes of a picture are made a model's at once.
FLIPPED_BYTES = 2048
FLIP = int.from_bytes(b"\x80" * FLIPPED_BYTES, "little")
# Characters of a label that an event has room for.
LABEL_MAX = 20


class Classifier:
    """An int8 image model whose outputs are the manifest's `labels`, on a grey picture.

    Attributes:
        lead: By how much the label of the last look was more probable than the next best.
        took_ms: How long the last look took, with others' turns in it; 0 before the first.
    """

    def __init__(self, name, manifest, model_bytes, slice_macs):
        self.name = name
        self.model = tflm.Model(model_bytes)
        self._slice_macs = slice_macs
        tensor = self.model.inputs[0]
        output = self.model.outputs[0]
        try:
            self._labels = [str(label)[:LABEL_MAX] for label in manifest["labels"]]
        except (KeyError, TypeError):
            raise ValueError("vision %s: its manifest lacks labels" % name)
        _, self.height, self.width, depth = tensor.shape
        if depth != 1 or tensor.dtype != "int8" or output.dtype != "int8":
            raise ValueError(
                "vision %s: takes %s %s and gives %s, not one grey int8 picture and int8"
                % (name, tensor.dtype, tensor.shape, output.dtype)
            )
        if output.shape[-1] != len(self._labels):
            raise ValueError(
                "vision %s: %d outputs, %d labels" % (name, output.shape[-1], len(self._labels))
            )
        self._scale, self._zero_point = output.scale, output.zero_point
        self.lead = 0.0
        self.took_ms = 0
        self._lock = asyncio.Lock()

    async def _fill(self, grey):
        """Grey 0..255 to int8 -128..127: flips each byte's top bit, many in one wide XOR."""
        view = self.model.input(0)
        for at in range(0, len(grey), FLIPPED_BYTES):
            part = grey[at : at + FLIPPED_BYTES]
            flip = (
                FLIP
                if len(part) == FLIPPED_BYTES
                else int.from_bytes(b"\x80" * len(part), "little")
            )
            flipped = int.from_bytes(part, "little") ^ flip
            view[at : at + len(part)] = flipped.to_bytes(len(part), "little")
            await asyncio.sleep_ms(0)

    async def look(self, grey):
        """(label, probability) of a grey picture; gives way to others every few milliseconds."""
        async with self._lock:  # a photo's, and one of those that the glasses take by themselves
            start_ms = core.ticks()
            await self._fill(grey)
            while not self.model.step(self._slice_macs):
                await asyncio.sleep_ms(0)
            scores = list(self.model.output(0))
            self.took_ms = ticks_diff(core.ticks(), start_ms)
        best = max(range(len(scores)), key=lambda i: scores[i])
        score = scores.pop(best)
        self.lead = (score - max(scores, default=self._zero_point)) * self._scale
        return self._labels[best], (score - self._zero_point) * self._scale


class Motion:
    """The trigger that needs no model: did the scene change since the last look, is it dark?"""

    name = MOTION
    width = height = MOTION_SIZE
    took_ms = 0

    def __init__(self):
        self._trigger = Trigger()

    async def look(self, grey):
        """("motion" | "still" | "dark", share of pixels that changed)."""
        is_first = not self._trigger.has_kept
        share = await self._trigger.compare(grey, self.width, self.height)
        self._trigger.keep()
        if is_first:
            share = 0.0
        if share >= MOTION_SHARE:
            return "motion", share
        return ("dark" if self._trigger.is_dark else "still"), share


async def picture(camera, eye):
    """A grey picture of the size that `eye` takes. Raises OSError: the camera gives none."""
    grey = await camera.capture(camera.GREY, eye.width, eye.height)
    if len(grey) != eye.width * eye.height:
        raise OSError("camera: a picture of %d bytes" % len(grey))
    return grey


def load(folder, name, slice_macs):
    """The classifier of `name`.json and `name`.tflite in `folder`, or else in the ROMFS.

    Raises OSError when a file is missing, ValueError when one is broken.
    """
    manifest = models.manifest(folder, name)
    return Classifier(name, manifest, models.content(folder, name), slice_macs)
