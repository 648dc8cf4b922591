# SPDX-License-Identifier: Apache-2.0
"""Makes what LLVM's Xtensa back end emits fit MicroPython's native linker, tools/mpy_ld.py.

That linker expects what GCC emits: literals in sections of their own, data that holds pointers
apart from plain constants, the offset of a literal into its section in the section's bytes, and
nothing where it puts distances.
What GCC's assembler would do by itself is done here too: two-byte instructions where there are
some, and calls that name their target.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

SECTION = re.compile(r"\s+\.(section|text|data|bss)\b")
LITERAL = re.compile(r"\s+\.literal\s+(\S+),\s*(.*)")
POINTER = re.compile(r"\.long\s+[A-Za-z_.]")
INSTRUCTION = re.compile(r"\s+([a-z]\S*)\s+([^#]*?)\s*(?:#.*)?")
FUNCTION = re.compile(r"\s+\.type\s+(\S+),@function")
LABEL = re.compile(r"\S+:")
# What a called function has as its own registers: after a call nobody needs their values.
CALLEES = {f"a{number}" for number in range(8, 16)}
RELA_BYTES = 12
RELA_ADDEND_OFFSET = 8
R_XTENSA_SLOT0_OP = 20  # What an instruction names.
L32R = 1  # The lowest four bits of the instruction; its upper 16 are a distance.


def _literals(assembly: str) -> str:
    """Puts each `.literal NAME, VALUE` into a section .literal."""
    lines = []
    section = "\t.text"
    for line in assembly.splitlines():
        if SECTION.match(line):
            section = line
        if literal := LITERAL.fullmatch(line):
            name, value = literal.groups()
            lines += ['\t.section\t.literal,"ax",@progbits', "\t.p2align\t2"]
            lines += [f"{name}:", f"\t.long\t{value}", section]
        elif not line.strip().startswith(".literal_position"):
            lines.append(line)
    return "\n".join(lines) + "\n"


def _narrow(name: str, operands: list[str]) -> str | None:
    """An instruction in two bytes instead of three, where it has such a form."""
    last = int(operands[-1]) if re.fullmatch(r"-?\d+", operands[-1]) else None
    if name == "or" and operands[1] == operands[2]:
        name, operands = "mov", operands[:2]
    elif not (
        name == "add"
        or (last is not None and name in ("l32i", "s32i") and 0 <= last <= 60)
        or (last is not None and name == "movi" and -32 <= last <= 95)
        or (last is not None and name == "addi" and (last == -1 or 1 <= last <= 15))
    ):
        return None
    return f"\t{name}.n\t{', '.join(operands)}"


def shorten(assembly: str) -> str:
    """Rewrites the compiler's assembly of one file in fewer bytes.

    A function of this file is called by name where its address was loaded for that only; so
    it takes code in one section, with nothing to be left out by the linker.
    """
    lines = assembly.splitlines()
    one_section = not re.search(r"(?m)^\s+\.section\s+\.text\.", assembly)
    functions = {found[1] for line in lines if one_section and (found := FUNCTION.match(line))}
    functions -= set(re.findall(r"(?m)^\s+\.globa?l\s+(\S+)", assembly))  # The linker's to place.
    literals = {found[1]: found[2] for line in lines if (found := LITERAL.fullmatch(line))}
    loaded: dict[str, int] = {}  # Registers with a function's address, and the line that did it.
    for index, line in enumerate(lines):
        found = INSTRUCTION.fullmatch(line)
        if not found:
            if LABEL.match(line):
                loaded.clear()
            continue
        name, operands = found[1], [operand.strip() for operand in found[2].split(",")]
        if name == "callx8" and operands[0] in loaded:
            load = loaded[operands[0]]
            lines[index] = f"\tcall8\t{literals[lines[load].split()[-1]]}"
            lines[load] = ""
        if name.startswith(("b", "call", "j", "loop")):
            loaded.clear()
        for operand in operands:
            loaded.pop(operand, None)
        if (
            name == "l32r"
            and operands[0] in CALLEES
            and literals.get(operands[1]) in functions
            and len(lines[index].split()) == 3
        ):
            loaded[operands[0]] = index
        lines[index] = _narrow(name, operands) or lines[index]
    used = {line.split()[-1] for line in lines if line.startswith("\tl32r")}
    kept = (
        line
        for line in lines
        if line and not ((found := LITERAL.fullmatch(line)) and found[1] not in used)
    )
    return "\n".join(kept) + "\n"


def normalise(assembly: str) -> str:
    """Rewrites the assembly of one file.

    Literals move into a section .literal; read-only data that holds pointers moves into
    .data.rel.ro, where the linker allows relocations.
    """
    chunks = re.split(r"(?m)^(?=\s+\.(?:section|text|data|bss)\b)", _literals(assembly))
    for index, chunk in enumerate(chunks):
        head, newline, body = chunk.partition("\n")
        if ".rodata" in head and POINTER.search(body):
            chunks[index] = '\t.section\t.data.rel.ro,"a",@progbits' + newline + body
    return "".join(chunks)


def fit_relocations(path: Path) -> None:
    """Makes an object's relocations those that the linker knows.

    It adds what an `l32r` already holds to the distance that it computes, where LLVM leaves
    something and GCC nothing; and it reads the addends of relocations against sections, in
    .literal, from the section's bytes.
    """
    data = bytearray(path.read_bytes())
    with path.open("rb") as file:
        elf: Any = ELFFile(file)
        for relocations in elf.iter_sections("SHT_RELA"):
            target = elf.get_section(relocations["sh_info"])
            symbols = elf.get_section(relocations["sh_link"])
            for index, relocation in enumerate(relocations.iter_relocations()):
                place = target["sh_offset"] + relocation["r_offset"]
                if relocation["r_info_type"] == R_XTENSA_SLOT0_OP and data[place] & 15 == L32R:
                    data[place + 1 : place + 3] = bytes(2)
                symbol = symbols.get_symbol(relocation["r_info_sym"])
                addend = relocation["r_addend"]
                if (
                    not target.name.startswith(".literal")
                    or symbol["st_info"]["type"] != "STT_SECTION"
                    or not addend
                ):
                    continue
                struct.pack_into("<I", data, place, addend)
                entry = relocations["sh_offset"] + index * RELA_BYTES
                struct.pack_into("<i", data, entry + RELA_ADDEND_OFFSET, 0)
    path.write_bytes(data)
