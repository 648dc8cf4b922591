# SPDX-License-Identifier: Apache-2.0
"""Tests the modules as native .mpy files: they build for every architecture; x64's run here."""

import ctypes
import functools
import json
import re
import shutil
import subprocess

import micdsp_cases
import numpy as np
import pytest
import tflm_oracle
from board_scripts import SCRIPTS
from workbench.build import compilers, micropython, natmod, zoo
from workbench.host import micdsp, tflm
from workbench.paths import BUILD, ROOT

# Bounds above today's sizes: for ESP32-S3 of code only, which needs one block of executable RAM
# there; elsewhere of code and constants. tflm has every operator and type here.
CODE_BYTES = {
    ("micdsp", "x64"): 21500,
    ("micdsp", "armv7emsp"): 17700,
    ("micdsp", "rv32imc"): 20700,
    ("micdsp", "xtensawin"): 9600,
    ("tflm", "x64"): 87500,
    ("tflm", "armv7emsp"): 66000,
    ("tflm", "rv32imc"): 87500,
    ("tflm", "xtensawin"): 62000,
}
WAKE_WORDS = ("okay_nabu", "hey_jarvis", "alexa", "hey_mycroft")
# The most executable RAM of an ESP32-S3 for every int8 operator, and for the wake words' operators;
# with the kernels for the vector unit, and with those for MAC16. 22,528 bytes are wanted for the
# wake words; both kinds of kernels take more since tensors share memory and biases are folded.
INT8_XTENSA_BYTES = 43_008, 43_008
WAKE_WORDS_XTENSA_BYTES = 25_088, 23_552


@functools.cache
def built(module, arch, *, defines=(), tag=""):
    try:
        compilers.find_compiler(arch)
    except compilers.CompilerError as error:
        pytest.skip(str(error))
    return natmod.build(module, arch, say=print, defines=defines, tag=tag)


