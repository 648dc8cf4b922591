# SPDX-License-Identifier: Apache-2.0
"""Tests the firmware's ROMFS reader against mpremote's builder and MicroPython's VfsRom."""

import io
import json
import subprocess

import pytest
from glasses.boot.romfs import Reader, RomfsError
from hypothesis import given, settings
from hypothesis import strategies as st
from mpremote.romfs import VfsRomWriter, make_romfs
from workbench.build import micropython, romfs

NAME = st.text("abcdefgh_.0123456789", min_size=1, max_size=12).filter(lambda n: n.strip("."))
TREE = st.recursive(
    st.binary(max_size=300),
    lambda inside: st.dictionaries(NAME, inside, max_size=5),
    max_leaves=12,
).filter(lambda tree: isinstance(tree, dict))

# Prints how VfsRom reads an image: {path: [offset of its data in the image, its data in hex]}.
BY_VFSROM = """
import json, os, sys, vfs
from binascii import hexlify
import uctypes
data = open(sys.argv[1], "rb").read()
vfs.mount(vfs.VfsRom(data), "/rom")
found = {}
def walk(folder):
    for entry in os.ilistdir(folder):
        path = folder + "/" + entry[0]
        if entry[1] & 0x4000:
            walk(path)
        else:
            file = open(path, "rb")
            at = uctypes.addressof(file) - uctypes.addressof(data)
            found[path[5:]] = (at, hexlify(file.read()).decode())
walk("/rom")
print(json.dumps(found))
"""


def read(data, start=0):
    reader = Reader(io.BytesIO(data), start, len(data) - start)
    return {
        path: data[at : at + length] if at is not None else None
        for path, at, length in reader.entries()
    }


def flat(tree, prefix=""):
    for name, inside in tree.items():
        if isinstance(inside, dict):
            yield prefix + name, None
            yield from flat(inside, prefix + name + "/")
        else:
            yield prefix + name, inside


def write(tree, writer):
    for name, inside in tree.items():
        if isinstance(inside, dict):
            writer.opendir(name)
            write(inside, writer)
            writer.closedir()
        else:
            writer.mkfile(name, inside)


@given(tree=TREE, before=st.binary(max_size=40))
@settings(deadline=None)
def test_reads_what_mpremote_writes(tree, before):
    writer = VfsRomWriter()
    write(tree, writer)
    assert read(before + writer.finalise(), len(before)) == dict(flat(tree))


def test_reads_a_folder_as_mpremote_romfs_builds_it(tmp_path, capsys):
    files = {"a.py": b"pass", "models/b.tflite": bytes(1000), "models/c.json": b"{}"}
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    found = read(make_romfs(str(tmp_path), mpy_cross=False))
    assert found == files | {"models": None}


def test_reads_data_by_pointer():
    writer = VfsRomWriter()
    at = writer.mkdata(b"shared data")
    writer.mkfile("x", (6, at))
    writer.mkfile("y", (4, at + 7))
    assert read(writer.finalise()) == {"x": b"shared", "y": b"data"}


@given(
    files=st.dictionaries(
        st.lists(NAME, min_size=1, max_size=3).map("/".join), st.binary(max_size=300), max_size=6
    ),
    models=st.dictionaries(NAME.map("models/{}.tflite".format), st.binary(max_size=300)),
)
@settings(deadline=None)
def test_own_builder_is_read_back_with_models_aligned(files, models):
    paths = set(files)
    files = {p: d for p, d in files.items() if not any(q.startswith(p + "/") for q in paths)}
    files.pop("models", None)
    files |= models
    data = romfs.build(files)
    assert len(data) % 2 == 0
    assert {path: got for path, got in read(data).items() if got is not None} == files
    for path, at, _ in Reader(io.BytesIO(data), 0, len(data)).entries():
        if path in models:
            assert at % 16 == 0


