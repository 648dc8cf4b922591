# SPDX-License-Identifier: Apache-2.0
"""Writes what LLVM's Xtensa back end emits in fewer bytes, as GCC and its assembler would.

Two-byte instructions where there are some, calls that name their target, addresses on the stack in
two steps, conditions turned round instead of jumps that are jumped over, and code in the place of
the jump to it; `xtensa_merge` keeps one copy of what is there several times.
"""

from __future__ import annotations

import re
from itertools import pairwise

from workbench.build.xtensa_calls import FUNCTION, call_by_name
from workbench.build.xtensa_lines import Line, parse, without_blanks
from workbench.build.xtensa_merge import merge_ends, share_literals

COLD_SECTION = re.compile(r"(?m)^\s+\.section\s+\.text\.unlikely\..*$")
# What a called function has as its own registers and that carries no arguments.
SCRATCH = {"a8", "a9"}
OPPOSITES = [("beq", "bne"), ("blt", "bge"), ("bltu", "bgeu"), ("beqi", "bnei"), ("blti", "bgei")]
OPPOSITES += [("bltui", "bgeui"), ("beqz", "bnez"), ("bltz", "bgez"), ("bt", "bf")]
OPPOSITE = {**dict(OPPOSITES), **{second: first for first, second in OPPOSITES}}
# What nothing comes behind.
ENDS = ("j", "retw.n")
# How far branches reach (Xtensa ISA reference manual, "Conditional Branch Instructions").
BRANCH_REACH_BYTES = 124
ZERO_BRANCH_REACH_BYTES = 2044
NARROW_BRANCH_REACH_BYTES = 64


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
    return without_blanks(lines)


def _places(lines: list[Line]) -> list[int]:
    """Where each line begins, in bytes; it may only become nearer."""
    places, place = [], 0
    for line in lines:
        places.append(place)
        place += line.bytes
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
    return without_blanks(lines)


def _in_reach(lines: list[Line]) -> bool:
    """Whether each conditional branch reaches its label."""
    places = _places(lines)
    labels = {line.label: places[index] for index, line in enumerate(lines) if line.label}
    return all(
        abs(labels[line.operands[-1]] - place) <= _reach(line.name)
        for line, place in zip(lines, places, strict=True)
        if line.name in OPPOSITE and line.operands[-1] in labels
    )


def _follow_jumps(lines: list[Line]) -> list[Line]:
    """Puts what a jump leads to in its place, where nothing falls into it from above."""
    starts = [index for index, line in enumerate(lines) if line.name == "entry"]
    done = lines[: starts[0]] if starts else lines
    for start, end in pairwise([*starts, len(lines)]):
        function, index = lines[start:end], 0
        while index < len(function):
            moved = _moved(function, index) if function[index].name == "j" else None
            if moved and _in_reach(moved):
                function = moved
            else:
                index += 1
        done += function
    return done


def _moved(function: list[Line], jump: int) -> list[Line] | None:
    """A function with the code that a jump leads to, up to the next jump, in the jump's place."""
    first = next(
        (i for i, line in enumerate(function) if line.label == function[jump].operands[0]), 0
    )
    while first and function[first - 1].label:
        first -= 1
    if not first or function[first - 1].name not in ENDS:
        return None
    for last in range(first, len(function)):
        line = function[last]
        if last == jump or (line.text and not line.label):
            return None
        if line.name in ENDS:
            block = function[first : last + 1]
            if jump < first:
                before, after = function[:jump], function[jump + 1 : first] + function[last + 1 :]
            else:
                before, after = function[:first] + function[last + 1 : jump], function[jump + 1 :]
            return before + block + after
    return None


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
    lines = parse(assembly)
    one_section = not re.search(r"(?m)^\s+\.section\s+\.text\.", assembly)
    functions = {found[1] for line in lines if one_section and (found := FUNCTION.match(line.text))}
    functions -= set(re.findall(r"(?m)^\s+\.globa?l\s+(\S+)", assembly))  # The linker's to place.
    lines = share_literals(call_by_name(lines, functions))
    lines = [_narrow(line) for line in _stack_addresses(lines)]
    lines = _returns(lines)
    if one_section:
        lines = merge_ends(lines)
    lines = _follow_jumps(_turn_conditions(_returns(lines)))
    lines = _turn_conditions(lines)
    _narrow_branches(lines)
    return "\n".join(map(str, lines)) + "\n"
