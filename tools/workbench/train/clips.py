# SPDX-License-Identifier: Apache-2.0
"""Makes training clips in shards: texts, voices, rooms, and the clips' features."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.emulation import sound
from workbench.host import micdsp
from workbench.train import conversion, rooms, texts, voices
from workbench.train.files import whole

FRAMES = 260
HOP = micdsp.HOP_SAMPLES
# A frame's window has three hops.
SAMPLES = (FRAMES + 2) * HOP
SHARD_CLIPS = 250
ROOMS = 60
# The phrase ends at least this many frames before the clip.
AFTER_FRAMES = 30
SHORTEST = 1500
LONGEST = SAMPLES - (AFTER_FRAMES + 30) * HOP
# Utterances spoken for a shard, voices made from each, and whether pairs are morphed.
SPOKEN = {"phrase": 32, "near": 50, "misspoken": 70, "other": 60, "noise": 0}
CONVERSIONS = {"phrase": 5, "near": 2, "misspoken": 1, "other": 1}
KINDS = tuple(SPOKEN)
CONTEXT = 12
# Clips made from each of the user's recordings of the phrase.
REAL_CLIPS = 8
PLAIN_SHARE = 0.5
# The vocoder is slow on whole sentences, so most are only played at another speed. Enough go
# through it that its sound does not identify the phrase.
VOCODER_SHARE = 0.3
PLAYED_AT = (0.85, 1.18)


@dataclass(frozen=True)
class Shard:
    """One piece of the work.

    Attributes:
        phrase: The wake word.
        language: The voices' language.
        seed: The training's seed.
        kind: One of KINDS.
        number: The shard's number within its kind.
        folder: The folder for the file.
    """

    phrase: str
    language: str
    seed: int
    kind: str
    number: int
    folder: Path

    @property
    def path(self) -> Path:
        """The shard's file."""
        return self.folder / f"{self.kind}-{self.number:03}.npz"


@functools.cache
def _texts(phrase: str, language: str) -> texts.Texts:
    return texts.Texts(phrase, language)


@functools.cache
def _world(seed: int) -> rooms.World:
    return rooms.World(seed, ROOMS)


def _drawn(shard: Shard, kind: str, rng: np.random.Generator) -> tuple[str, voices.Voice]:
    chooser, drawn = voices.Chooser(shard.language), _texts(shard.phrase, shard.language)
    if kind == "misspoken":
        return drawn.misspoken(rng), chooser.draw(rng, 1.0)
    voice = chooser.draw(rng)
    if kind == "near":
        return drawn.near(rng), voice
    if kind == "other":
        return drawn.sentence(rng), voice
    mark = ("", "", "", ".", "!", "?")[int(rng.integers(6))]
    return drawn.phrase + mark, voice


def utterances(
    shard: Shard, kind: str, count: int, rng: np.random.Generator
) -> list[sound.Samples]:
    """Returns speech of one kind: as the engines speak it, and in voices made from theirs.

    Raises:
        TrainError: An engine failed.
    """
    spoken = voices.speak([_drawn(shard, kind, rng) for _ in range(count)])
    made: list[sound.Samples] = []
    before: conversion.Parts | None = None
    for samples in spoken:
        if not SHORTEST < len(samples) < 2 * SAMPLES:
            continue
        if rng.random() < PLAIN_SHARE:
            made.append(samples)
        if kind == "other" and rng.random() >= VOCODER_SHARE:
            made.append(_played(samples, float(rng.uniform(*PLAYED_AT))))
            continue
        parts = conversion.take_apart(samples[:SAMPLES])
        variants = [parts] * CONVERSIONS[kind]
        if kind == "phrase":
            if before is not None:
                variants.append(conversion.morphed(before, parts, float(rng.uniform(0.25, 0.75))))
            before = parts
        made += [conversion.put_together(conversion.converted(p, rng)) for p in variants]
    return [samples for samples in made if len(samples) > SHORTEST]


def _played(samples: sound.Samples, speed: float) -> sound.Samples:
    """Plays speech faster or slower, which also moves its pitch and formants."""
    at = np.arange(0, len(samples) - 1, speed)
    played: sound.Samples = np.interp(at, np.arange(len(samples)), samples).astype(np.int16)
    return played


def _even(samples: sound.Samples) -> rooms.Floats:
    """Scales speech to a fixed loudness."""
    x = samples.astype(np.float64)
    made: rooms.Floats = x / (np.sqrt(np.mean(x**2)) + 1e-9)
    return made


