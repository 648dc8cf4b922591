# SPDX-License-Identifier: Apache-2.0
"""Adapts the output of LLVM's Xtensa back end to MicroPython's native linker, tools/mpy_ld.py.

That linker expects GCC's output: literals in sections of their own, data with pointers apart from
plain constants, the offset of a literal into its section stored in the section's bytes, and zeros
where it fills in distances. It also expects the GNU assembler, which uses the two-byte encoding of
an instruction where there is one (gas/config/xtensa-relax.c of binutils 2.40, `narrowable`);
LLVM's assembler does so only if the narrow mnemonic is written. Instructions keep their meaning.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

LITERAL = re.compile(r"\s+\.literal\s+(\S+),\s*(.*)")
SECTION = re.compile(r"\s+\.(section|text|data|bss)\b")
POINTER = re.compile(r"\.long\s+[A-Za-z_.]")
INSTRUCTION = re.compile(r"\s+([a-z][a-z0-9]*)\s+([^#]*?)\s*(?:#.*)?")
INLINE_STARTS, INLINE_ENDS = "#APP", "#NO_APP"
RELA_BYTES = 12
RELA_ADDEND_OFFSET = 8
R_XTENSA_SLOT0_OP = 20  # The relocation of an instruction's operand.
L32R = 1  # The lowest four bits of the opcode; the upper 16 bits hold the distance.


def _literals(assembly: str) -> str:
    """Moves each `.literal NAME, VALUE` into a section .literal."""
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


def _narrow(line: str) -> str:
    """Rewrites an instruction with the mnemonic of its two-byte encoding, if it has one.

    The operands that these accept are from the Xtensa ISA reference manual, "Code Density Option".
    """
    found = INSTRUCTION.fullmatch(line)
    if not found:
        return line
    name, operands = found[1], [operand.strip() for operand in found[2].split(",")]
    number = int(operands[-1]) if re.fullmatch(r"-?\d+", operands[-1]) else None
    if (name == "or" and operands[1] == operands[2]) or (name == "addi" and number == 0):
        return f"\tmov.n\t{operands[0]}, {operands[1]}"
    if name == "add" or (
        number is not None
        and (
            (name in ("l32i", "s32i") and 0 <= number <= 60 and number % 4 == 0)
            or (name == "movi" and -32 <= number <= 95)
            or (name == "addi" and (number == -1 or 1 <= number <= 15))
        )
    ):
        return f"\t{name}.n\t{', '.join(operands)}"
    return line


def _density(assembly: str) -> str:
    """Narrows the compiler's instructions where possible, but not those of inline assembly."""
    lines = []
    inline = False
    for line in assembly.splitlines():
        inline = (inline or line.strip() == INLINE_STARTS) and line.strip() != INLINE_ENDS
        lines.append(line if inline else _narrow(line))
    return "\n".join(lines) + "\n"


def normalise(assembly: str) -> str:
    """Rewrites the compiler's assembly of one file as the GNU assembler expects it.

    Instructions are encoded in two bytes where they can be. Literals move into a section .literal;
    read-only data that holds pointers moves into .data.rel.ro, where the linker allows relocations.
    """
    chunks = re.split(r"(?m)^(?=\s+\.(?:section|text|data|bss)\b)", _literals(_density(assembly)))
    for index, chunk in enumerate(chunks):
        head, newline, body = chunk.partition("\n")
        if ".rodata" in head and POINTER.search(body):
            chunks[index] = '\t.section\t.data.rel.ro,"a",@progbits' + newline + body
    return "".join(chunks)


def fit_relocations(path: Path) -> None:
    """Rewrites an object's relocations into those that the linker knows.

    The linker adds the value already in an `l32r` to the distance that it computes; LLVM leaves a
    value there, GCC none. And it reads the addends of relocations against sections, in .literal,
    from the section's bytes.
    """
    data = bytearray(path.read_bytes())
    with path.open("rb") as file:
        from elftools.elf.elffile import ELFFile  # takes a while

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
