# SPDX-License-Identifier: Apache-2.0
"""What becomes of LLVM's assembly for Xtensa before MicroPython's linker takes it."""

import struct

import pytest
from workbench.build import natmod, xtensa_asm, xtensa_short

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


def test_shorter_instructions_and_calls_by_name():
    assembly = """\
\t.section\t.text.unlikely.,"ax",@progbits
\t.literal .LCPI0_0, near
\t.literal .LCPI0_1, far
\t.globl\tfar
\t.type\tnear,@function
\t.type\tfar,@function
f:
\tl32r\ta8, .LCPI0_0
\tor\ta10, a2, a2
\tl32i\ta11, a3, 60
\tl32i\ta12, a3, 64
\tcallx8\ta8
\tl32r\ta8, .LCPI0_1
\tcallx8\ta8
"""
    assert (
        xtensa_short.shorten(assembly)
        == """\
\t.text
\t.literal .LCPI0_1, far
\t.globl\tfar
\t.type\tnear,@function
\t.type\tfar,@function
f:
\tmov.n\ta10, a2
\tl32i.n\ta11, a3, 60
\tl32i\ta12, a3, 64
\tcall8\tnear
\tl32r\ta8, .LCPI0_1
\tcallx8\ta8
"""
    )


def test_calls_by_name_where_every_way_loads_the_same_address():
    assembly = """\
\t.literal .LCPI0_0, near
\t.literal .LCPI0_1, other
\t.type\tnear,@function
near:
\tentry\ta1, 32
\tl32r\ta3, .LCPI0_0
\tbeqz\ta2, .L1
\tl32r\ta6, .LCPI0_0
\tl32r\ta8, .LCPI0_0
\tmovi.n\ta10, 1
\tj\t.L2
.L1:
\tl32r\ta6, SECOND
\tl32r\ta8, .LCPI0_0
\tmovi.n\ta10, 2
.L2:
\tcallx8\ta8
\tcallx8\ta6
\ts32i.n\ta3, a1, 0
\tcallx8\ta3
\tretw.n
\t.type\tother,@function
"""
    same = xtensa_short.shorten(assembly.replace("SECOND", ".LCPI0_0"))
    # The address that is stored is loaded, and called there.
    calls = [line.split()[0] for line in same.splitlines() if "call" in line]
    assert calls == ["call8", "call8", "callx8"]
    assert same.count("l32r") == 1
    different = xtensa_short.shorten(assembly.replace("SECOND", ".LCPI0_1"))
    assert different.count("callx8\ta6") == 1
    assert different.count("l32r") == 3


def test_the_stack_is_addressed_in_two_steps_where_nobody_needs_the_third():
    address = "\tmovi\ta8, 428\n\tadd\ta8, a1, a8\n\taddi\ta12, a8, 0\n"
    short = "\tmovi\ta8, 428\n\tadd.n\ta12, a1, a8\n"
    kept = address.replace("add\t", "add.n\t").replace("addi\ta12, a8, 0", "mov.n\ta12, a8")
    call = "\tcall8\tg\n"
    assert xtensa_short.shorten(address + call) == short + call
    use = "\tl32i.n\ta2, a8, 0\n"
    assert xtensa_short.shorten(address + use + call) == kept + use + call
    assert xtensa_short.shorten(address + "f:\n") == kept + "f:\n"


def test_conditions_are_turned_where_the_jump_is_in_reach():
    skip = "\tbltu\ta2, a3, .L1\n\tj\t.L2\n.L1:\n"
    for words, turned in ((39, True), (40, False)):
        between = "\ts32i\ta2, a3, 64\n" * words
        expected = "\tbgeu\ta2, a3, .L2\n.L1:\n" if turned else skip
        end = ".L2:\n\tnop\n"
        assert xtensa_short.shorten(skip + between + end) == expected + between + end


def test_jumps_to_a_return_and_comparisons_with_zero_are_short():
    assembly = """\
\tbeqz\ta2, .L1
\tj\t.L1
\tbeqz\ta2, .L1
.L1:
\tretw.n
"""
    short = """\
\tbeqz.n\ta2, .L1
\tretw.n
\tbeqz\ta2, .L1
.L1:
\tretw.n
"""
    assert xtensa_short.shorten(assembly) == short


def test_values_have_one_literal_each():
    assembly = """\
\t.literal .LCPI0_0, 70000
\t.literal .LCPI1_0, text
\t.literal .LCPI2_0, 70000
\t.literal .LCPI3_0, 9
\tl32r\ta2, .LCPI0_0
\tl32r\ta3, .LCPI1_0
\tl32r\ta4, .LCPI2_0
"""
    short = """\
\t.literal .LCPI0_0, 70000
\t.literal .LCPI1_0, text
\tl32r\ta2, .LCPI0_0
\tl32r\ta3, .LCPI1_0
\tl32r\ta4, .LCPI0_0
"""
    assert xtensa_short.shorten(assembly) == short


def test_functions_share_their_ends():
    end = "\tmovi.n\ta2, 1\n\ts32i.n\ta2, a3, 0\n\tretw.n\n"
    first = "f:\n\tentry\ta1, 32\n" + end
    second = "g:\n\tentry\ta1, 64\n\tl32i.n\ta3, a1, 4\n" + end
    shared = "f:\n\tentry\ta1, 32\n.Lend0:\n" + end
    assert xtensa_short.shorten(first + second) == (
        shared + "g:\n\tentry\ta1, 64\n\tl32i.n\ta3, a1, 4\n\tj\t.Lend0\n"
    )
    # Where a copy has a label in it, it stays.
    labelled = second.replace("\tretw.n", ".L1:\n\tretw.n")
    assert xtensa_short.shorten(first + labelled) == first + labelled
    # What is in sections of its own may be left out by the linker.
    apart = '\t.section\t.text.g,"ax",@progbits\n'
    assert xtensa_short.shorten(first + apart + second) == first + apart + second


def test_code_that_only_a_jump_leads_to_follows_it():
    assembly = """\
\tentry\ta1, 32
\tbeq\ta2, a3, .L1
\taddi.n\ta2, a2, 1
\tj\t.L2
.L1:
\tsub\ta2, a2, a3
\tretw.n
.L2:
\tneg\ta2, a2
\tretw.n
"""
    short = """\
\tentry\ta1, 32
\tbeq\ta2, a3, .L1
\taddi.n\ta2, a2, 1
.L2:
\tneg\ta2, a2
\tretw.n
.L1:
\tsub\ta2, a2, a3
\tretw.n
"""
    assert xtensa_short.shorten(assembly) == short
    # Not beyond what the branch reaches.
    far = assembly.replace("\tneg\ta2, a2\n", "\ts32i\ta2, a3, 64\n" * 41)
    assert xtensa_short.shorten(far) == far


def test_relocations_are_those_that_the_linker_knows(tmp_path):
    if natmod.xtensa_llvm() is None:
        pytest.skip("no LLVM with the Xtensa back end")
    elffile = pytest.importorskip("elftools.elf.elffile")
    source = tmp_path / "two.c"
    # The second table is reached as the section's start plus an offset.
    source.write_text(
        "static const int a[4] = {1, 2, 3, 4}; static const int b[4] = {5, 6, 7, 8};"
        "const int *f(int which) { return which ? a : b; }"
    )
    output = tmp_path / "two.o"
    natmod.xtensa_llvm().compile(source, output, ["-O1"])
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
