# SPDX-License-Identifier: Apache-2.0
"""Commands by PocketSphinx, offline, with the English model that its package carries.

A grammar of the phrases says which of them the sound is most like, and is never at a loss. So a
second decoder, which knows sounds of English and no words, says what was there: a phrase counts if
that is close to how it is pronounced.
"""

import itertools
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pocketsphinx

from glint.speech import SpeechError, matching

# Sounds that may be wrong, left out or too many: one, and so many of each of the phrase's. What
# commands get and what other speech gets lies on either side, but for what sounds much alike:
# `python -m workbench.measure.speech` counts both.
_WRONG_A_SOUND = 0.65
# PocketSphinx's names for silence and noise.
_NO_SOUNDS = {"SIL", "+NSN+", "+SPN+"}
# Less than a syllable.
_LEAST_BYTES = 16000 * 2 // 5


class Sphinx:
    """PocketSphinx; see `glint.speech.Recognizer`.

    Args:
        commands: What can be said, by command, in words that its dictionary has.

    Raises:
        SpeechError: A word is not in the dictionary.
    """

    def __init__(self, commands: Mapping[str, Sequence[str]]) -> None:
        self._commands = commands
        phrases = [phrase.lower() for of_one in commands.values() for phrase in of_one]
        with tempfile.TemporaryDirectory() as folder:
            grammar = Path(folder) / "commands.gram"
            grammar.write_text(f"#JSGF V1.0; grammar glint; public <c> = {' | '.join(phrases)};")
            try:
                self._grammar = pocketsphinx.Decoder(jsgf=str(grammar), loglevel="FATAL")
            except RuntimeError as error:
                raise SpeechError(
                    "PocketSphinx's dictionary lacks a word of the commands: use other words."
                ) from error
        phones = pocketsphinx.get_model_path("en-us/en-us-phone.lm.bin")
        # Wider beams, and less trust in which sound usually follows which, than it has by default.
        self._sounds = pocketsphinx.Decoder(
            allphone=phones, lm=None, lw=2.0, beam=1e-20, pbeam=1e-20, loglevel="FATAL"
        )
        self._spoken = {phrase: self._pronunciations(phrase) for phrase in phrases}

    def command(self, pcm: bytes) -> str | None:
        """Recognises a command; see `glint.speech.Recognizer`."""
        if len(pcm) < _LEAST_BYTES:
            return None
        phrase = _decoded(self._grammar, pcm)
        if phrase not in self._spoken:
            return None  # nothing, or the beginning of one
        sounds = [sound for sound in _decoded(self._sounds, pcm).split() if sound not in _NO_SOUNDS]
        for said in self._spoken[phrase]:
            if _distance(sounds, said) <= 1 + _WRONG_A_SOUND * len(said):
                return matching(phrase, self._commands)
        return None

    def _pronunciations(self, phrase: str) -> list[list[str]]:
        """The sounds of a phrase, for every way to pronounce its words."""
        ways = []
        for word in phrase.split():
            found = []
            for number in itertools.count(1):
                variant = word if number == 1 else f"{word}({number})"
                sounds = self._grammar.lookup_word(variant)
                if not sounds:
                    break
                found.append(sounds.split())
            ways.append(found)
        return [list(itertools.chain(*way)) for way in itertools.product(*ways)]


def _decoded(decoder: pocketsphinx.Decoder, pcm: bytes) -> str:
    decoder.start_utt()
    decoder.process_raw(pcm, no_search=False, full_utt=True)
    decoder.end_utt()
    heard = decoder.hyp()
    return heard.hypstr if heard else ""


def _distance(one: Sequence[str], two: Sequence[str]) -> int:
    """How many items have to be changed, added or taken away to make one of the other."""
    row = list(range(len(two) + 1))
    for i, item in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(two, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (item != other))
    return row[-1]
