# SPDX-License-Identifier: Apache-2.0
"""Compiles the PDM receiver of our ESP32-S3 image against headers, without building the image.

`python -m workbench.build.receiver IDF` uses ESP-IDF's own headers, from the folder IDF, and
MicroPython's. It checks that the functions and fields that the receiver uses exist, with the right
types.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from workbench.build import compilers, sources
from workbench.errors import WorkbenchError
from workbench.paths import BOARDS
from workbench.system import steps

IDF_COMPILER = "xtensa-esp32s3-elf-gcc"
RECEIVER = BOARDS / "esp32s3" / "image" / "pdm" / "modpdm.c"
# Include paths of ESP-IDF's build that the receiver needs; not every version has each.
IDF_INCLUDES = (
    "driver/i2s/include",
    "esp_driver_i2s/include",
    "driver/gpio/include",
    "esp_driver_gpio/include",
    "esp_common/include",
    "esp_rom/include",
    "esp_hw_support/include",
    "esp_system/include",
    "hal/include",
    "hal/esp32s3/include",
    "hal/platform_port/include",
    "soc/include",
    "soc/esp32s3",
    "soc/esp32s3/include",
    "soc/esp32s3/register",
)
# Those options of ESP-IDF's configuration that its headers need.
SDKCONFIG = """
#define CONFIG_IDF_TARGET_ESP32S3 1
#define CONFIG_IDF_TARGET "esp32s3"
#define CONFIG_I2S_ISR_IRAM_SAFE 1
"""
# The headers that MicroPython's build generates from the module.
CONFIG = """
#include <stdint.h>
#define MICROPY_ALLOC_PATH_MAX (128)
#define MICROPY_ENABLE_GC (1)
#define MICROPY_ENABLE_FINALISER (1)
#define MICROPY_ENABLE_SCHEDULER (1)
#define MICROPY_PY_IO (0)
typedef intptr_t mp_int_t;
typedef uintptr_t mp_uint_t;
typedef long mp_off_t;
struct _pdm_obj_t;
#define MP_STATE_PORT MP_STATE_VM
"""


def _generate(folder: Path) -> None:
    """Writes what MicroPython's build generates from the receiver's source."""
    code = RECEIVER.read_text()
    genhdr = folder / "genhdr"
    genhdr.mkdir()
    names = sorted({*re.findall(r"MP_QSTR_(\w+)", code), ""})
    qstrs = (f'QDEF0(MP_QSTR_{name or "NULL"}, 0, 0, "{name}")\n' for name in names)
    (genhdr / "qstrdefs.generated.h").write_text("".join(qstrs))
    for name in ("moduledefs.h", "mpversion.h", "compressed.data.h"):
        (genhdr / name).write_text("")
    pointers = re.findall(r"^MP_REGISTER_ROOT_POINTER\((.*)\);$", code, re.M)
    (genhdr / "root_pointers.h").write_text("".join(f"{pointer};\n" for pointer in pointers))
    (folder / "mpconfigport.h").write_text(CONFIG)
    (folder / "mphalport.h").write_text("")
    (folder / "sdkconfig.h").write_text(SDKCONFIG)


def compile_against(headers: Sequence[Path], defines: Sequence[str] = ()) -> None:
    """Compiles the receiver, for Xtensa where there is a compiler for it, without warnings.

    Args:
        headers: Folders with the ESP-IDF headers that it includes.
        defines: Macros for the compiler, NAME or NAME=VALUE.

    Raises:
        compilers.CompilerError: It did not compile; the message holds what the compiler printed.
        WorkbenchError: MicroPython's source cannot be obtained.
    """
    # Where ESP-IDF is installed, so is its compiler; any that accepts its headers will do.
    compiler = None if shutil.which(IDF_COMPILER) else compilers.xtensa_llvm()
    command: list[str | Path] = list(compiler.command) if compiler else ["gcc"]
    if shutil.which(IDF_COMPILER):
        command = [IDF_COMPILER]
    with tempfile.TemporaryDirectory(prefix="glint-receiver-") as name:
        folder = Path(name)
        _generate(folder)
        command += ["-std=gnu17", "-fsyntax-only", *compilers.WARNINGS]
        command += [f"-D{define}" for define in defines]
        command += ["-I", folder]
        for path in [*headers, sources.micropython()]:
            command += ["-isystem", path]
        compilers.run([*command, RECEIVER], f"{RECEIVER.name} did not compile")


def idf_headers(idf: Path) -> list[Path]:
    """Returns the folders of an ESP-IDF with the headers that the receiver includes.

    Raises:
        WorkbenchError: The folder is not an ESP-IDF.
    """
    found = [idf / "components" / path for path in IDF_INCLUDES]
    found = [path for path in found if path.is_dir()]
    if not any((path / "driver" / "i2s_pdm.h").exists() for path in found):
        raise WorkbenchError(f"{idf} is no ESP-IDF: it has no driver/i2s_pdm.h")
    return found


def main(arguments: list[str]) -> int:
    """Runs the check; the exit status is 1 when the receiver does not compile."""
    parser = argparse.ArgumentParser(prog="python -m workbench.build.receiver")
    parser.add_argument("idf", type=Path, help="folder of ESP-IDF, as IDF_PATH names it")
    options = parser.parse_args(arguments)
    try:
        with steps():
            compile_against(idf_headers(options.idf))
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{RECEIVER.name} compiles against {options.idf}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
