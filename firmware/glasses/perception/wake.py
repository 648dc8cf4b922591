# SPDX-License-Identifier: Apache-2.0
"""Wake word detection as microWakeWord v2 manifests describe it."""

import micdsp
import tflm

from glasses.perception import models

# So much of a phrase fits an event.
WORD_MAX_BYTES = 80


class ManifestError(ValueError):
    """A wake word's manifest lacks something or holds nonsense."""


def described(name, manifest):
    """(phrase, steps of the sliding mean, cutoff) of a parsed manifest. Raises ManifestError."""
    try:
        micro = manifest["micro"]
        word = manifest["wake_word"]
        window = int(micro["sliding_window_size"])
        cutoff = float(micro["probability_cutoff"])
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestError("wake word %s: its manifest lacks %s" % (name, error))
    if not isinstance(word, str) or not 0 < len(word.encode()) <= WORD_MAX_BYTES:
        raise ManifestError("wake word %s: its phrase has no such length" % name)
    if not 1 <= window <= 255 or not 0 < cutoff < 1:
        raise ManifestError("wake word %s: window %d, cutoff %s" % (name, window, cutoff))
    return word, window, cutoff


class Detector:
    """One wake word: a streaming model, and a sliding mean of its output against a cutoff.

    Attributes:
        name: The model's file name without its ending.
        word: The phrase, from the manifest.
        model: The tflm.Model.
        spotter: The micdsp.Spotter, which takes features.
    """

    def __init__(self, name, manifest, model_bytes):
        """Loads a model (used in place) and the parsed JSON manifest beside it.

        Raises ManifestError, or what `tflm.Model` raises.
        """
        self.word, window, cutoff = described(name, manifest)
        self.name = name
        self.model = model = tflm.Model(model_bytes)
        tensor_in, tensor_out = model.inputs[0], model.outputs[0]
        _, channels = tensor_in.shape[-2:]
        if channels != micdsp.CHANNELS or tensor_in.dtype != "int8" or tensor_out.dtype != "uint8":
            raise ManifestError(
                "wake word %s: takes %s %s and gives %s, not int8 features of %d channels and uint8"
                % (name, tensor_in.dtype, tensor_in.shape, tensor_out.dtype, micdsp.CHANNELS)
            )
        # mean > cutoff, over integers: the sum of the window's steps exceeds this. The small term
        # keeps a product that is whole by definition (0.85 * 5 * 256) whole in single precision.
        self._zero_sum = tensor_out.zero_point * window
        cutoff_sum = int(cutoff * window / tensor_out.scale + 0.001) + self._zero_sum
        self._sum_scale = tensor_out.scale / window
        self.spotter = micdsp.Spotter(
            model.invoke,
            model.input(0),
            model.output(0),
            tensor_in.scale,
            tensor_in.zero_point,
            window,
            cutoff_sum,
        )
        self.reset()

    def reset(self):
        """Forgets the sound heard so far."""
        self.model.reset()
        self.spotter.reset()

    @property
    def probability(self):
        """Mean of the window, 0 to 1; 0 until the window is full."""
        spotter = self.spotter
        return (spotter.sum - self._zero_sum) * self._sum_scale if spotter.full else 0.0


def load(folder, name):
    """The detector of `name`.json and `name`.tflite in `folder`, or else in the ROMFS.

    Raises OSError when a file is missing, ValueError when one is broken.
    """
    try:
        manifest = models.manifest(folder, name)
    except ValueError:
        raise ManifestError("wake word %s: its manifest is not JSON" % name)
    return Detector(name, manifest, models.content(folder, name))
