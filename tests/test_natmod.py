# SPDX-License-Identifier: Apache-2.0
"""The modules as native .mpy files: they build for every architecture, and x64's runs here."""

import ctypes
import json
import shutil
import struct
import subprocess

import micdsp_cases
import numpy as np
import pytest
from workbench import build, micdsp, natmod, xtensa_asm
from workbench.paths import BUILD, FIRMWARE, MODULES

# Bounds with a little room above what each takes today. For ESP32-S3 they are of code only, which
# needs one block of executable RAM there; elsewhere of code and constants.
MICDSP_CODE_BYTES = {"x64": 18000, "armv7emsp": 16000, "rv32imc": 18000, "xtensawin": 9000}

# Puts a native module in the place of the built-in one, then runs a script.
REPLACE = """
import sys
sys.modules[{name!r}] = __import__({renamed!r})
exec(open({script!r}).read())
"""


def built(module, arch, **options):
    try:
        natmod.find_compiler(arch)
    except natmod.NatmodError as error:
        pytest.skip(str(error))
    return natmod.build(module, arch, say=lambda line: None, **options)


def run_in_place(module, script, *arguments, folder, stdin):
    """Runs firmware/checks/SCRIPT on the linux board with the x64 .mpy as the module."""
    renamed = f"native_{module}"
    shutil.copyfile(built(module, "x64"), folder / f"{renamed}.mpy")
    wrapper = folder / "wrapper.py"
    path = str(FIRMWARE / "checks" / f"{script}.py")
    wrapper.write_text(REPLACE.format(name=module, renamed=renamed, script=path))
    command = [build.ensure("linux"), wrapper, *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_micdsp_computes_what_its_core_computes(tmp_path):
    samples = np.concatenate([micdsp_cases.samples(name) for name in ("bursts", "random")])
    said = json.loads(
        run_in_place("micdsp", "micdsp_check", "100", folder=tmp_path, stdin=samples.tobytes())
    )
    features = micdsp.Frontend().process(samples)
    assert bytes.fromhex(said["features"]) == features.tobytes()
    encoder = micdsp.AdpcmEncoder()
    assert bytes.fromhex(said["adpcm"]) == encoder.encode(samples)
    assert said["state"] == [encoder.predictor, encoder.index]
    assert said["levels"] == [[micdsp.rms(samples), micdsp.peak(samples)], [0, 0]]
    assert said["allocated_bytes"] == 0
    assert said["refusals"].count("nothing") == 0


@pytest.mark.parametrize("arch", natmod.ARCHS)
def test_micdsp_builds_and_stays_small(arch):
    product = built("micdsp", arch)
    assert product.read_bytes()[:2] == b"M\x06"  # .mpy version 6
    assert natmod.size(product).text <= MICDSP_CODE_BYTES[arch]


def test_a_missing_compiler_is_named(monkeypatch):
    monkeypatch.setattr(natmod.shutil, "which", lambda name: None)
    with pytest.raises(natmod.NatmodError, match="apt-get install gcc-arm-none-eabi"):
        natmod.find_compiler("armv7emsp")


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


def test_addends_move_into_the_section(tmp_path):
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


def divsf3():
    """Our division for Xtensa, compiled for this machine under another name."""
    library = BUILD / "host" / "divsf3.so"
    library.parent.mkdir(parents=True, exist_ok=True)
    flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    flags += ["-D__divsf3=glint_divsf3", "-o", str(library)]
    subprocess.run(["cc", *flags, MODULES / "native" / "divsf3.c"], check=True)
    function = ctypes.CDLL(str(library)).glint_divsf3
    function.restype, function.argtypes = ctypes.c_float, [ctypes.c_float] * 2
    return function


def test_our_float_division_is_ieee_754():
    special = [0, 1, 0x7FFFFF, 0x800000, 0x3F7FFFFF, 0x3F800000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000]
    special += [bits | 1 << 31 for bits in special]
    random = np.random.default_rng(3).integers(0, 1 << 32, 60000, dtype=np.uint64)
    random[40000:] &= 0x80FFFFFF  # small exponents: results that are subnormal
    dividends = np.concatenate([random[::2], np.repeat(special, len(special))])
    divisors = np.concatenate([random[1::2], np.tile(special, len(special))])
    a, b = (bits.astype(np.uint32).view(np.float32) for bits in (dividends, divisors))
    function = divsf3()
    ours = np.array([function(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)], "<f4")
    with np.errstate(all="ignore"):
        expected = a / b
    same = ours.view("<u4") == expected.view("<u4")
    assert (same | (np.isnan(ours) & np.isnan(expected))).all()
