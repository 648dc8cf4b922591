# SPDX-License-Identifier: Apache-2.0
"""Assembly for Xtensa, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

LITERAL = re.compile(r"\s+\.literal\s+(\S+),\s*(.*)")
INSTRUCTION = re.compile(r"\s+([a-z]\S*)(?:\s+([^#]*?))?\s*(?:#.*)?")
LABEL = re.compile(r"(\S+):\s*(?:#.*)?")


@dataclass
class Line:
    """A line of assembly: an instruction, a label, or anything else (`text`)."""

    text: str = ""
    name: str = ""
    operands: tuple[str, ...] = ()
    label: str = ""

    def __str__(self) -> str:
        if not self.name:
            return self.text
        return f"\t{self.name}\t{', '.join(self.operands)}".rstrip()

    @property
    def bytes(self) -> int:
        """What it takes at most, but for data."""
        if not self.name:
            return 0
        return 2 if self.name.endswith(".n") else 3


def parse(assembly: str) -> list[Line]:
    """The lines of a file, without those that hold only a comment."""
    return [_parse(text) for text in assembly.splitlines() if not text.lstrip().startswith("#")]


def _parse(text: str) -> Line:
    if found := LABEL.fullmatch(text):
        return Line(text, label=found[1])
    found = INSTRUCTION.fullmatch(text)
    if not found or LITERAL.fullmatch(text):
        return Line(text)
    operands = tuple(operand.strip() for operand in (found[2] or "").split(",") if operand)
    return Line(name=found[1], operands=operands)


def without_blanks(lines: Iterable[Line]) -> list[Line]:
    """The lines that have something."""
    return [line for line in lines if line.name or line.text]