class _Mixer:
    """Puts speech into clips, with other speech around it."""

    def __init__(self, speech: list[sound.Samples], context: list[sound.Samples]) -> None:
        self._speech = speech
        self._context = context

    def _any(self, pool: list[sound.Samples], rng: np.random.Generator) -> rooms.Floats:
        return _even(pool[int(rng.integers(len(pool)))])

    def talk(
        self, rng: np.random.Generator, pool: list[sound.Samples] | None = None
    ) -> rooms.Floats:
        """Adds utterances one after another, from before the clip's beginning to beyond its end."""
        clip = np.zeros(SAMPLES)
        pool = self._speech if pool is None else pool
        at = -int(rng.integers(0, 8000))
        while at < SAMPLES and pool:
            x = self._any(pool, rng) * rng.uniform(0.5, 1.2)
            start = max(at, 0)
            x = x[start - at : SAMPLES - at]
            clip[start : start + len(x)] += x
            at = start + len(x) + int(rng.integers(500, 12000))
        return clip

    def phrase(self, number: int, rng: np.random.Generator) -> tuple[rooms.Floats, int, int]:
        """Returns a clip with the phrase, and the phrase's first and last frame."""
        x = _even(self._speech[number % len(self._speech)])[:LONGEST]
        clip = np.zeros(SAMPLES)
        end = int(rng.integers(len(x) + 10 * HOP, SAMPLES - AFTER_FRAMES * HOP))
        start = end - len(x)
        clip[start:end] = x
        if self._context and rng.random() < 0.35 and start > 4000:
            room = start - min(start, int(rng.integers(1000, 9000)))
            before = self._any(self._context, rng) * rng.uniform(0.5, 1.2)
            before = before[max(0, len(before) - room) :]
            clip[room - len(before) : room] += before
        if self._context and rng.random() < 0.4:
            at = end + int(rng.integers(500, 6000))
            after = self._any(self._context, rng) * rng.uniform(0.5, 1.2)
            after = after[: max(0, SAMPLES - at)]
            clip[at : at + len(after)] += after
        return clip, start // HOP, end // HOP


def make(shard: Shard) -> Path:
    """Makes a shard's file unless it exists: features, first and last frames of the phrase.

    The frames are -1 in clips without the phrase. The same shard draws the same texts, voices and
    rooms; eSpeak NG's speech differs a little with what it spoke before.

    Raises:
        TrainError: An engine failed.
        OSError: The file cannot be written.
    """
    if shard.path.exists():
        return shard.path
    rng = np.random.default_rng([shard.seed, KINDS.index(shard.kind), shard.number])
    count = SPOKEN[shard.kind]
    speech = utterances(shard, shard.kind, count, rng) if count else []
    context = speech
    if shard.kind == "phrase":
        context = utterances(shard, "other", CONTEXT, rng)
    mixer, world = _Mixer(speech, context), _world(shard.seed)
    made = np.zeros((SHARD_CLIPS, FRAMES, micdsp.CHANNELS), np.uint8)
    frames = np.full((SHARD_CLIPS, 2), -1, np.int32)
    for i in range(SHARD_CLIPS):
        if shard.kind == "phrase":
            clip, *frames[i] = mixer.phrase(i, rng)
        else:
            clip = mixer.talk(rng)
        babble = mixer.talk(rng, context) if context and rng.random() < 0.5 else None
        made[i] = rooms.features(world.heard(clip, babble, rng))
    return _write(shard.path, made, frames)


def heard(shard: Shard, count: int) -> list[sound.Samples]:
    """Returns `count` clips of a shard's kind as a device hears them, to listen to.

    Raises:
        TrainError: An engine failed.
    """
    rng = np.random.default_rng([shard.seed, KINDS.index(shard.kind), shard.number])
    speech = utterances(shard, shard.kind, max(2, count // 8), rng)
    mixer, world = _Mixer(speech, []), _world(shard.seed)
    made = []
    for i in range(count):
        clip = mixer.phrase(i, rng)[0] if shard.kind == "phrase" else mixer.talk(rng)
        made.append(world.heard(clip, None, rng))
    return made


def of_phrases(paths: list[Path], target: Path, shard: Shard) -> Path:
    """Makes clips of a user's own recordings of the phrase, in rooms and among other speech.

    Raises:
        TrainError: An engine failed.
        OSError: The file cannot be written.
    """
    rng = np.random.default_rng([shard.seed, len(KINDS) + 1])
    speech = []
    for path in paths:
        with contextlib.suppress(sound.SoundError):
            samples = sound.trimmed(sound.load(path))
            if len(samples) > SHORTEST:
                speech.append(samples)
    mixer, world = _Mixer(speech, utterances(shard, "other", CONTEXT, rng)), _world(shard.seed)
    made, frames = [], []
    for i in range(REAL_CLIPS * len(speech)):
        clip, start, end = mixer.phrase(i, rng)
        made.append(rooms.features(world.heard(clip, None, rng)))
        frames.append((start, end))
    none = np.zeros((0, FRAMES, micdsp.CHANNELS), np.uint8)
    return _write(target, np.stack(made) if made else none, np.array(frames, np.int32))


def of_recordings(paths: list[Path], target: Path, seed: int) -> Path:
    """Makes negative clips of recordings of people, played unchanged and in rooms.

    Raises:
        OSError: The file cannot be written.
    """
    rng = np.random.default_rng([seed, len(KINDS)])
    world = _world(seed)
    made = []
    for path in paths:
        try:
            samples = sound.load(path)
        except sound.SoundError:
            continue  # the calibration reports it
        samples = sound.join(samples, sound.silence(0.3))
        for start in range(0, max(1, len(samples) - SAMPLES // 3), SAMPLES * 2 // 3):
            clip = np.zeros(SAMPLES)
            piece = samples[start : start + SAMPLES].astype(np.float64)
            offset = int(rng.integers(0, SAMPLES - len(piece) + 1))
            clip[offset : offset + len(piece)] = piece
            made.append(rooms.features(np.round(clip).astype(np.int16)))
            made.append(rooms.features(world.heard(clip, None, rng)))
    clips = np.stack(made) if made else np.zeros((0, FRAMES, micdsp.CHANNELS), np.uint8)
    return _write(target, clips, np.full((len(clips), 2), -1, np.int32))


def _write(target: Path, made: npt.NDArray[np.uint8], frames: npt.NDArray[np.int32]) -> Path:
    with whole(target) as file:
        np.savez(file, features=made, frames=frames)
    return target
