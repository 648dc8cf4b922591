# SPDX-License-Identifier: Apache-2.0
"""Clips for training: converted voices, rooms and noise, features, and where the phrase is."""

import numpy as np
import pytest
from pymicro_wakeword import MicroWakeWordFeatures
from workbench.emulation import sound
from workbench.train import clips, rooms

# The packages of the extra `train`, which `make test` does not install.
pytest.importorskip("pyworld", reason="pip install 'glint-workbench[train]'")
pytest.importorskip("pyroomacoustics", reason="pip install 'glint-workbench[train]'")

from workbench.train import conversion

PHRASE = "smart mirror"


@pytest.fixture(scope="module")
def world():
    return rooms.World(1, 4)


def level_db(samples):
    return 20 * np.log10(np.sqrt(np.mean(samples.astype(float) ** 2)) / 32768 + 1e-9)


def test_taken_apart_and_put_together_speech_keeps_its_features():
    said = sound.speech(PHRASE)
    again = conversion.put_together(conversion.take_apart(said))
    first, second = (
        rooms.features(samples[: len(said)]).astype(float) for samples in (said, again)
    )
    frames = min(len(first), len(second))
    likeness = np.corrcoef(first[:frames].ravel(), second[:frames].ravel())[0, 1]
    assert likeness > 0.8


def test_converted_voices_are_many():
    rng = np.random.default_rng(1)
    parts = conversion.take_apart(sound.speech(PHRASE))
    made = [conversion.converted(parts, rng) for _ in range(12)]
    pitches = [np.median(one.pitch_hz[one.pitch_hz > 0]) for one in made]
    assert min(pitches) >= conversion.LOWEST_HZ
    assert max(pitches) / min(pitches) > 1.5
    lengths = [len(one.pitch_hz) for one in made]
    assert max(lengths) > 1.2 * min(lengths)
    assert all(level_db(conversion.put_together(one)) > -40 for one in made)


def test_a_morphed_voice_lies_between_two():
    low, high = (conversion.take_apart(sound.speech(PHRASE, v)) for v in ("en-us", "en-us+f3"))
    made = conversion.morphed(low, high, 0.5)
    medians = [np.median(one.pitch_hz[one.pitch_hz > 0]) for one in (low, made, high)]
    assert medians == sorted(medians)
    assert min(len(low.pitch_hz), len(high.pitch_hz)) <= len(made.pitch_hz)


def test_features_are_those_of_the_ecosystem():
    said = sound.join(sound.speech(PHRASE), sound.silence(0.1))
    oracle = MicroWakeWordFeatures().process_streaming(said.tobytes())
    rows = np.concatenate([np.asarray(row).reshape(1, -1) for row in oracle])
    ours = rooms.features(said).astype(float) * rooms.FEATURE_STEP
    assert np.abs(ours - np.clip(rows, 0, 26)).max() <= rooms.FEATURE_STEP / 2 + 1e-4


def test_a_device_hears_clips_loud_and_quiet_but_always_something(world):
    rng = np.random.default_rng(2)
    speech = np.concatenate([np.zeros(8000), sound.speech(PHRASE), np.zeros(8000)])
    heard = [world.heard(speech, None, rng) for _ in range(40)]
    levels = [level_db(samples) for samples in heard]
    assert min(levels) > -60
    assert max(levels) - min(levels) > 15
    assert any(np.abs(samples.astype(int)).max() >= 32767 for samples in heard)
    silent = world.heard(np.zeros(16000), None, rng)
    assert level_db(silent) > -80


def test_a_shard_says_where_its_phrases_are_and_is_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(clips, "SHARD_CLIPS", 12)
    monkeypatch.setattr(clips, "SPOKEN", {**clips.SPOKEN, "phrase": 3})
    monkeypatch.setattr(clips, "CONTEXT", 2)
    monkeypatch.setattr(clips, "ROOMS", 3)
    shard = clips.Shard(PHRASE, "en", 1, "phrase", 0, tmp_path)
    path = clips.make(shard)
    with np.load(path) as made:
        features, frames = made["features"], made["frames"]
    assert features.shape == (12, clips.FRAMES, 40)
    assert features.dtype == np.uint8
    starts, ends = frames.T
    assert (ends > starts).all()
    assert (ends <= clips.FRAMES - clips.AFTER_FRAMES).all()
    # The phrase is louder than the room before and after it, in most clips.
    within = [clip[a:b].mean() for clip, (a, b) in zip(features, frames, strict=True)]
    assert np.mean(within) > features.mean()
    stamp = path.stat().st_mtime_ns
    assert clips.make(shard).stat().st_mtime_ns == stamp
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
