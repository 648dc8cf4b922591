# SPDX-License-Identifier: Apache-2.0
"""Runs sound through wake word models with the firmware's own detector, and counts its errors."""

from __future__ import annotations

import json
import os
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from workbench.build import micropython, zoo
from workbench.emulation import sound
from workbench.errors import WorkbenchError
from workbench.runners.linux import Linux
from workbench.runners.runner import CHECKS

SUFFIXES = (".aiff", ".flac", ".mp3", ".ogg", ".opus", ".wav")
# After a file whose last sound is the phrase, a model still has to say so.
TAIL_S = 0.5
BATCH_FILES = 8
DET_CUTOFFS = [step / 100 for step in range(1, 100)]


class NoSoundsError(WorkbenchError):
    """A folder of sounds is not there, or holds none that can be read."""


@dataclass(frozen=True)
class Heard:
    """A detector's result for one sound.

    Attributes:
        max_probability: Highest mean over the model's sliding window, 0 to 1.
        detections: Times (s) at which the word began to be heard.
        trace: The mean after each inference.
    """

    max_probability: float
    detections: list[float]
    trace: list[float]

    def detected(self, cutoff: float) -> int:
        """How often the mean rose above `cutoff`."""
        above = np.asarray(self.trace) > cutoff
        return int(np.count_nonzero(above[1:] & ~above[:-1]) + above[:1].sum())


@dataclass(frozen=True)
class Listened:
    """What became of one file.

    Attributes:
        path: The file.
        seconds: How long it is.
        heard: The detector's result, or None where the file cannot be read.
        reason: Why it cannot be read.
    """

    path: Path
    seconds: float = 0.0
    heard: Heard | None = None
    reason: str = ""


def listen(
    model: str, sounds: Iterable[sound.Samples], *, mirror: Path | None = None
) -> list[Heard]:
    """Runs the firmware's detector on the linux board, as fast as it goes.

    Args:
        model: Path of a .tflite with its .json beside it, or a name from the zoo.
        sounds: 16 kHz mono int16 samples; the detector starts afresh for each.
        mirror: Folder to look for models in.

    Raises:
        RunError: The board refused the model, with its reason.
        zoo.ZooError: The model cannot be obtained.
        build.BuildError: The board's image cannot be built.
    """
    fed = b"".join(struct.pack("<I", len(s) * 2) + s.astype("<i2").tobytes() for s in sounds)
    with tempfile.TemporaryDirectory(prefix="glint-wake-") as folder:
        name = zoo.place(model, Path(folder), mirror)
        printed = Linux().run(CHECKS / "wake_test.py", folder, name, stdin=fed)
    return [Heard(**json.loads(line)) for line in printed.splitlines()]


def listen_to_files(
    model: str, paths: Sequence[Path], *, tail_s: float = 0.0, mirror: Path | None = None
) -> Iterator[Listened]:
    """Runs files through a model, on all cores; yields results in the order of `paths`.

    Args:
        model: As for `listen`.
        paths: Sound files; resampled to 16 kHz mono.
        tail_s: Seconds of silence that follow each file.
        mirror: As for `listen`.

    Raises:
        RunError: As for `listen`, with `zoo.ZooError` and `build.BuildError`.
    """

    def batch(some: Sequence[Path]) -> list[Listened]:
        read: dict[Path, sound.Samples] = {}
        reasons: dict[Path, str] = {}
        for path in some:
            try:
                read[path] = sound.load(path)
            except sound.SoundError as error:
                reasons[path] = str(error).removeprefix("sound: ")
        sounds = [sound.join(samples, sound.silence(tail_s)) for samples in read.values()]
        results = iter(listen(model, sounds, mirror=mirror) if sounds else ())
        return [
            Listened(path, reason=reasons[path])
            if path in reasons
            else Listened(path, len(read[path]) / sound.SAMPLE_RATE_HZ, next(results))
            for path in some
        ]

    micropython.ensure("linux")
    pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))
    try:
        batches = [paths[at : at + BATCH_FILES] for at in range(0, len(paths), BATCH_FILES)]
        for done in pool.map(batch, batches):
            yield from done
    finally:
        pool.shutdown(cancel_futures=True)


