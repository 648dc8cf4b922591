# SPDX-License-Identifier: Apache-2.0
"""The recipe of our ESP32-S3 image, as far as it can be checked without ESP-IDF."""

import csv
import itertools
import re
import shutil
import subprocess

import esp32s3_frozen
import pytest
from workbench.build import natmod, sources
from workbench.build.micropython import modules
from workbench.paths import BOARDS, FIRMWARE, MODULES
from workbench.runners import xtensa

IMAGE = BOARDS / "esp32s3" / "image"
RECEIVER = IMAGE / "pdm" / "modpdm.c"
FLASH_BYTES = 8 << 20


@pytest.fixture(scope="module")
def partitions():
    lines = [line for line in (IMAGE / "partitions.csv").read_text().splitlines() if line[0] != "#"]
    return [
        (name, kind, subtype, int(offset, 16), int(size, 16))
        for name, kind, subtype, offset, size in csv.reader(lines, skipinitialspace=True)
    ]


def test_partitions_fill_the_flash_without_overlap(partitions):
    end = 0x9000  # after bootloader and partition table
    for _, kind, _, offset, size in partitions:
        assert offset == end
        assert size % 0x1000 == 0
        assert offset % (0x10000 if kind == "app" else 0x1000) == 0
        end = offset + size
    assert end == FLASH_BYTES


def test_there_are_two_slots_of_one_size_and_a_file_system(partitions):
    by_name = {name: (subtype, size) for name, _, subtype, _, size in partitions}
    assert by_name["romfs"] == by_name["slot1"]
    assert "vfs" in by_name  # by which MicroPython's boot finds it


def test_the_settings_files_are_there():
    text = (IMAGE / "mpconfigboard.cmake").read_text()
    port = sources.micropython() / "ports" / "esp32"
    for name in re.findall(r"^    (boards/\S+)$", text, re.M):
        assert (port / name).exists(), name
    for name in re.findall(r"\$\{MICROPY_BOARD_DIR\}/([\w.]+)", text):
        assert (IMAGE / name).exists(), name


def test_every_module_is_in_the_image():
    text = (MODULES / "micropython.cmake").read_text()
    named = re.search(r"foreach\(module (.*)\)", text)
    assert named
    assert named[1].split() == modules()
    included = (IMAGE / "modules.cmake").read_text()
    path = re.search(r"include\(\$\{CMAKE_CURRENT_LIST_DIR\}/(\S+micropython.cmake)\)", included)
    assert path
    assert (IMAGE / path[1]).resolve() == MODULES / "micropython.cmake"


def test_the_application_is_frozen_whole(tmp_path):
    text = (IMAGE / "mpconfigboard.cmake").read_text()
    assert "set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)" in text
    compiled, content = esp32s3_frozen.freeze(tmp_path / "build")
    there = {path.relative_to(compiled).as_posix() for path in compiled.glob("**/*.mpy")}
    package = {
        path.relative_to(FIRMWARE).with_suffix(".mpy").as_posix()
        for path in (FIRMWARE / "glasses").glob("**/*.py")
    }
    # And what MicroPython's port mounts the flash with.
    assert {"board.mpy", "main.mpy", "asyncio/core.mpy", "_boot.mpy", "inisetup.mpy"} <= there
    assert package <= there
    for name in there:
        assert f'"{name[:-4]}.py\\0"' in content


PROJECT = """
cmake_minimum_required(VERSION 3.13)
project(check C)
set(MICROPY_BOARD_DIR "{image}")
include("{image}/mpconfigboard.cmake")
add_library(usermod INTERFACE)
include("{image}/modules.cmake")
get_target_property(linked usermod INTERFACE_LINK_LIBRARIES)
file(WRITE "{folder}/linked" "${{linked}}|${{IDF_TARGET}}|")
foreach(library ${{linked}})
    get_target_property(sources ${{library}} INTERFACE_SOURCES)
    file(APPEND "{folder}/linked" "${{sources}};")
endforeach()
"""


def test_cmake_reads_the_recipe(tmp_path):
    if shutil.which("cmake") is None:
        pytest.skip("no cmake")
    (tmp_path / "CMakeLists.txt").write_text(PROJECT.format(image=IMAGE, folder=tmp_path))
    command = ["cmake", "-S", tmp_path, "-B", tmp_path / "build"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    linked, target, listed = (tmp_path / "linked").read_text().split("|")
    assert linked.split(";") == [*(f"usermod_{name}" for name in modules()), "usermod_pdm"]
    assert target == "esp32s3"
    for name in modules():
        assert str(MODULES / name / f"mod{name}.c") in listed.split(";")
    assert str(RECEIVER) in listed.split(";")
    settings = (tmp_path / "build" / "sdkconfig.glint").read_text()
    assert f'"{IMAGE}/partitions.csv"' in settings


CONFIG = """
#include <stdint.h>
#define MICROPY_ALLOC_PATH_MAX (128)
#define MICROPY_ENABLE_GC (1)
#define MICROPY_ENABLE_SCHEDULER (1)
#define MICROPY_PY_IO (0)
typedef intptr_t mp_int_t;
typedef uintptr_t mp_uint_t;
typedef long mp_off_t;
struct _pdm_obj_t;
#define MP_STATE_PORT MP_STATE_VM
"""
ROOT_POINTER = "struct _pdm_obj_t *glint_pdm;"


def test_the_pdm_receiver_compiles(tmp_path):
    """Against declarations of what it uses of ESP-IDF, for Xtensa where LLVM is."""
    code = RECEIVER.read_text()
    genhdr = tmp_path / "genhdr"
    genhdr.mkdir()
    names = sorted({*re.findall(r"MP_QSTR_(\w+)", code), ""})
    (genhdr / "qstrdefs.generated.h").write_text(
        "".join(f'QDEF0(MP_QSTR_{name or "NULL"}, 0, 0, "{name}")\n' for name in names)
    )
    for name in ("moduledefs.h", "mpversion.h", "compressed.data.h"):
        (genhdr / name).write_text("")
    (genhdr / "root_pointers.h").write_text(f"{ROOT_POINTER}\n")
    (tmp_path / "mpconfigport.h").write_text(CONFIG)
    (tmp_path / "mphalport.h").write_text("")
    assert f"MP_REGISTER_ROOT_POINTER({ROOT_POINTER[:-1]});" in code
    folders = [tmp_path, BOARDS.parent / "tests" / "esp32s3" / "include"]
    flags = ["-std=gnu99", "-fsyntax-only", *natmod.WARNINGS]
    flags += [*itertools.chain(*(("-I", str(folder)) for folder in folders))]
    compiler = natmod.xtensa_llvm() if not xtensa.missing() else None
    command = list(compiler.command) if compiler else ["gcc"]
    command += [*flags, "-isystem", str(sources.micropython()), str(RECEIVER)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
