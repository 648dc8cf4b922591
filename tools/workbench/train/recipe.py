# SPDX-License-Identifier: Apache-2.0
"""Runs the steps of a training; after an interruption, it goes on where it was."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench import system
from workbench.emulation import sound
from workbench.models import wake
from workbench.train import calibrate, card, clips, texts, voices
from workbench.train.errors import TrainError, need_packages

if TYPE_CHECKING:
    from workbench.train import training
    from workbench.train.network import Network

# The work that fits a minute of a training on two cores, with time to spare.
SHARDS_PER_MIN = {"phrase": 1.6, "other": 1.6, "near": 0.8, "misspoken": 0.4, "noise": 0.2}
STEPS_PER_MIN = 300
SHARD_BYTES = clips.SHARD_CLIPS * (clips.FRAMES * 40 + 8)
MODELS_BYTES = 4 << 20
# Synthetic recordings not used in training: of the phrase, and of each text near it.
UNSEEN_SEED = 1 << 20
UNSEEN_PHRASES, UNSEEN_TEXTS, UNSEEN_VOICES, UNSEEN_SENTENCES = 120, 12, 4, 400
# Called with a step's name, how much of it is done, and how much there is.
Tell = Callable[[str, int, int], object]


@dataclass(frozen=True)
class Request:
    """What is to be trained.

    Attributes:
        phrase: The words.
        folder: The folder for the results; `work` in it holds unfinished files.
        language: The voices' language, as eSpeak NG names it.
        minutes: How long it may take on two cores.
        seed: The same one draws the same texts, voices, rooms and weights to begin with.
        negatives: Folder of recordings of people without the phrase: half are used in training,
            the others set the cutoff.
        real: Folder of recordings of the phrase.
    """

    phrase: str
    folder: Path
    language: str = "en"
    minutes: float = 50.0
    seed: int = 1
    negatives: Path | None = None
    real: Path | None = None

    @property
    def name(self) -> str:
        """The model's name in file names."""
        return re.sub(r"[^a-z0-9]+", "_", self.phrase.lower()).strip("_") or "wake_word"

    @property
    def work(self) -> Path:
        """The folder for clips and checkpoints."""
        return self.folder / "work"

    @property
    def steps(self) -> int:
        """Steps of the training."""
        return max(20, round(STEPS_PER_MIN * self.minutes))

    def shards(self) -> list[clips.Shard]:
        """The shards of clips to make."""
        return [
            clips.Shard(self.phrase, self.language, self.seed, kind, number, self.work)
            for kind, rate in SHARDS_PER_MIN.items()
            for number in range(max(1, round(rate * self.minutes)))
        ]

    def command(self) -> str:
        """The equivalent command."""
        said = f'glint train wake "{self.phrase}" -o DIR --language {self.language}'
        said += f" --minutes {self.minutes:g} --seed {self.seed}"
        said += " --negatives DIR" if self.negatives else ""
        return said + (" --real DIR" if self.real else "")


@dataclass
class Outcome:
    """The results of a training.

    Attributes:
        model: The .tflite file; manifest, card, report and plot are beside it.
        report: The contents of `report.json`.
    """

    model: Path
    report: dict[str, Any] = field(default_factory=dict)


def _begin(request: Request) -> None:
    """Makes the folder, or resumes an earlier run of the same request in it."""
    what = request.work / "request.json"
    said = {
        key: str(value) if isinstance(value, Path) else value
        for key, value in asdict(request).items()
        if key != "folder"
    }
    if what.exists():
        if json.loads(what.read_text()) != said:
            raise TrainError(
                f"{request.work} belongs to another training; name another folder, or delete it"
            )
        return
    request.work.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(request.work).free
    shards = sum(SHARDS_PER_MIN.values()) * request.minutes
    needed = round(shards * SHARD_BYTES) + MODELS_BYTES
    if free < needed:
        raise TrainError(
            f"{request.folder} needs {needed / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free"
        )
    card.write(what, card.as_json(said))


