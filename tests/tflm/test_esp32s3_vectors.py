# SPDX-License-Identifier: Apache-2.0
"""ESP32-S3's vector instructions are encoded as in LLVM's tables, and trap in the emulator."""

import itertools
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from workbench.build import compilers
from workbench.paths import BOARDS, MODULES
from workbench.runners import xtensa

OPS = MODULES / "tflm" / "core" / "ops"
TABLE = tomllib.loads(Path(__file__).with_name("esp32s3_vectors.toml").read_text())
FIELD = re.compile(r"(\w+)\[(\d+)(?::(\d+))?\]|([01]+)")
OFFSET_STEP = 16

# Tries one instruction after the other; gives the number of those that the core took for others.
TRIAL = """
#include "linux.h"
#include "port/lacking.h"

typedef struct {
    void (*handler)(int signal, void *information, context_t *context);
    uint32_t flags;
    void (*restorer)(void);
    uint32_t mask[2];
} action_t;
void linux_return_from_signal(void);
static uint32_t trapped;
static char memory[8192];

static void on_illegal(int signal, void *information, context_t *context) {
    (void)signal, (void)information;
    const uint8_t *at = (const uint8_t *)context->pc;
    trapped++;
    context->pc += (*at & 14) == 14 ? 4 : 3;
}

void run(void);
void run(void) {
    const action_t action = {on_illegal, 0x04000000, linux_return_from_signal, {0}};
    linux_call(LINUX_RT_SIGACTION, 4, (long)&action, 0, 8);
    __asm__ volatile("mov a8, %0\\n" INSTRUCTIONS : : "r"(memory + 4096)
                     : "a8", "a9", "a10", "a11", "a12", "a13", "memory");
    linux_exit(trapped == COUNT ? 0 : 1);
}
"""


@pytest.fixture(scope="module", autouse=True)
def _tools():
    if lacking := xtensa.missing():
        pytest.skip(lacking)


def parts(bits):
    """(operand, highest bit, lowest bit) or ("", bits, length), the highest first."""
    for operand, high, low, fixed in FIELD.findall(bits):
        yield (operand, int(high), int(low or high)) if operand else ("", int(fixed, 2), len(fixed))


def word(bits, values):
    """The instruction with these operands, and how many bytes it has."""
    whole, length = 0, 0
    for operand, high, low in parts(bits):
        size = high - low + 1 if operand else low
        part = values[operand] >> low & ((1 << size) - 1) if operand else high
        whole, length = whole << size | part, length + size
    return whole.to_bytes(length // 8, "little")


def operands(bits):
    """Returns the operands, each with the number of its values."""
    sizes = {}
    for operand, high, _ in parts(bits):
        if operand:
            sizes[operand] = max(sizes.get(operand, 0), high + 1)
    return sizes


def written(name, values):
    """Returns it as a kernel writes it, with the operands in the order of the header's macro."""
    text = (OPS / "esp32s3.h").read_text()
    found = re.search(rf"#define {name}(?:\(([^)]*)\))?[ \\]", text)
    names = [each.strip() for each in (found[1] or "").split(",") if each.strip()]
    if not names:
        return name
    given = {**values, "bytes": (values.get("imm16", 0) ^ 128) - 128}
    if name == "EE_VMULAS_S8_ACCX_LD_IP":
        given["bytes"] = (values["imm16"] ^ 32) - 32
    given["bytes"] *= OFFSET_STEP
    return f"{name}({', '.join(str(given[each]) for each in names)})"


def choices():
    """Yields every value of each operand, with some values of the others."""
    for name, entry in TABLE.items():
        sizes = operands(entry["bits"])
        others = {operand: (5 if size == 3 else 9) for operand, size in sizes.items()}
        for operand, size in sizes.items() or [("", 0)]:
            for value in range(1 << size) if operand else [0]:
                yield name, {**others, operand: value} if operand else {}


def assemble(tmp_path, instructions):
    source = tmp_path / "all.c"
    lines = "\n".join(f"    {each}" for each in instructions)
    source.write_text(f'#include "esp32s3.h"\n__asm__(".text\\n\\t"\n{lines});\n')
    compilers.xtensa_llvm().compile(source, tmp_path / "all.o", ["-I", str(OPS)])
    elffile = pytest.importorskip("elftools.elf.elffile")
    with (tmp_path / "all.o").open("rb") as file:
        return elffile.ELFFile(file).get_section_by_name(".text").data()


def test_the_macros_encode_what_llvms_tables_say(tmp_path):
    chosen = list(choices())
    code = assemble(tmp_path, [written(name, values) for name, values in chosen])
    for name, values in chosen:
        expected = word(TABLE[name]["bits"], values)
        assert code[: len(expected)] == expected, (name, values)
        code = code[len(expected) :]
    assert code == b""


@pytest.mark.parametrize("name", TABLE)
def test_the_tables_agree_with_llvms_assembler(name):
    line, encoded = TABLE[name]["example"]
    encoded = bytes.fromhex(encoded)
    numbers = [int(number) for number in re.findall(r"(?<![\w.])[qa]?(-?\d+)\b", line)]
    named = operands(TABLE[name]["bits"])
    for order in itertools.permutations(named):
        values = dict(zip(order, numbers, strict=False))
        if name == "EE_RUR":
            values = {"ar": 8, "number": 7}
        if "imm16" in values:
            values["imm16"] //= OFFSET_STEP
        if word(TABLE[name]["bits"], values) == encoded:
            return
    raise AssertionError(f"no order of the operands of '{line}' gives {encoded.hex()}")


def test_no_kernel_writes_another_one():
    defined = set(re.findall(r"#define (EE_[A-Z]\w*_\w+)", (OPS / "esp32s3.h").read_text()))
    kernels = "".join(path.read_text() for path in OPS.glob("esp32s3*.c"))
    used = set(re.findall(r"\bEE_[A-Z]\w+", kernels))
    assert {name for name in used if name in defined} <= {
        *TABLE,
        *("EE_ACCX_0", "EE_QACC_H", "EE_QACC_L", "EE_RSR_CONFIGID0"),
    }


def test_each_traps_on_the_emulated_core(tmp_path):
    """Otherwise the core would do something else, and vectors.c would not be run."""
    chosen = [(name, values) for name, values in choices() if name != "EE_RUR"]
    chosen += [("EE_RUR", {"ar": 9, "number": number}) for number in (0, *range(2, 12))]
    text = "".join(
        f".byte {','.join(map(str, word(TABLE[name]['bits'], values)))}\\n"
        for name, values in chosen
    )
    source = tmp_path / "trial.c"
    source.write_text(f'#define INSTRUCTIONS "{text}"\n#define COUNT {len(chosen)}\n{TRIAL}')
    compiler = xtensa.compiler()
    objects = [tmp_path / "trial.o"]
    flags = ["-std=c99", "-O1", f"-I{BOARDS / 'xtensa'}", "-Wno-unused-value"]
    compiler.compile(source, objects[0], flags)
    for support in ("start.s", "port/windows.s"):
        objects.append(tmp_path / f"{Path(support).stem}.o")
        compilers.assemble(compiler, BOARDS / "xtensa" / support, objects[-1])
    program = tmp_path / "trial"
    script = BOARDS / "xtensa" / "link.ld"
    compilers.run([xtensa.LINKER, "--no-relax", "-T", script, "-o", program, *objects], "no link")
    done = subprocess.run([*xtensa.EMULATOR, program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
