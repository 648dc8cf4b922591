# SPDX-License-Identifier: Apache-2.0
"""The firmware's wake word detector, in MicroPython, against pymicro-wakeword on the same sound."""

import numpy as np
import pytest
from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model
from workbench import sound, wake
from workbench.zoo import manifest

WORDS = {
    "okay_nabu": "okay nabu",
    "hey_jarvis": "hey jarvis",
    "alexa": "alexa",
    "hey_mycroft": "hey mycroft",
}
VOICES = ("en-us", "en", "en-us+f3")


def scene(text, voice, seed):
    """Noise, other speech, the phrase, noise."""
    said = np.concatenate(
        [
            sound.silence(0.8),
            sound.speech("the weather is nice today", voice),
            sound.silence(0.5),
            sound.speech(text, voice),
            sound.silence(1.0),
        ]
    )
    return sound.mix(said, sound.noise(len(said) / sound.SAMPLE_RATE_HZ, 60, seed))


def oracle_means(name, samples):
    """pymicro-wakeword's mean after each inference."""
    detector = MicroWakeWord.from_builtin(Model(name))
    hops = MicroWakeWordFeatures().process_streaming(samples.tobytes())
    means = [detector.process_streaming_prob(features) for features in hops]
    return means[detector.stride - 1 :: detector.stride]


@pytest.fixture(scope="module")
def scenes():
    every = [scene(text, voice, i) for i, text in enumerate(WORDS.values()) for voice in VOICES]
    rng = np.random.default_rng(1)
    clipping = np.clip(rng.standard_normal(32000) * 40000, -32768, 32767).astype(np.int16)
    return [*every, sound.noise(2, 3000), clipping, sound.silence(1)]


@pytest.mark.parametrize("name", WORDS)
def test_decisions_equal_pymicro_wakeword(name, scenes):
    cutoff = manifest(name)["micro"]["probability_cutoff"]
    decided = 0
    for samples, heard in zip(scenes, wake.listen(name, scenes), strict=True):
        expected = [mean > cutoff for mean in oracle_means(name, samples)]
        assert [mean > cutoff for mean in heard.trace] == expected
        onsets = [i for i, above in enumerate(expected) if above and not (i and expected[i - 1])]
        assert len(heard.detections) == len(onsets)
        decided += len(onsets)
    if name != "hey_jarvis":  # eSpeak's voices do not say it so that the model believes them
        assert decided
