# SPDX-License-Identifier: Apache-2.0
"""Speaks text with every free speech synthesizer that this machine has."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from workbench import system
from workbench.emulation import espeak, sound
from workbench.train.errors import TrainError

FESTIVAL_VOICES = Path("/usr/share/festival/voices")
# Festival's names for the folders of each language's voices.
FESTIVAL_LANGUAGES = {
    "catalan": "ca",
    "czech": "cs",
    "english": "en",
    "finnish": "fi",
    "hindi": "hi",
    "italian": "it",
    "marathi": "mr",
    "russian": "ru",
    "spanish": "es",
    "telugu": "te",
    "us": "en",
}
# flite's 8 kHz voice, and one that can only tell the time.
FLITE_UNFIT = ("kal", "awb_time")
# eSpeak NG's variants that whisper or are hardly speech.
ESPEAK_UNFIT = ("whisper", "whisperf", "croak", "UniRobot", "Demonic", "Storm", "Mr serious")
# eSpeak NG's share if there are other engines: its voices have one timbre and many accents.
ESPEAK_SHARE = 0.35
TIMEOUT_S = 120
Samples = sound.Samples


@dataclass(frozen=True, order=True)
class Voice:
    """A speaker and how it speaks.

    Attributes:
        engine: "espeak", "flite" or "festival".
        speaker: The engine's name for the speaker.
        stretch: How much slower than usual; 1.0 is usual.
        pitch: 0 to 99; 50 is usual; only for eSpeak NG.
    """

    engine: str
    speaker: str
    stretch: float = 1.0
    pitch: int = 50


def _printed(*command: str, text: str = "") -> str:
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, check=True, timeout=TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise TrainError(f"{command[0]} failed: {error}") from None
    return done.stdout


def _flite_speakers(language: str) -> list[str]:
    if language != "en" or not shutil.which("flite"):
        return []
    named = _printed("flite", "-lv").partition(":")[2].split()
    return sorted(set(named) - set(FLITE_UNFIT))


def _festival_speakers(language: str) -> list[str]:
    if not shutil.which("festival"):
        return []
    return sorted(
        voice.name
        for folder in FESTIVAL_VOICES.glob("*")
        if FESTIVAL_LANGUAGES.get(folder.name) == language
        for voice in folder.iterdir()
    )


def _espeak_speakers(language: str) -> list[str]:
    library = espeak.engine()
    accents = [
        name
        for code, name in library.voices().items()
        if (code == language or code.startswith(f"{language}-")) and not code.endswith("-shaw")
    ]
    variants = sorted(path.name for path in Path(library.data, "voices", "!v").iterdir())
    # Robot voices have this in their names.
    fit = [v for v in variants if v not in ESPEAK_UNFIT and "obo" not in v]
    return [f"{accent}+{variant}" for accent in accents for variant in ["", *fit]]


@functools.cache
def speakers(language: str) -> dict[str, list[str]]:
    """Returns each engine's speakers of a language, such as "en" or "cmn".

    Raises:
        TrainError: No engine speaks it.
    """
    found: dict[str, list[str]] = {}
    try:
        found["espeak"] = _espeak_speakers(language)
    except espeak.EspeakError:
        found["espeak"] = []
    found["flite"] = _flite_speakers(language)
    found["festival"] = _festival_speakers(language)
    found = {engine: names for engine, names in found.items() if names}
    if not found:
        try:
            known = ", ".join(sorted({code.split("-")[0] for code in espeak.engine().voices()}))
        except espeak.EspeakError as error:
            raise TrainError(f"no speech synthesis engine: {error}") from None
        raise TrainError(f"no voice speaks '{language}'; there are voices for {known}")
    return found


def install(say: system.Say = system.say_step) -> None:
    """Installs flite and Festival if possible; without them there are fewer voices."""
    if lacking := system.provide(("flite", "festival"), say):
        say(f"fewer voices: {lacking}")


class Chooser:
    """Draws voices of a language."""

    def __init__(self, language: str) -> None:
        self._speakers = speakers(language)
        others = [
            (engine, name)
            for engine, names in self._speakers.items()
            if engine != "espeak"
            for name in names
        ]
        self._others = sorted(others)

    def draw(self, rng: np.random.Generator, espeak_share: float = ESPEAK_SHARE) -> Voice:
        """Draws a voice; `espeak_share` of them are eSpeak NG's if there are other engines."""
        stretch = float(np.exp(rng.uniform(np.log(0.75), np.log(1.35))))
        names = self._speakers.get("espeak", [])
        if names and (not self._others or rng.random() < espeak_share):
            name = names[int(rng.integers(len(names)))]
            return Voice("espeak", name, stretch, int(rng.integers(20, 81)))
        engine, name = self._others[int(rng.integers(len(self._others)))]
        return Voice(engine, name, stretch)


def _espeak_says(requests: Sequence[tuple[str, Voice]]) -> Iterator[Samples]:
    library = espeak.engine()
    for text, voice in requests:
        rate = round(espeak.USUAL_WORDS_PER_MIN / voice.stretch)
        speaker = voice.speaker.removesuffix("+")
        spoken = library.say(text, speaker, words_per_min=rate, pitch=voice.pitch)
        yield sound.to_16_khz(spoken, library.rate_hz)


def _flite_says(requests: Sequence[tuple[str, Voice]], folder: Path) -> Iterator[Samples]:
    for number, (text, voice) in enumerate(requests):
        path = folder / f"{number}.wav"
        stretch = f"duration_stretch={voice.stretch:.3f}"
        _printed("flite", "-voice", voice.speaker, "--setf", stretch, "-t", text, "-o", str(path))
        yield sound.load(path)


def _festival_says(requests: Sequence[tuple[str, Voice]], folder: Path) -> Iterator[Samples]:
    lines = []
    for number, (text, voice) in enumerate(requests):
        quoted = text.replace("\\", " ").replace('"', " ")
        lines += [
            f"(voice_{voice.speaker})",
            f"(Parameter.set 'Duration_Stretch {voice.stretch:.3f})",
            f'(set! said (utt.synth (Utterance Text "{quoted}")))',
            f'(utt.save.wave said "{folder / str(number)}" \'riff)',
        ]
    script = folder / "say.scm"
    script.write_text("\n".join(lines), encoding="utf-8")
    _printed("festival", "-b", str(script))
    for number in range(len(requests)):
        yield sound.load(folder / str(number))


def speak(requests: Sequence[tuple[str, Voice]]) -> list[Samples]:
    """Speaks each text with its voice, without silence around it, in the order of requests.

    Raises:
        TrainError: An engine failed.
    """
    order = sorted(range(len(requests)), key=lambda i: requests[i][1])
    said: list[Samples] = [sound.silence(0)] * len(requests)
    for engine, group in groupby(order, key=lambda i: requests[i][1].engine):
        indices = list(group)
        some = [requests[i] for i in indices]
        with tempfile.TemporaryDirectory(prefix="glint-say-") as made:
            folder = Path(made)
            if engine == "espeak":
                spoken = _espeak_says(some)
            elif engine == "flite":
                spoken = _flite_says(some, folder)
            else:
                spoken = _festival_says(some, folder)
            for i, samples in zip(indices, spoken, strict=True):
                said[i] = sound.trimmed(samples)
    return said