def run_native(module, script, *arguments, folder, stdin):
    """Runs a script with the x64 .mpy on a linux image that has no modules."""
    shutil.copyfile(built(module, "x64"), folder / f"{module}.mpy")
    program = micropython.ensure("linux", bare=True)
    command = [program, SCRIPTS / f"{script}.py", *arguments]
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        check=False,
        timeout=120,
        env={"MICROPYPATH": f"{folder}:.frozen"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_image_without_modules_has_none():
    command = [micropython.ensure("linux", bare=True), "-c", "import micdsp"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={})
    assert done.returncode == 1
    assert "no module named 'micdsp'" in done.stderr


def test_micdsp_computes_what_its_core_computes(tmp_path):
    samples = np.concatenate([micdsp_cases.samples(name) for name in ("bursts", "random")])
    said = json.loads(
        run_native("micdsp", "micdsp_check", "100", folder=tmp_path, stdin=samples.tobytes())
    )
    features = micdsp.Frontend().process(samples)
    assert bytes.fromhex(said["features"]) == features.tobytes()
    encoder = micdsp.AdpcmEncoder()
    assert bytes.fromhex(said["adpcm"]) == encoder.encode(samples)
    assert said["state"] == [encoder.predictor, encoder.index]
    assert said["levels"] == [[micdsp.rms(samples), micdsp.peak(samples)], [0, 0]]
    assert said["allocated_bytes"] == 0
    assert said["refusals"].count("nothing") == 0


def test_tflm_computes_what_its_core_computes(tmp_path):
    said = json.loads(
        run_native("tflm", "tflm_check", str(zoo.find("okay_nabu")), folder=tmp_path, stdin=b"")
    )
    host = tflm.Model(tflm_oracle.load("okay_nabu"))
    assert said["ops"] == tflm.supported()
    assert said["arena_size"] == host.arena_bytes
    assert said["allocated"] == [0] * 5
    assert said["same"]
    assert said["refusals"]["arena"][0] == "MemoryError"


@pytest.mark.parametrize(("module", "arch"), CODE_BYTES)
def test_a_module_builds_and_stays_small(module, arch):
    product = built(module, arch)
    content = product.read_bytes()
    assert content[:2] == b"M\x06"  # .mpy version 6
    # The bytes must be the same in every checkout, or each would send them to a board anew.
    assert str(ROOT).encode() not in content
    assert content.index(f"{module}.mpy".encode()) < 8
    assert natmod.size(product).text <= CODE_BYTES[module, arch]


def test_a_second_build_gives_the_same_bytes(tmp_path, monkeypatch):
    first = built("micdsp", "x64").read_bytes()
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setattr(natmod, "BUILD", tmp_path)
    assert natmod.build("micdsp", "x64", say=print).read_bytes() == first


def test_int8_alone_takes_less():
    defines = tuple(f"TFLM_WITHOUT_{name}" for name in natmod.OPTIONAL_TYPES)
    mac16 = (*defines, natmod.WITHOUT_VECTORS)
    both = natmod.size(built("tflm", "xtensawin", defines=defines, tag="-int8")).text
    alone = natmod.size(built("tflm", "xtensawin", defines=mac16, tag="-int8-mac16")).text
    assert both <= INT8_XTENSA_BYTES[0]
    assert alone <= INT8_XTENSA_BYTES[1]


def test_models_choose_the_operators():
    left_out = natmod.without(WAKE_WORDS, None)
    assert "TFLM_WITHOUT_SOFTMAX" in left_out
    assert "TFLM_WITHOUT_CONV_2D" not in left_out
    everything = natmod.size(built("tflm", "xtensawin")).text
    chosen = natmod.size(built("tflm", "xtensawin", defines=tuple(left_out), tag="-models")).text
    assert chosen < everything
    assert chosen <= WAKE_WORDS_XTENSA_BYTES[0]
    mac16 = (*left_out, natmod.WITHOUT_VECTORS)
    alone = natmod.size(built("tflm", "xtensawin", defines=mac16, tag="-models-mac16")).text
    assert alone <= WAKE_WORDS_XTENSA_BYTES[1]


def test_loops_begin_where_the_core_wants_it():
    """GNU's assembler ensures that a loop's first instruction lies within one aligned word."""
    if compilers.xtensa_llvm() is None:
        pytest.skip("no LLVM with the Xtensa back end")
    elffile = pytest.importorskip("elftools.elf.elffile")
    with (built("tflm", "xtensawin").parent / "tflm" / "tflm.o").open("rb") as file:
        code = elffile.ELFFile(file).get_section_by_name(".text").data()
    # LOOP (its operands are its second byte's lower half, and the distance), then one of MAC16's.
    loops = [found.start() for found in re.finditer(rb"(?s)\x76[\x80-\x8f].", code)]
    loops = [start for start in loops if code[start + 3] & 15 == 4]
    assert loops
    assert all((start + 3) % 4 in (0, 1) for start in loops)


def test_a_missing_compiler_is_named(monkeypatch):
    monkeypatch.setattr(compilers.shutil, "which", lambda name: None)
    with pytest.raises(compilers.CompilerError, match="apt-get install gcc-arm-none-eabi"):
        compilers.find_compiler("armv7emsp")


@pytest.fixture(scope="module")
def soft():
    """Our arithmetic for Xtensa, compiled for this machine under other names."""
    library = BUILD / "host" / "runtime.so"
    library.parent.mkdir(parents=True, exist_ok=True)
    flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    flags += ["-Wno-builtin-declaration-mismatch", "-o", str(library)]
    flags += [f"-D__{name}=soft_{name}" for name in SIGNATURES]
    subprocess.run(["cc", *flags, *natmod.LLVM_RUNTIME], check=True)
    loaded = ctypes.CDLL(str(library))
    for name, (result, *arguments) in SIGNATURES.items():
        function = getattr(loaded, f"soft_{name}")
        function.restype, function.argtypes = result, arguments
    return lambda name: getattr(loaded, f"soft_{name}")


f32, i64 = ctypes.c_float, ctypes.c_int64
SIGNATURES = {
    "divsf3": (f32, f32, f32),
    "udivdi3": (ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64),
    "divdi3": (i64, i64, i64),
}


def same(ours, expected, kind):
    ours, expected = np.array(ours, kind), np.asarray(expected, kind)
    bits = kind.replace("f", "u")
    return ((ours.view(bits) == expected.view(bits)) | (np.isnan(ours) & np.isnan(expected))).all()


def test_our_float_division_is_ieee_754(soft):
    special = [0, 1, 0x7FFFFF, 0x800000, 0x3F7FFFFF, 0x3F800000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000]
    special += [bits | 1 << 31 for bits in special]
    random = np.random.default_rng(3).integers(0, 1 << 32, 60000, dtype=np.uint64)
    random[40000:] &= 0x80FFFFFF  # small exponents: results that are subnormal
    dividends = np.concatenate([random[::2], np.repeat(special, len(special))])
    divisors = np.concatenate([random[1::2], np.tile(special, len(special))])
    a, b = (bits.astype(np.uint32).view(np.float32) for bits in (dividends, divisors))
    function = soft("divsf3")
    ours = [function(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    with np.errstate(all="ignore"):
        assert same(ours, a / b, "<f4")


def test_our_64_bit_division_is_exact(soft):
    random = np.random.default_rng(8).integers(1, 1 << 63, (2000, 2)).tolist()
    random += [[1 << 63, 3], [(1 << 64) - 1, 1], [(1 << 64) - 1, 1 << 63], [5, 7], [0, 9]]
    for shift in (0, 20, 40, 60):
        for left, right in random:
            divisor = max(right >> shift, 1)
            assert soft("udivdi3")(left, divisor) == left // divisor
            if left < 1 << 63 and divisor < 1 << 63:
                assert soft("divdi3")(-left, divisor) == -(left // divisor)