def _ignore_interrupt() -> None:
    """Ctrl-C reaches all processes of a terminal; the first ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _made(shards: list[clips.Shard]) -> Iterator[Path]:
    """Makes the missing shards on all cores, in any order."""
    missing = [shard for shard in shards if not shard.path.exists()]
    yield from (shard.path for shard in shards if shard.path.exists())
    cores = min(len(os.sched_getaffinity(0)), len(missing))
    if cores <= 1:
        yield from map(clips.make, missing)
        return
    with multiprocessing.get_context("spawn").Pool(cores, _ignore_interrupt) as pool:
        yield from pool.imap_unordered(clips.make, missing)


def _clips(request: Request, tell: Tell) -> training.Clips:
    """Returns all clips by kind; makes those that no earlier run made."""
    shards = request.shards()
    for done, _ in enumerate(_made(shards), 1):
        tell("making clips", done, len(shards))
    paths = {kind: [shard.path for shard in shards if shard.kind == kind] for kind in clips.KINDS}
    if request.negatives:
        people = request.work / "people.npz"
        if not people.exists():
            clips.of_recordings(wake.sounds_in(request.negatives)[::2], people, request.seed)
        paths["people"] = [people]
    if request.real:
        real = request.work / "real.npz"
        if not real.exists():
            clips.of_phrases(wake.sounds_in(request.real), real, shards[0])
        paths["real"] = [real]
    loaded = {}
    for kind, files in paths.items():
        features, frames = [], []
        for path in files:
            with np.load(path) as part:
                features.append(part["features"])
                frames.append(part["frames"])
        made = np.concatenate(features)
        if not len(made):
            raise TrainError(f"none of the recordings for '{kind}' can be used")
        loaded[kind] = (made, np.concatenate(frames))
    return loaded


def _trained(request: Request, made: training.Clips, tell: Tell) -> Network:
    from workbench.train import network, training

    trainer = training.Trainer(
        made, network.Size(), request.steps, request.seed, request.work / "checkpoint.npz"
    )
    trainer.run(lambda done, _loss: tell("training", done, request.steps))
    return trainer.network


def _unseen(request: Request, kind: str, count: int) -> list[sound.Samples]:
    """Returns synthetic speech not used in training, in clips with rooms and noise."""
    shard = replace(request.shards()[0], seed=request.seed + UNSEEN_SEED, kind=kind)
    return clips.heard(shard, count)


def _near(request: Request) -> tuple[list[str], list[sound.Samples]]:
    """Returns texts near the phrase, each in a few voices."""
    rng = np.random.default_rng([request.seed, 4])
    drawn = texts.Texts(request.phrase, request.language)
    said = sorted({drawn.near(rng) for _ in range(UNSEEN_TEXTS)})
    chooser = voices.Chooser(request.language)
    pause = sound.silence(0.5)
    spoken = voices.speak(
        [(text, chooser.draw(rng)) for text in said for _ in range(UNSEEN_VOICES)]
    )
    return said, [sound.join(pause, samples, pause) for samples in spoken]


def _calibration(request: Request, model: Path, tell: Tell) -> calibrate.Calibration:
    if not request.negatives:
        sounds = _unseen(request, "other", UNSEEN_SENTENCES)
        hours = sum(map(len, sounds)) / sound.SAMPLE_RATE_HZ / 3600
        return calibrate.calibrate(wake.listen(str(model), sounds), hours, people=False)
    files = wake.sounds_in(request.negatives)
    # A single file is used both for training and for the cutoff, as the only one of people.
    files = files[1::2] or files
    done, hours = [], 0.0
    for number, one in enumerate(wake.listen_to_files(str(model), files, tail_s=wake.TAIL_S), 1):
        tell("listening to people", number, len(files))
        if one.heard:
            done.append(one.heard)
            hours += one.seconds / 3600
    if not done:
        raise TrainError(f"no sound in {request.negatives} can be read")
    return calibrate.calibrate(done, hours, people=True)


def _evaluation(
    request: Request, model: Path, cutoff: float
) -> tuple[wake.Evaluation, list[dict[str, Any]]]:
    """Evaluates synthetic phrases, sentences and texts near the phrase not used in training."""

    def listened(sounds: list[sound.Samples]) -> list[wake.Listened]:
        return [
            wake.Listened(Path(str(i)), len(samples) / sound.SAMPLE_RATE_HZ, heard)
            for i, (samples, heard) in enumerate(
                zip(sounds, wake.listen(str(model), sounds), strict=True)
            )
        ]

    phrases = listened(_unseen(request, "phrase", UNSEEN_PHRASES))
    others = listened(_unseen(request, "other", UNSEEN_SENTENCES))
    said, sounds = _near(request)
    near = listened(sounds)
    rows = []
    for i, text in enumerate(said):
        some = near[i * UNSEEN_VOICES : (i + 1) * UNSEEN_VOICES]
        heard = sum(bool(one.heard and one.heard.max_probability > cutoff) for one in some)
        rows.append({"text": text, "heard": heard / UNSEEN_VOICES})
    return wake.Evaluation(cutoff, phrases, others, []), rows


def _finish(request: Request, made: training.Clips, network: Network, tell: Tell) -> Outcome:
    from workbench.train import convert
    from workbench.train.training import WINDOW

    tell("converting", 0, 1)
    others = np.concatenate([made[kind][0] for kind in ("other", "people") if kind in made])
    phrases = made["phrase"][0]
    scale, shift = convert.spread(convert.peaks(network, phrases), convert.peaks(network, others))
    ranges = np.concatenate([phrases[:2000], others[-2000:]])
    content = convert.to_tflite(network, ranges, scale, shift)
    figures = convert.checked(content)
    tell("converting", 1, 1)
    # The result files need the measured cutoff, so the model is first tried in the work folder.
    tried = request.work / f"{request.name}.tflite"

    def described(cutoff: float) -> bytes:
        manifest = card.manifest(
            request.phrase, request.name, request.language, cutoff, WINDOW, figures.arena_bytes
        )
        return card.as_json(manifest)

    card.write(tried, content)
    card.write(tried.with_suffix(".json"), described(0.5))
    calibration = _calibration(request, tried, tell)
    manifest = described(calibration.cutoff)
    tell("measuring", 0, 1)
    evaluation, near = _evaluation(request, tried, calibration.cutoff)
    at = evaluation.at(calibration.cutoff)
    report = {
        "phrase": request.phrase,
        "model": f"{request.name}.tflite",
        "command": request.command(),
        "language": request.language,
        "seed": request.seed,
        "minutes": request.minutes,
        "steps": request.steps,
        "clips": {kind: len(some[0]) for kind, some in made.items()},
        "voices": {name: len(some) for name, some in voices.speakers(request.language).items()},
        "figures": asdict(figures),
        "calibration": asdict(calibration),
        "synthetic": {"positives": len(evaluation.positives), **asdict(at)},
        "near": near,
    }
    outcome = Outcome(request.folder / f"{request.name}.tflite", report)
    card.plot(request.folder / "det.png", evaluation.det, evaluation)
    card.write(request.folder / "report.json", card.as_json(report))
    card.write(request.folder / "README.md", card.text(report, calibration).encode())
    card.write(outcome.model.with_suffix(".json"), manifest)
    card.write(outcome.model, content)
    tell("measuring", 1, 1)
    return outcome


def train(
    request: Request, tell: Tell = lambda *_: None, say: system.Say = system.say_step
) -> Outcome:
    """Trains a model, or continues an earlier run of the same request.

    Args:
        request: What to train.
        tell: Called with progress.
        say: Called with warnings.

    Raises:
        TrainError: It cannot be trained as asked, or the disk is full.
    """
    phrase, phonemes = texts.checked(request.phrase, request.language)
    request = replace(request, phrase=phrase)
    if words := texts.warning(phonemes):
        say(words)
    need_packages()
    if request.negatives is None:
        say(
            "no --negatives DIR: the cutoff is read off synthetic voices, and how often the "
            "phrase is missed or taken for other speech of people stays unknown"
        )
    for folder in (request.negatives, request.real):
        if folder:
            wake.sounds_in(folder)
    voices.install(say)
    voices.speakers(request.language)
    try:
        _begin(request)
        made = _clips(request, tell)
        return _finish(request, made, _trained(request, made, tell), tell)
    except OSError as error:
        raise TrainError(
            f"the training into {request.folder} stopped: {error}; "
            "the same command goes on from here"
        ) from error
