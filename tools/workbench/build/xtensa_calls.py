# SPDX-License-Identifier: Apache-2.0
"""Calls functions of a file for Xtensa by name where LLVM loads their addresses into registers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from workbench.build.xtensa_lines import LITERAL, Line, without_blanks

FUNCTION = re.compile(r"\s+\.type\s+(\S+),@function")
# What a called function has as its own registers: after a call nobody needs their values.
CALLEES = [f"a{number}" for number in range(8, 16)]
ARGUMENTS = CALLEES[2:]
RESULTS = ["a2", "a3", "a4", "a5"]
# Where a register got its value, if not from one of the loads looked for.
ELSEWHERE = -1

# For each register that may hold a function's address, the lines that may have loaded it.
Origins = dict[str, frozenset[int]]


def call_by_name(lines: list[Line], functions: set[str]) -> list[Line]:
    """Names the function in each call through a register that can hold no other one's address.

    Args:
        lines: Of a file.
        functions: Those that a call reaches by name.
    """
    values = {found[1]: found[2] for line in lines if (found := LITERAL.fullmatch(line.text))}
    loads = {
        index: values[line.operands[1]]
        for index, line in enumerate(lines)
        if line.name == "l32r" and values.get(line.operands[1]) in functions
    }
    lines = list(lines)
    starts = [index for index, line in enumerate(lines) if FUNCTION.match(line.text)]
    for start, end in pairwise([0, *starts, len(lines)]):
        if any(start <= load < end for load in loads):
            _name_calls(lines, range(start, end), loads)
    return without_blanks(lines)


def _name_calls(lines: list[Line], function: range, loads: Mapping[int, str]) -> None:
    before = _origins(lines, function, loads)
    named: dict[int, str] = {}
    needed: set[int] = set()  # The loads whose addresses something else takes, too.
    for index, origins in before.items():
        line = lines[index]
        for register in _read(line):
            found = origins.get(register, frozenset())
            targets = {loads.get(origin) for origin in found}
            target = targets.pop() if len(targets) == 1 else None
            if line.name == "callx8" and target and line.operands[0] == register:
                named[index] = target
            else:
                needed |= found
    for index, target in named.items():
        lines[index] = Line(name="call8", operands=(target,))
    for index in loads:
        if index in before and index not in needed:
            lines[index] = Line()


def _read(line: Line) -> tuple[str, ...] | list[str]:
    if line.name.startswith("ret"):
        return RESULTS
    if line.name.startswith("call"):
        return [*line.operands, *ARGUMENTS]
    return line.operands


def _origins(lines: list[Line], function: range, loads: Mapping[int, str]) -> dict[int, Origins]:
    """What the registers may hold before each line of a function that is reached."""
    labels = {lines[index].label: index for index in function if lines[index].label}
    before: dict[int, Origins] = {}
    open_ends: list[tuple[int, Origins]] = [(function.start, {})]
    while open_ends:
        index, origins = open_ends.pop()
        known = before.get(index)
        if known is not None:
            # A register that only one way here has a load for came from elsewhere on the other.
            merged = {
                register: known.get(register, frozenset({ELSEWHERE}))
                | origins.get(register, frozenset({ELSEWHERE}))
                for register in known.keys() | origins.keys()
            }
            if merged == known:
                continue
            origins = merged
        before[index] = origins
        line = lines[index]
        after = dict(origins)
        written = CALLEES if line.name.startswith("call") else line.operands
        for register in written:
            after.pop(register, None)
        if index in loads:
            after[line.operands[0]] = frozenset({index})
        if line.operands and line.operands[-1] in labels:
            open_ends.append((labels[line.operands[-1]], after))
        if line.name not in ("j", "jx", "retw.n", "ret", "retw") and index + 1 < function.stop:
            open_ends.append((index + 1, after))
    return before