def sounds_in(folder: Path) -> list[Path]:
    """The sound files of a folder and those below it, in order.

    Raises:
        NoSoundsError: There is no such folder, or no sound in it.
    """
    if not folder.is_dir():
        raise NoSoundsError(f"no folder {folder}")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise NoSoundsError(f"no sound file in {folder}; known: {', '.join(SUFFIXES)}")
    return found


@dataclass(frozen=True)
class Errors:
    """Errors at one cutoff; rates are None without recordings to take them from.

    Attributes:
        cutoff: The mean probability above which the word counts as heard.
        missed: Positive recordings in which the word was not heard.
        miss_rate: Their share, 0 to 1.
        false_accepts: How often it was heard in the negative ones.
        false_accepts_per_hour: The same an hour.
    """

    cutoff: float
    missed: int
    miss_rate: float | None
    false_accepts: int
    false_accepts_per_hour: float | None


@dataclass(frozen=True)
class Evaluation:
    """A model's results on recordings with its phrase, and on others.

    Attributes:
        cutoff: The manifest's.
        positives: Recordings that hold the phrase once.
        negatives: Recordings that do not hold it.
        unreadable: Files that were skipped.
    """

    cutoff: float
    positives: list[Listened]
    negatives: list[Listened]
    unreadable: list[Listened]

    @property
    def hours(self) -> float:
        """How long the negative recordings are."""
        return sum(one.seconds for one in self.negatives) / 3600

    @property
    def missed(self) -> list[Path]:
        """The positive recordings in which the detector did not hear the word."""
        return [one.path for one in self.positives if one.heard and not one.heard.detections]

    @property
    def false_accepts(self) -> list[tuple[Path, float]]:
        """The negative recordings and times (s) where the detector heard the word."""
        return [
            (one.path, at) for one in self.negatives if one.heard for at in one.heard.detections
        ]

    def _errors(self, cutoff: float, missed: int, false_accepts: int) -> Errors:
        return Errors(
            cutoff,
            missed,
            missed / len(self.positives) if self.positives else None,
            false_accepts,
            false_accepts / self.hours if self.hours else None,
        )

    @cached_property
    def at_manifest(self) -> Errors:
        """The errors as the firmware decides."""
        return self._errors(self.cutoff, len(self.missed), len(self.false_accepts))

    def at(self, cutoff: float) -> Errors:
        """The errors at any cutoff."""
        heard = [one.heard for one in self.positives if one.heard]
        others = [one.heard for one in self.negatives if one.heard]
        missed = sum(one.max_probability <= cutoff for one in heard)
        return self._errors(cutoff, missed, sum(one.detected(cutoff) for one in others))

    @cached_property
    def det(self) -> list[Errors]:
        """The points of the detection error trade-off, at a hundred cutoffs."""
        return [self.at(cutoff) for cutoff in DET_CUTOFFS]


def evaluate(
    model: str,
    positives: Sequence[Path],
    negatives: Sequence[Path],
    *,
    mirror: Path | None = None,
    passed: Callable[[int], object] = lambda files: None,
) -> Evaluation:
    """Counts a model's misses and false accepts in recordings, with the firmware's own detector.

    Half a second of silence follows each recording, so that a phrase may end with its file.

    Args:
        model: As for `listen`.
        positives: Files that hold the phrase.
        negatives: Files that do not.
        mirror: As for `listen`.
        passed: Called with how many files are done.

    Raises:
        NoSoundsError: None of the files can be read.
        RunError: As for `listen`, with `zoo.ZooError` and `build.BuildError`.
    """
    with tempfile.TemporaryDirectory(prefix="glint-wake-") as folder:
        name = zoo.place(model, Path(folder), mirror)
        cutoff = json.loads((Path(folder) / f"{name}.json").read_text())["micro"]
    done = []
    every = [*positives, *negatives]
    for one in listen_to_files(model, every, tail_s=TAIL_S, mirror=mirror):
        done.append(one)
        passed(len(done))
    if not any(one.heard for one in done):
        raise NoSoundsError("; ".join(one.reason for one in done[:3]) or "no sounds were given")
    said, others = done[: len(positives)], done[len(positives) :]
    return Evaluation(
        float(cutoff["probability_cutoff"]),
        [one for one in said if one.heard],
        [one for one in others if one.heard],
        [one for one in done if not one.heard],
    )
