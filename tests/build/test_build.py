# SPDX-License-Identifier: Apache-2.0
"""Tests building images: what counts as changed, messages of errors, and the linux image."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from workbench import system
from workbench.build import micropython
from workbench.paths import ROOT


def test_unknown_board_names_the_known_ones():
    with pytest.raises(micropython.BuildError, match=r"no board 'lnux'; there are: .*linux"):
        micropython.load_board("lnux")


def test_every_board_description_is_readable():
    for path in (ROOT / "boards").glob("*/board.toml"):
        if "[build]" in path.read_text():
            assert micropython.load_board(path.parent.name).program


BEFORE = {"m/a.c": "1", "m/a.h": "1", "m/micropython.mk": "1", "b/manifest.py": "1", "tree": "/t"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, False),
        ({"m/a.c": "2"}, False),
        ({"m/a.h": "2"}, False),
        ({"b/manifest.py": "2"}, False),
        ({"b/board.py": "1"}, False),
        ({"m/b.c": "1"}, True),
        ({"m/micropython.mk": "2"}, True),
        ({"tree": "/other"}, True),
    ],
)
def test_what_make_cannot_see_starts_over(change, expected):
    assert micropython.must_start_over(BEFORE, BEFORE | change) is expected


def test_a_file_that_went_starts_over():
    assert micropython.must_start_over(BEFORE, {k: v for k, v in BEFORE.items() if k != "m/a.c"})


def test_digests_see_content_and_leave_out_other_files(tmp_path):
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "a.c").write_text("int a;")
    (tmp_path / "README.md").write_text("words")
    before = micropython.input_digests([tmp_path])
    assert len(before) == 1
    (tmp_path / "README.md").write_text("other words")
    assert micropython.input_digests([tmp_path]) == before
    stat = (tmp_path / "core" / "a.c").stat()
    (tmp_path / "core" / "a.c").write_text("int b;")
    os.utime(tmp_path / "core" / "a.c", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert micropython.input_digests([tmp_path]) != before


def test_relevant_lines_are_the_compilers():
    log = "\n".join(
        ["CC a.c"] * 40
        + [
            "m/a.c:3:5: error: 'x' undeclared (first use in this function)",
            "    3 |     x = 1;",
            "make: *** [Makefile:9: a.o] Error 1",
        ]
    )
    assert micropython.relevant_lines(log) == [
        "m/a.c:3:5: error: 'x' undeclared (first use in this function)",
        "make: *** [Makefile:9: a.o] Error 1",
    ]


@pytest.fixture(scope="module")
def image():
    return micropython.ensure("linux")


def run(image, script):
    command = [str(image), "-c", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout


def test_the_image_has_what_the_firmware_needs(image):
    out = run(
        image,
        "import asyncio, select, socket, _thread, vfs, os, json, struct, binascii, hashlib, sys\n"
        "import micropython, gc\n"
        "vfs.VfsRom, vfs.VfsLfs2, os.getenv, micropython.RingIO, micropython.schedule\n"
        "gc.mem_alloc()\n"
        "mpy = sys.implementation._mpy\n"
        "print(sys.version.split()[2], mpy & 0xff, mpy >> 10)",
    )
    version, abi, architecture = out.split()
    assert version == micropython.sources.GIT_TAG
    assert int(abi) == 6
    # What native code it loads; mpy-cross and the tools number x64 as 2.
    if os.uname().machine == "x86_64":
        assert int(architecture) == 2


def test_the_image_holds_the_modules(image):
    for name in micropython.modules():
        run(image, f"import {name}")


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The C file of a test board, "toy", whose port is one Makefile."""
    board = tmp_path / "boards" / "toy"
    board.mkdir(parents=True)
    (board / "board.toml").write_text(
        '[build]\ndirectory = "{board}"\nprogram = "image"\ntools = ["make", "cc"]\n'
    )
    (board / "Makefile").write_text("$(BUILD)/image: toy.c\n\tcc toy.c -o $@\n")
    monkeypatch.setattr(micropython, "BOARDS", tmp_path / "boards")
    monkeypatch.setattr(micropython, "BUILD", tmp_path / "build")
    monkeypatch.setattr(micropython, "MODULES", tmp_path / "modules")
    monkeypatch.setattr(micropython.sources, "micropython", lambda say: tmp_path)
    monkeypatch.setattr(micropython, "_mpy_cross", lambda tree, say: tmp_path / "mpy-cross")
    return board / "toy.c"


def test_builds_again_only_when_something_changed(toy):
    toy.write_text("int main(void) { return 1; }\n")
    said = []
    image = micropython.ensure("toy", said.append)
    assert subprocess.run([image], check=False).returncode == 1
    assert len(said) == 1
    assert micropython.ensure("toy", said.append) == image
    assert len(said) == 1
    toy.write_text("int main(void) { return 2; }\n")
    micropython.ensure("toy", said.append)
    assert subprocess.run([image], check=False).returncode == 2
    assert len(said) == 2


def test_a_compile_error_shows_the_compilers_lines_and_leaves_no_image(toy, tmp_path):
    toy.write_text("int main(void) { return 0; }\n")
    image = micropython.ensure("toy", lambda line: None)
    toy.write_text("int main(void) { return nonsense; }\n")
    with pytest.raises(micropython.BuildError, match=r"toy\.c.*nonsense") as caught:
        micropython.ensure("toy", lambda line: None)
    assert str(tmp_path / "build" / "toy.log") in str(caught.value)
    assert not image.exists()


def test_a_missing_program_is_named_with_the_command(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    there = {"apt-get": "/usr/bin/apt-get"}
    monkeypatch.setattr(shutil, "which", there.get)
    assert system.provide(["cc", "make"]) == (
        "not found: cc, make. Run: sudo apt-get install -y --no-install-recommends "
        "gcc libc6-dev make"
    )
    there |= {"cc": "/usr/bin/cc", "make": "/usr/bin/make"}
    assert system.provide(["cc", "make"]) == ""
