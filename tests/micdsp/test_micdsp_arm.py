# SPDX-License-Identifier: Apache-2.0
"""Compares micdsp's kernels for Cortex-M4 (DSP) and M55 (Helium), in QEMU, with the host's."""

import re
import shutil
import subprocess
from pathlib import Path

import micdsp_cases
import numpy as np
import pytest
from workbench.host import micdsp
from workbench.paths import MODULES

CORE = MODULES / "micdsp" / "core"
HARNESS = Path(__file__).with_name("micdsp_arm.c")
COMPILER, QEMU = "arm-none-eabi-gcc", "qemu-system-arm"
FLAGS = ["-mthumb", "-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-nostartfiles"]
LINKER = ["-Wl,--section-start=.vectors=0,-Ttext=0x100,-Tdata=0x20000000,-e0x100"]
# Machine, flags, instructions per SysTick count (one takes a nanosecond under -icount shift=0), and
# the most instructions per hop: a sixth more than GCC 12 needs.
BOARDS = {
    "cortex-m4": (
        "mps2-an386",
        ["-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"],
        1000 / 25,
        36000,
    ),
    "cortex-m4 portable": (
        "mps2-an386",
        ["-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard", "-DMICDSP_PORTABLE"],
        1000 / 25,
        48000,
    ),
    "cortex-m55": (
        "mps3-an547",
        ["-mcpu=cortex-m55", "-mfloat-abi=hard"],
        1000 / 32,
        15500,
    ),
}
CASES = ("speech", "bursts", "impulses", "random", "negative full scale", "crafted 32.3")

pytestmark = pytest.mark.skipif(
    not (shutil.which(COMPILER) and shutil.which(QEMU)), reason=f"no {COMPILER} or no {QEMU}"
)


@pytest.fixture(scope="module")
def samples():
    return np.concatenate([micdsp_cases.samples(name)[:8000] for name in CASES])


@pytest.mark.parametrize("board", BOARDS)
def test_features_equal_the_host_core(board, samples, tmp_path):
    machine, flags, instructions_a_tick, limit = BOARDS[board]
    numbers = ",".join(map(str, samples))
    (tmp_path / "samples.c").write_text(
        "#include <stdint.h>\n"
        f"const uint32_t sample_count = {len(samples)};\nconst int16_t samples[] = {{{numbers}}};\n"
    )
    program = tmp_path / "micdsp.elf"
    sources = [HARNESS, tmp_path / "samples.c", *sorted(CORE.glob("*.c"))]
    subprocess.run(
        [COMPILER, *FLAGS, *flags, *LINKER, "-I", CORE, "-o", program, *sources], check=True
    )
    command = [QEMU, "-M", machine, "-display", "none", "-serial", "none", "-monitor", "none"]
    done = subprocess.run(
        [*command, "-semihosting", "-icount", "shift=0", "-kernel", program],
        capture_output=True,
        text=True,
        timeout=60,
    )
    *frames, ticks = re.findall("[0-9a-f]+", done.stdout + done.stderr)
    got = np.array([[int(frame[i : i + 4], 16) for i in range(0, 160, 4)] for frame in frames])
    np.testing.assert_array_equal(got, micdsp.Frontend().process(samples))
    instructions = int(ticks, 16) * instructions_a_tick / len(frames)
    print(f"{board}: {instructions:.0f} instructions a hop")
    assert instructions < limit
