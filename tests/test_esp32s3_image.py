# SPDX-License-Identifier: Apache-2.0
"""The recipe of our ESP32-S3 image, as far as it can be checked without ESP-IDF."""

import csv
import re
import shutil
import subprocess

import pytest
from workbench import sources
from workbench.build import modules
from workbench.paths import BOARDS, MODULES, ROOT

IMAGE = BOARDS / "esp32s3" / "image"
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


def test_the_job_names_files_that_are_there():
    text = (ROOT / ".github" / "workflows" / "esp32s3-image.yml").read_text()
    for path in re.findall(r"\$PWD/(boards/[\w/.]+)", text):
        assert (ROOT / path).exists(), path
    assert sources.GIT_TAG in text


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
    assert linked.split(";") == [f"usermod_{name}" for name in modules()]
    assert target == "esp32s3"
    for name in modules():
        assert str(MODULES / name / f"mod{name}.c") in listed.split(";")
    settings = (tmp_path / "build" / "sdkconfig.glint").read_text()
    assert f'"{IMAGE}/partitions.csv"' in settings
