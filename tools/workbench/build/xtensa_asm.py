# SPDX-License-Identifier: Apache-2.0
"""Makes what LLVM's Xtensa back end emits fit MicroPython's native linker, tools/mpy_ld.py.

That linker expects what GCC emits: literals in sections of their own, data that holds pointers
apart from plain constants, the offset of a literal into its section in the section's bytes, and
nothing where it puts distances. `xtensa_short` goes before it.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

from workbench.build.xtensa_lines import LITERAL

SECTION = re.compile(r"\s+\.(section|text|data|bss)\b")
POINTER = re.compile(r"\.long\s+[A-Za-z_.]")
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
