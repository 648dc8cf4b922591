# SPDX-License-Identifier: Apache-2.0
"""Writes what LLVM's Xtensa back end emits in fewer bytes, as GCC and its assembler would.

Two-byte instructions where there are some, calls that name their target, addresses on the stack in
two steps, and conditions turned round instead of jumps that are jumped over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

LITERAL = re.compile(r"\s+\.literal\s+(\S+),\s*(.*)")
INSTRUCTION = re.compile(r"\s+([a-z]\S*)(?:\s+([^#]*?))?\s*(?:#.*)?")
FUNCTION = re.compile(r"\s+\.type\s+(\S+),@function")
COLD_SECTION = re.compile(r"(?m)^\s+\.section\s+\.text\.unlikely\..*$")
LABEL = re.compile(r"(\S+):\s*(?:#.*)?")
# What a called function has as its own registers: after a call nobody needs their values.
CALLEES = {f"a{number}" for number in range(8, 16)}
# Those of them that carry no arguments.
SCRATCH = {"a8", "a9"}
OPPOSITES = [("beq", "bne"), ("blt", "bge"), ("bltu", "bgeu"), ("beqi", "bnei"), ("blti", "bgei")]
OPPOSITES += [("bltui", "bgeui"), ("beqz", "bnez"), ("bltz", "bgez"), ("bt", "bf")]
OPPOSITE = {**dict(OPPOSITES), **{second: first for first, second in OPPOSITES}}
# How far branches reach (Xtensa ISA reference manual, "Conditional Branch Instructions").
BRANCH_REACH_BYTES = 124
ZERO_BRANCH_REACH_BYTES = 2044
NARROW_BRANCH_REACH_BYTES = 64


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


def _parse(text: str) -> Line:
    if found := LABEL.fullmatch(text):
        return Line(text, label=found[1])
    found = INSTRUCTION.fullmatch(text)
    if not found or LITERAL.fullmatch(text):
        return Line(text)
    operands = tuple(operand.strip() for operand in (found[2] or "").split(",") if operand)
    return Line(name=found[1], operands=operands)


def _narrow(line: Line) -> Line:
    """The same instruction in two bytes instead of three, where it has such a form."""
    name, operands = line.name, line.operands
    if not operands:
        return line
    last = int(operands[-1]) if re.fullmatch(r"-?\d+", operands[-1]) else None
    if (name == "or" and operands[1] == operands[2]) or (name == "addi" and last == 0):
        return Line(name="mov.n", operands=operands[:2])
    if (
        name == "add"
        or (last is not None and name in ("l32i", "s32i") and 0 <= last <= 60)
        or (last is not None and name == "movi" and -32 <= last <= 95)
        or (last is not None and name == "addi" and (last == -1 or 1 <= last <= 15))
    ):
        return Line(name=f"{name}.n", operands=operands)
    return line


def _call_by_name(lines: list[Line], functions: set[str], literals: dict[str, str]) -> list[Line]:
    """Calls functions of this file as such where their address was loaded for that only."""
    loaded: dict[str, int] = {}  # Registers with a function's address, and the line that did it.
    for index, line in enumerate(lines):
        if line.label:
            loaded.clear()
        if not line.name:
            continue
        if line.name == "callx8" and line.operands[0] in loaded:
            load = loaded[line.operands[0]]
            target = literals[lines[load].operands[1]]
            lines[index] = Line(name="call8", operands=(target,))
            lines[load] = Line()
        if line.name.startswith(("b", "call", "j", "loop")):
            loaded.clear()
        for operand in line.operands:
            loaded.pop(operand, None)
        if (
            line.name == "l32r"
            and line.operands[0] in CALLEES
            and literals.get(line.operands[1]) in functions
        ):
            loaded[line.operands[0]] = index
    return [line for line in lines if line.name or line.text]


def _needed(register: str, after: list[Line]) -> bool:
    """Whether anything may still read a register; True where that takes more than these lines."""
    for line in after:
        if line.label or line.name.startswith(("b", "j", "ret", "loop")):
            return True
        if line.name.startswith("call"):
            return register not in SCRATCH or register in line.operands
        writes = line.name and not line.name.startswith(("s32", "s16", "s8", "ss"))
        if register in line.operands[1 if writes else 0 :]:
            return True
        if writes and line.operands and line.operands[0] == register:
            return False
    return True


def _stack_addresses(lines: list[Line]) -> list[Line]:
    """`movi t, N; add t, a1, t; addi r, t, 0` without its last step."""
    for index in range(len(lines) - 2):
        load, add, move = lines[index : index + 3]
        register = load.operands[0] if load.operands else ""
        if (
            load.name == "movi"
            and (add.name, add.operands) == ("add", (register, "a1", register))
            and (move.name, move.operands[1:]) == ("addi", (register, "0"))
        ):
            result = move.operands[0]
            if result == register or not _needed(register, lines[index + 3 : index + 40]):
                lines[index + 1] = Line(name="add", operands=(result, "a1", register))
                lines[index + 2] = Line()
    return [line for line in lines if line.name or line.text]


def _places(lines: list[Line]) -> list[int]:
    """Where each line begins, in bytes; it may only become nearer."""
    places, place = [], 0
    for line in lines:
        places.append(place)
        if line.name:
            place += 2 if line.name.endswith(".n") else 3
    return places


def _returns(lines: list[Line]) -> list[Line]:
    """Returns instead of jumps to where that is done."""
    ends = {
        line.label: after
        for line, after in pairwise(lines)
        if line.label and after.name == "retw.n"
    }
    return [ends.get(line.operands[0], line) if line.name == "j" else line for line in lines]


def _reach(name: str) -> int:
    return ZERO_BRANCH_REACH_BYTES if name.endswith("z") else BRANCH_REACH_BYTES


def _turn_conditions(lines: list[Line]) -> list[Line]:
    """`if c goto next; goto far; next:` becomes `if not c goto far`, where that reaches."""
    places = _places(lines)
    labels = {line.label: places[index] for index, line in enumerate(lines) if line.label}
    for index, (branch, jump) in enumerate(pairwise(lines)):
        if branch.name not in OPPOSITE or jump.name != "j":
            continue
        following = lines[index + 2 : index + 4]
        target = labels.get(jump.operands[0])
        if (
            branch.operands[-1] in [line.label for line in following if line.label]
            and target is not None
            and abs(target - places[index]) <= _reach(branch.name)
        ):
            operands = (*branch.operands[:-1], jump.operands[0])
            lines[index] = Line(name=OPPOSITE[branch.name], operands=operands)
            lines[index + 1] = Line()
    return [line for line in lines if line.name or line.text]


def _narrow_branches(lines: list[Line]) -> None:
    """Comparisons with zero that jump forward and near, in two bytes."""
    places = _places(lines)
    labels = {line.label: index for index, line in enumerate(lines) if line.label}
    for index, line in enumerate(lines):
        target = labels.get(line.operands[-1], 0) if line.name in ("beqz", "bnez") else 0
        # Not onto the next instruction, which is nearer than the shortest of these reaches.
        if any(between.name for between in lines[index + 1 : target]) and (
            places[target] - places[index] <= NARROW_BRANCH_REACH_BYTES
        ):
            line.name += ".n"


def shorten(assembly: str) -> str:
    """Rewrites the compiler's assembly of one file in fewer bytes.

    A function of this file is called by name only if code is in one section, with nothing to be
    left out by the linker.
    """
    # Code that LLVM takes for cold has a section of its own, where calls by name would not reach.
    assembly = COLD_SECTION.sub("\t.text", assembly)
    texts = (text for text in assembly.splitlines() if not text.lstrip().startswith("#"))
    lines = [_parse(text) for text in texts]
    literals = {found[1]: found[2] for line in lines if (found := LITERAL.fullmatch(line.text))}
    one_section = not re.search(r"(?m)^\s+\.section\s+\.text\.", assembly)
    functions = {found[1] for line in lines if one_section and (found := FUNCTION.match(line.text))}
    functions -= set(re.findall(r"(?m)^\s+\.globa?l\s+(\S+)", assembly))  # The linker's to place.
    lines = _call_by_name(lines, functions, literals)
    lines = [_narrow(line) for line in _stack_addresses(lines)]
    lines = _turn_conditions(_returns(lines))
    _narrow_branches(lines)
    used = {line.operands[1] for line in lines if line.name == "l32r"}
    kept = (
        str(line)
        for line in lines
        if not ((found := LITERAL.fullmatch(line.text)) and found[1] not in used)
    )
    return "\n".join(kept) + "\n"
