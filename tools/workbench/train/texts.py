# SPDX-License-Identifier: Apache-2.0
"""Texts for training: the phrase, texts that sound like it, parts of it, and any other text.

Near-sounding phrases are edits of the phrase's phonemes, as eSpeak NG gives and takes them, so that
they can be had in each of its languages; in English also words that sound like the phrase's own.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np

from workbench.emulation import espeak
from workbench.train.errors import TrainError

# Phrases with fewer phonemes are common in other speech.
SAFE_PHONEMES = 6
# The fewest phonemes of a phrase to change: fewer changes are hard for anyone to hear.
EDITED_SHARE = 0.3
# Words sound alike if at most this share of their phonemes differs.
ALIKE_SHARE = 0.6
STRESS = "',%="
# The first letters of eSpeak NG's vowels.
VOWELS = frozenset("aeiouyAEIOUVY03@&")
WORDS = (Path(__file__).parent / "words.txt").read_text().split()
# Numerals exist in every language; its phonemes are collected from them.
NUMERALS = "0 1 2 3 4 5 6 7 8 9 10 11 12 13 20 30 100 1000"


def accent_of(language: str) -> str:
    """Returns eSpeak NG's voice for a language: its own, or that of its first accent.

    Raises:
        TrainError: eSpeak NG does not speak the language.
    """
    preferred = "en-us" if language == "en" else language
    known = espeak.engine().voices()
    found = [
        name
        for code, name in known.items()
        if code == preferred or code.startswith(f"{preferred}-")
    ]
    if not found:
        raise TrainError(f"eSpeak NG has no voice for '{language}'")
    return found[0]


def checked(phrase: str, language: str) -> tuple[str, list[list[str]]]:
    """Normalizes a phrase; returns it with the phonemes of its words.

    Raises:
        TrainError: It is empty, or cannot be spoken.
    """
    words = unicodedata.normalize("NFKC", phrase).split()
    plain = " ".join(word for word in words if any(char.isalnum() for char in word))
    if not plain:
        raise TrainError("the phrase is empty: give the words that are to be heard")
    phonemes = espeak.engine().phonemes(plain, accent_of(language))
    if not any(any(char.isalpha() for char in one) for word in phonemes for one in word):
        raise TrainError(f"'{phrase}' cannot be spoken in '{language}'")
    return plain, phonemes


def warning(phonemes: list[list[str]]) -> str:
    """Returns why a phrase is likely to occur in other speech; empty if it is long enough."""
    count = sum(map(len, phonemes))
    if count >= SAFE_PHONEMES:
        return ""
    return (
        f"the phrase has only {count} sounds, and other speech has them in a row, too; "
        f"phrases of {SAFE_PHONEMES} or more are safer"
    )


def distance(a: list[str], b: list[str]) -> int:
    """Returns the edit distance (insertions, deletions, replacements) of two phoneme lists."""
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            replaced = before + (one != other)
            before = row[j]
            row[j] = min(row[j] + 1, row[j - 1] + 1, replaced)
    return row[-1]


def _bare(word: list[str]) -> list[str]:
    return [one.strip(STRESS) for one in word]


def _is_vowel(phoneme: str) -> bool:
    return phoneme.lstrip(STRESS)[:1] in VOWELS


class Texts:
    """Draws texts near a phrase.

    Attributes:
        phrase: The phrase.
    """

    def __init__(self, phrase: str, language: str) -> None:
        """Collects the sounds of the language, and words that sound like those of the phrase.

        Raises:
            TrainError: As `checked`.
        """
        self.phrase, self._phonemes = checked(phrase, language)
        self._words = self.phrase.split()
        library, accent = espeak.engine(), accent_of(language)
        self._english = language == "en"
        sample = NUMERALS + (" " + " ".join(WORDS) if self._english else "")
        spoken = library.phonemes(f"{sample} {self.phrase}", accent)
        sounds = {one for word in spoken for one in word if one.strip(STRESS)}
        self._vowels = sorted(one for one in sounds if _is_vowel(one))
        self._consonants = sorted(sounds - set(self._vowels))
        self._alike = [self._sounding_like(word, accent) for word in self._words]

    def _sounding_like(self, word: str, accent: str) -> list[str]:
        if not self._english:
            return []
        library = espeak.engine()
        own = [one for part in library.phonemes(word, accent) for one in _bare(part)]
        alike = []
        for other in WORDS:
            said = [one for part in library.phonemes(other, accent) for one in _bare(part)]
            if 0 < distance(own, said) <= ALIKE_SHARE * len(own):
                alike.append(other)
        return alike

    def _one(self, rng: np.random.Generator, texts: list[str]) -> str:
        return texts[int(rng.integers(len(texts)))]

    def misspoken(self, rng: np.random.Generator) -> str:
        """Returns the phrase with a few sounds changed, as phonemes for eSpeak NG."""
        words = [list(word) for word in self._phonemes]
        places = [(i, j) for i, word in enumerate(words) for j in range(len(word))]
        least = max(2 if len(places) > 3 else 1, round(EDITED_SHARE * len(places)))
        count = min(len(places), least + int(rng.integers(0, 2)))
        for place in rng.permutation(len(places))[:count]:
            i, j = places[place]
            pool = self._vowels if _is_vowel(words[i][j]) else self._consonants
            others = [one for one in pool if one.strip(STRESS) != words[i][j].strip(STRESS)]
            words[i][j] = self._one(rng, others or pool)
        return "[[" + " ".join("".join(word) for word in words) + "]]"

    def near(self, rng: np.random.Generator) -> str:
        """Returns part of the phrase, alone, among other words, or with a similar-sounding word."""
        words = list(self._words)
        kind = rng.random()
        at = int(rng.integers(len(words)))
        if kind < 0.45 and self._alike[at]:
            words[at] = self._one(rng, self._alike[at])
            return " ".join(words)
        if len(words) == 1:
            # One half of the only word, by its spelling.
            half = max(1, len(words[0]) // 2)
            part = words[0][:half] if rng.random() < 0.5 else words[0][half:]
        else:
            part = words[at]
        if kind < 0.6:
            return part
        other = self.word(rng)
        return f"{part} {other}" if rng.random() < 0.5 else f"{other} {part}"

    def word(self, rng: np.random.Generator) -> str:
        """Returns any word; in languages other than English, a numeral."""
        while True:
            found = self._one(rng, WORDS) if self._english else str(int(rng.integers(0, 10000)))
            if found not in self._words:
                return found

    def sentence(self, rng: np.random.Generator) -> str:
        """Returns one to eight words that are not in the phrase."""
        return " ".join(self.word(rng) for _ in range(int(rng.integers(1, 9))))
