# SPDX-License-Identifier: Apache-2.0
"""Tests the rewriting of LLVM's Xtensa assembly for MicroPython's linker."""

import struct

import pytest
from workbench.build import compilers, xtensa_asm

ASSEMBLY = """\
\t.section\t.text.f,"ax",@progbits
\t.literal_position
\t.literal .LCPI0_0, table
\t.literal .LCPI0_1, 1000000
f:
\tl32r\ta8, .LCPI0_0
\tret
\t.section\t.rodata.cst4,"aM",@progbits,4
\t.long\t42
\t.section\t.rodata,"a",@progbits
table:
\t.long\tf
"""

NORMALISED = """\
\t.section\t.text.f,"ax",@progbits
\t.section\t.literal,"ax",@progbits
\t.p2align\t2
.LCPI0_0:
\t.long\ttable
\t.section\t.text.f,"ax",@progbits
\t.section\t.literal,"ax",@progbits
\t.p2align\t2
.LCPI0_1:
\t.long\t1000000
\t.section\t.text.f,"ax",@progbits
f:
\tl32r\ta8, .LCPI0_0
\tret
\t.section\t.rodata.cst4,"aM",@progbits,4
\t.long\t42
\t.section\t.data.rel.ro,"a",@progbits
table:
\t.long\tf
"""


def test_literals_and_tables_of_pointers_get_sections_of_their_own():
    assert xtensa_asm.normalise(ASSEMBLY) == NORMALISED
    assert xtensa_asm.normalise(NORMALISED) == NORMALISED


# Each with its two-byte encoding, or unchanged if there is none.
ENCODINGS = {
    "or\ta2, a3, a3": "mov.n\ta2, a3",
    "or\ta2, a3, a4": "",
    "addi\ta2, a1, 0": "mov.n\ta2, a1",
    "addi\ta2, a3, 15": "addi.n\ta2, a3, 15",
    "addi\ta2, a3, -1": "addi.n\ta2, a3, -1",
    "addi\ta2, a3, 16": "",
    "addi\ta2, a3, -2": "",
    "add\ta2, a3, a4": "add.n\ta2, a3, a4",
    "addx2\ta2, a3, a4": "",
    "l32i\ta2, a3, 60": "l32i.n\ta2, a3, 60",
    "l32i\ta2, a3, 64": "",
    "s32i\ta2, a3, 0": "s32i.n\ta2, a3, 0",
    "s32i\ta2, a3, 64": "",
    "movi\ta2, 95": "movi.n\ta2, 95",
    "movi\ta2, -32": "movi.n\ta2, -32",
    "movi\ta2, 96": "",
    "movi\ta2, -33": "",
}


def assembled(tmp_path, instructions):
    source, output = tmp_path / "some.s", tmp_path / "some.o"
    source.write_text("\n".join(f"\t{instruction}" for instruction in instructions) + "\n")
    compilers.assemble(compilers.xtensa_llvm(), source, output)
    with output.open("rb") as file:
        elf = pytest.importorskip("elftools.elf.elffile").ELFFile(file)
        return elf.get_section_by_name(".text").data()


@pytest.mark.parametrize(("instruction", "short"), ENCODINGS.items())
def test_instructions_are_encoded_in_two_bytes_where_they_can_be(instruction, short):
    assert xtensa_asm.normalise(f"\t{instruction}\n") == f"\t{short or instruction}\n"


def test_the_assembler_takes_each_encoding_and_has_none_for_the_others(tmp_path):
    if compilers.xtensa_llvm() is None:
        pytest.skip("no LLVM with the Xtensa back end")
    shorts = [short for short in ENCODINGS.values() if short]
    assert len(assembled(tmp_path, shorts)) == 2 * len(shorts)
    for instruction in [wide for wide, short in ENCODINGS.items() if not short]:
        with pytest.raises(compilers.CompilerError, match="did not assemble"):
            assembled(tmp_path, [instruction.replace("\t", ".n\t", 1)])


def test_what_was_written_inline_stays():
    inline = "\t#APP\n\tadd\ta2, a3, a4\n\t#NO_APP\n"
    assert xtensa_asm.normalise(inline) == inline


def test_relocations_are_those_that_the_linker_knows(tmp_path):
    if compilers.xtensa_llvm() is None:
        pytest.skip("no LLVM with the Xtensa back end")
    elffile = pytest.importorskip("elftools.elf.elffile")
    source = tmp_path / "two.c"
    # The second table is reached as the section's start plus an offset.
    source.write_text(
        "static const int a[4] = {1, 2, 3, 4}; static const int b[4] = {5, 6, 7, 8};"
        "const int *f(int which) { return which ? a : b; }"
    )
    output = tmp_path / "two.o"
    compilers.xtensa_llvm().compile(source, output, ["-O1"])
    with output.open("rb") as file:
        elf = elffile.ELFFile(file)
        literal = elf.get_section_by_name(".literal")
        relocations = list(elf.get_section_by_name(".rela.literal").iter_relocations())
        assert [relocation["r_addend"] for relocation in relocations] == [0, 0]
        assert set(struct.unpack("<2I", literal.data())) == {0, 16}
        # The linker adds the distance to what is there.
        code = elf.get_section_by_name(".text").data()
        named = list(elf.get_section_by_name(".rela.text").iter_relocations())
        assert named
        for relocation in named:
            start = relocation["r_offset"]
            assert code[start] & 15 == xtensa_asm.L32R
            assert code[start + 1 : start + 3] == bytes(2)
