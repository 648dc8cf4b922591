# SPDX-License-Identifier: Apache-2.0
"""Keeps one copy of what the code of a file for Xtensa holds several times.

Literals; and instructions that end in a return or a jump: a function of the windowed ABI returns
with `retw`, whatever it has on its stack (Xtensa ISA reference manual, "Windowed Procedure-Call
Protocol"), so that any function may end in another one's code.
"""

from __future__ import annotations

from collections import defaultdict

from workbench.build.xtensa_lines import LITERAL, Line, without_blanks

# Longer ends that are the same are rare.
LONGEST_END = 24
JUMP_BYTES = 3


def share_literals(lines: list[Line]) -> list[Line]:
    """Gives each value one literal, and leaves out those that nothing loads."""
    loaded = {line.operands[1] for line in lines if line.name == "l32r"}
    first: dict[str, str] = {}  # By value.
    same: dict[str, str] = {}
    kept = []
    for line in lines:
        if found := LITERAL.fullmatch(line.text):
            name, value = found.groups()
            if name not in loaded:
                continue
            same[name] = first.setdefault(value, name)
            if same[name] != name:
                continue
        kept.append(line)
    for index, line in enumerate(kept):
        if line.name == "l32r" and line.operands[1] in same:
            kept[index] = Line(name="l32r", operands=(line.operands[0], same[line.operands[1]]))
    return kept


def _end(lines: list[Line], last: int, length: int) -> list[int]:
    """Where the `length` instructions are that end with that one, last first; fewer at a label."""
    places = [last]
    for index in range(last - 1, -1, -1):
        line = lines[index]
        if len(places) == length or line.text or line.name in ("j", "retw.n", "entry"):
            break
        if line.name:
            places.append(index)
    return places


def merge_ends(lines: list[Line]) -> list[Line]:
    """Jumps to a copy that is there instead of having another, where that is shorter."""
    lines = list(lines)
    starts: dict[int, str] = {}  # The labels of copies that are jumped to, by their first line.
    for length in range(LONGEST_END, 1, -1):
        copies = defaultdict(list)
        for index, line in enumerate(lines):
            if line.name in ("j", "retw.n"):
                places = _end(lines, index, length)
                if len(places) == length and not any(place in starts for place in places[:-1]):
                    copies[tuple(str(lines[place]) for place in places)].append(places)
        for kept, *others in copies.values():
            if sum(lines[place].bytes for place in kept) <= JUMP_BYTES or not others:
                continue
            label = starts.setdefault(kept[-1], f".Lend{len(starts)}")
            for places in others:
                # What jumped to the copy that goes, jumps to the jump.
                if places[-1] in starts:
                    starts[places[0]] = starts.pop(places[-1])
                for place in places:
                    lines[place] = Line()
                lines[places[0]] = Line(name="j", operands=(label,))
    merged = []
    for index, line in enumerate(lines):
        if index in starts:
            merged.append(Line(f"{starts[index]}:", label=starts[index]))
        merged.append(line)
    return without_blanks(merged)
