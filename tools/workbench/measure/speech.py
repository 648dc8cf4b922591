# SPDX-License-Identifier: Apache-2.0
"""Measures commands after the wake word: which are understood, and what else is taken for one.

    python -m workbench.measure.speech [--voices DIR] [--recognizer NAME] [--model MODEL]

Commands are spoken by eSpeak NG's voices, in a room's noise, and sent through the glasses' ADPCM.
`DIR` is a folder with recordings (.flac or .wav) of people who say something else: they are cut
into pieces as long as what follows a wake word.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from glint.audio import AdpcmDecoder
from glint.errors import GlintError
from glint.speech import COMMANDS, RATE_HZ, RECOGNIZERS, Recognizer, recognizer

from workbench.emulation import sound
from workbench.errors import WorkbenchError
from workbench.host import micdsp

VOICES = ("en-us", "en-gb-x-rp", "en-gb-scotland", "en-029", "en-us+f3", "en-us+m3", "en-us+f2")
NOISES = (40, 300)  # root mean square of 16-bit samples
# Sentences after the wake word that are not commands.
OTHERS = (
    "the weather is nice today",
    "turn on the light",
    "call my mother",
    "take a seat",
    "what do you want",
    "play some music",
    "the battle of the bulge",
    "what time is it",
)
# The part of a default recording that follows the wake word.
PIECE_S = 2.65


@dataclass
class Tally:
    """Counts of the commands that were understood, mistaken or imagined.

    Attributes:
        right: Commands understood, by command.
        said: Commands said, by command.
        wrong: Commands taken for another one.
        false: Commands wrongly found in other sentences by the synthetic voices.
        others: Number of such sentences.
        false_real: Commands wrongly found in recordings, with their places.
        real_s: Seconds of recordings.
        took_s: Seconds that it took.
        heard_s: Seconds of sound in all.
    """

    right: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    false: list[str] = field(default_factory=list)
    others: int = 0
    false_real: list[str] = field(default_factory=list)
    real_s: float = 0.0
    took_s: float = 0.0
    heard_s: float = 0.0


def as_heard(phrase: str, voice: str, noise: int) -> bytes:
    """Renders a phrase as it arrives from the glasses: in a noisy room, through ADPCM."""
    said = sound.join(sound.silence(0.4), sound.speech(phrase, voice), sound.silence(0.7))
    room = sound.mix(said, sound.noise(len(said) / RATE_HZ, noise))
    samples = np.asarray(room[: len(room) // 2 * 2], np.int16)
    return AdpcmDecoder().decode(micdsp.AdpcmEncoder().encode(samples))


def pieces(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Cuts a folder's recordings into pieces as long as the sound that follows a wake word.

    Raises:
        WorkbenchError: There are none.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix in (".flac", ".wav"))
    if not found:
        raise WorkbenchError(f"{folder} has no recordings, .flac or .wav")
    size = round(PIECE_S * RATE_HZ)
    for path in found:
        samples = sound.load(path)
        for at in range(0, max(1, len(samples) - size // 2), size):
            yield path.name, samples[at : at + size].tobytes()


def measure(ears: Recognizer, voices: Path | None) -> Tally:
    """Runs a recogniser on all phrases and recordings."""
    tally = Tally()

    def listen(pcm: bytes) -> str | None:
        start_s = time.monotonic()
        command = ears.command(pcm)
        tally.took_s += time.monotonic() - start_s
        tally.heard_s += len(pcm) / 2 / RATE_HZ
        return command

    for voice in VOICES:
        for noise in NOISES:
            for wanted, phrases in COMMANDS.items():
                for phrase in phrases:
                    got = listen(as_heard(phrase, voice, noise))
                    tally.said[wanted] += 1
                    tally.right[wanted] += got == wanted
                    tally.wrong += got not in (wanted, None)
        for phrase in OTHERS:
            tally.others += 1
            if got := listen(as_heard(phrase, voice, NOISES[0])):
                tally.false.append(f"{got}: {phrase!r} by {voice}")
    for name, pcm in pieces(voices) if voices else ():
        tally.real_s += len(pcm) / 2 / RATE_HZ
        if got := listen(pcm):
            tally.false_real.append(f"{got}: {name}")
    return tally


def report(tally: Tally) -> Iterator[str]:
    """Formats the tally for people to read."""
    for name, said in tally.said.items():
        yield f"{name:8} {tally.right[name]} of {said} understood"
    right, said = tally.right.total(), tally.said.total()
    yield f"in all   {right} of {said} understood, {tally.wrong} taken for another"
    yield f"other sentences, synthetic: {len(tally.false)} of {tally.others} taken for a command"
    yield from (f"  {one}" for one in tally.false)
    if tally.real_s:
        minutes = tally.real_s / 60
        yield f"recordings: {len(tally.false_real)} false commands in {minutes:.1f} minutes"
        yield from (f"  {one}" for one in tally.false_real)
    yield f"took {tally.took_s / tally.heard_s:.2f} s a second of sound"


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="workbench.measure.speech", description=__doc__)
    parser.add_argument("--voices", type=Path, metavar="DIR")
    parser.add_argument("--recognizer", choices=RECOGNIZERS, default=RECOGNIZERS[0])
    parser.add_argument("--model")
    arguments = parser.parse_args()
    try:
        tally = measure(recognizer(arguments.recognizer, model=arguments.model), arguments.voices)
    except GlintError as error:
        print(error, file=sys.stderr)
        return 1
    for line in report(tally):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