def test_vfsrom_finds_the_same_in_our_images(tmp_path):
    files = {
        "glasses/app.py": b"print()\n",
        "glasses/deeper/x.py": b"",
        "models/a.tflite": bytes(range(256)) * 70,
        "models/b.tflite": b"\1",
        "models/b.json": b"{}",
    }
    data = romfs.build(files)
    path = tmp_path / "rom"
    path.write_bytes(data)
    command = [micropython.ensure("linux"), "-c", BY_VFSROM.replace("sys.argv[1]", repr(str(path)))]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert {name: bytes.fromhex(text) for name, (_, text) in found.items()} == files
    ours = {
        name: at
        for name, at, _ in Reader(io.BytesIO(data), 0, len(data)).entries()
        if at is not None
    }
    for name, (at, _) in found.items():
        if files[name]:
            assert at == ours[name], name
            assert not name.endswith(".tflite") or at % 16 == 0


def record(kind, payload):
    return bytes([kind, len(payload)]) + payload


def image(payload):
    return b"\xd2\xcd\x31" + bytes([len(payload)]) + payload


DATA = record(2, b"x")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "cut short"),
        (b"\xd2\xcd\x32\x00", "not a ROMFS"),
        (b"\xd2\xcd\x31\x05", "longer than what holds it"),
        (b"\xd2\xcd\x31\xff\xff\xff\xff\x7f", "number too large"),
        (image(record(5, b"\1a")), "no data"),
        (image(record(5, b"\1a" + b"\2\7x")), "longer than what holds it"),
        (image(record(5, b"\1a" + record(3, b"\7\0"))), None),
        (image(record(5, b"\1a" + record(3, b"\x7f\0"))), "outside"),
        (image(record(5, b"\1a" + record(3, b"\0\x7f"))), "outside"),
        (image(record(5, b"\0" + DATA)), "name of 0 bytes"),
        (image(record(5, b"\x50" + DATA)), "name of 80 bytes"),
        (image(record(5, b"\2.." + DATA)), "name .."),
        (image(record(4, b"\1." + record(5, b"\1a" + DATA))), "name ."),
        (image(record(5, b"\3a/b" + DATA)), "byte 0x2f"),
        (image(record(5, b"\2a\0" + DATA)), "byte 0x00"),
        (image(record(5, b"\1a" + DATA) * 2), "twice"),
        (image(record(0, b"")), "kind 0"),
        (image(record(9, b"whatever") + record(5, b"\1a" + DATA)), None),
    ],
    ids=repr,
)
def test_damage_is_named(data, reason):
    if reason is None:
        assert list(read(data)) == ["a"]
        return
    with pytest.raises(RomfsError, match=reason):
        read(data)


def test_depth_is_limited():
    inside = b""
    for _ in range(7):
        inside = record(4, b"\1d" + inside)
    assert len(read(image(inside))) == 7
    with pytest.raises(RomfsError, match="deeper"):
        read(image(record(4, b"\1d" + inside)))


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_noise_gives_entries_within_it_or_is_refused(noise):
    for data in (noise, image(noise[:127]), image(record(5, noise[:100]))):
        try:
            entries = list(Reader(io.BytesIO(data), 0, len(data)).entries())
        except RomfsError:
            continue
        for path, at, length in entries:
            assert ".." not in path.split("/")
            assert not path.startswith("/")
            assert at is None or 0 <= at <= at + length <= len(data)


@given(flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=3))
@settings(max_examples=300, deadline=None)
def test_damage_of_a_real_image_stays_within_it(flips):
    data = bytearray(romfs.build({"a/b.py": b"x" * 50, "a/c.tflite": b"y" * 50, "d": b"z"}))
    for at, mask in flips:
        data[at % len(data)] ^= mask
    try:
        entries = list(Reader(io.BytesIO(data), 0, len(data)).entries())
    except RomfsError:
        return
    for _, at, length in entries:
        assert at is None or 0 <= at <= at + length <= len(data)
