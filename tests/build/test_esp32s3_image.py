# SPDX-License-Identifier: Apache-2.0
"""Checks the recipe of our ESP32-S3 image, as far as that is possible without ESP-IDF."""

import csv
import re
import shutil
import subprocess

import esp32s3_frozen
import pytest
from workbench.build import compilers, receiver, sources
from workbench.build.micropython import modules
from workbench.paths import BOARDS, FIRMWARE, MODULES, ROOT

IMAGE = BOARDS / "esp32s3" / "image"
STUBS = ROOT / "tests" / "device" / "esp32s3"
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


def test_the_settings_are_esp_idfs_own():
    """ESP-IDF's own parser reads them: names, types, ranges and mutual exclusions."""
    kconfig = pytest.importorskip("esp_kconfiglib")
    options = kconfig.Kconfig(str(STUBS / "Kconfig"))
    text = (IMAGE / "sdkconfig.board").read_text()
    settings = dict(re.findall(r"^CONFIG_(\w+)=(.*)$", text, re.M))
    assert settings["I2S_ISR_IRAM_SAFE"] == settings["GDMA_ISR_IRAM_SAFE"] == "y"
    options.load_config(str(IMAGE / "sdkconfig.board"), replace=False)
    assert options.missing_syms == []
    for name, value in settings.items():
        assert options.syms[name].str_value == (value.strip('"') or "n"), name


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
    assert {
        "board.mpy",
        "s3.mpy",
        "main.mpy",
        "asyncio/core.mpy",
        "_boot.mpy",
        "inisetup.mpy",
    } <= there
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
    assert str(receiver.RECEIVER) in listed.split(";")
    settings = (tmp_path / "build" / "sdkconfig.glint").read_text()
    assert f'"{IMAGE}/partitions.csv"' in settings


HEADERS = STUBS / "include"


@pytest.mark.parametrize("idf", [50202, 50402, 50500])
def test_the_pdm_receiver_compiles(idf):
    """It compiles with the declarations of each ESP-IDF; the CI job uses the real headers."""
    receiver.compile_against([HEADERS], [f"IDF={idf}"])


def test_the_receiver_is_not_taken_for_another_esp_idf(tmp_path, monkeypatch):
    code = receiver.RECEIVER.read_text().replace("RX_SLOT_DEFAULT", "RX_SLOT_PCM_FMT_DEFAULT")
    newer = tmp_path / "modpdm.c"
    newer.write_text(code)
    monkeypatch.setattr(receiver, "RECEIVER", newer)
    receiver.compile_against([HEADERS], ["IDF=50500"])
    with pytest.raises(compilers.CompilerError, match="I2S_PDM_RX_SLOT_PCM_FMT_DEFAULT_CONFIG"):
        receiver.compile_against([HEADERS], ["IDF=50202"])
