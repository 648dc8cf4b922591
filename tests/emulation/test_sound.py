# SPDX-License-Identifier: Apache-2.0
"""Sound files are converted to the samples that the microphone would give."""

import numpy as np
import pytest
import soundfile
from workbench.emulation import sound


def tone(rate_hz, seconds=1.0, frequency_hz=440.0):
    return np.sin(2 * np.pi * frequency_hz * np.arange(round(rate_hz * seconds)) / rate_hz)


def test_16_khz_mono_comes_through_unchanged(tmp_path):
    samples = np.random.default_rng(0).integers(-32768, 32767, 16000, np.int16, endpoint=True)
    sound.save(tmp_path / "a.wav", samples)
    np.testing.assert_array_equal(sound.load(tmp_path / "a.wav"), samples)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
@pytest.mark.parametrize(("rate_hz", "channels"), [(44100, 2), (8000, 1), (48000, 1), (16000, 2)])
def test_anything_else_is_resampled_and_mixed_down(tmp_path, rate_hz, channels, suffix):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, np.column_stack([tone(rate_hz) * 0.5] * channels), rate_hz)
    heard = sound.load(path).astype(np.float64) / 32768
    assert abs(len(heard) - sound.SAMPLE_RATE_HZ) <= 1
    middle = slice(1600, 14400)
    expected = tone(sound.SAMPLE_RATE_HZ)[middle] * 0.5
    assert np.sqrt(np.mean((heard[middle] - expected) ** 2)) < 0.005


def test_mix_saturates_instead_of_wrapping():
    loud = np.full(10, 30000, np.int16)
    assert set(sound.mix(loud, loud)) == {32767}


def test_speech_needs_a_voice_that_there_is():
    with pytest.raises(sound.SoundError, match="no voice no-such"):
        sound.speech("hello", "no-such")
