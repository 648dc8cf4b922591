# SPDX-License-Identifier: Apache-2.0
"""Tests the firmware's clock and file group with datetime, zlib, hashlib and the `smp` package."""

import datetime
import hashlib
import os
import zlib

import cbor2
import pytest
from glasses import protocol, smp
from glasses.smp import files, system
from hypothesis import given
from hypothesis import strategies as st
from smp import file_management as fs

DAYS = st.dates(datetime.date(1970, 1, 1), datetime.date(9999, 12, 31))
NAME = "/models/word.tflite"


@given(DAYS)
def test_days_are_those_of_the_calendar(date):
    days = (date - datetime.date(1970, 1, 1)).days
    assert system.days_from_date(date.year, date.month, date.day) == days
    assert system.date_from_days(days) == (date.year, date.month, date.day)


@given(st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2200, 1, 1)), st.integers(0))
def test_the_clock_goes_on_from_what_it_was_set_to(when, passed_ms):
    passed_ms %= 10**12
    now = [123]
    clock = system.Clock(lambda: now[0])
    clock.set(when.isoformat())
    now[0] += passed_ms
    when = when.replace(microsecond=when.microsecond // 1000 * 1000)
    expected = when + datetime.timedelta(milliseconds=passed_ms)
    assert clock.text() == expected.isoformat(timespec="microseconds")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-01-01",
        "2026-01-01 00:00:00",
        "2026-01-01T00:00:00.x",
        "2026-01-01T24:00:00",
        "2026-02-29T00:00:00",
        "2026-13-01T00:00:00",
        "1969-12-31T23:59:59",
    ],
)
def test_what_is_no_time_is_refused(text):
    clock = system.Clock(lambda: 0)
    with pytest.raises(ValueError, match=r"no such|not YYYY"):
        clock.set(text)
    assert clock.offset_ms is None


class Device:
    """The file group, driven by the messages of the `smp` package."""

    def __init__(self, folder):
        self.folder = folder
        self.server = smp.Server()
        self.files = files.Files(self.server, str(folder))

    def ask(self, request):
        (response,) = self.server.receive(bytes(request))
        return cbor2.loads(response[protocol.SMP_HEADER_BYTES :])

    def refusal(self, request):
        error = self.ask(request)["err"]
        assert error["group"] == protocol.SMP_GROUP_FILE
        return fs.FS_MGMT_ERR(error["rc"])

    def put(self, name, data, step=100):
        at = 0
        while at < len(data) or not data:
            piece = data[at : at + step]
            length = len(data) if at == 0 else None
            at = self.ask(fs.FileUploadRequest(off=at, data=piece, name=name, len=length))["off"]
            if not data:
                return


@pytest.fixture
def device(tmp_path):
    return Device(tmp_path / "flash" / "models")


@pytest.fixture(autouse=True)
def _folder(tmp_path):
    (tmp_path / "flash").mkdir()


def test_a_file_goes_there_and_comes_back(device):
    data = os.urandom(5000)
    device.put(NAME, data)
    assert (device.folder / "word.tflite").read_bytes() == data
    assert os.listdir(device.folder) == ["word.tflite"]
    got = device.ask(fs.FileDownloadRequest(off=0, name=NAME))
    assert got["len"] == len(data)
    back = got["data"]
    while len(back) < len(data):
        back += device.ask(fs.FileDownloadRequest(off=len(back), name=NAME))["data"]
    assert back == data
    assert device.ask(fs.FileStatusRequest(name=NAME)) == {"len": len(data)}
    part = {"off": 1000, "len": 3000}
    for kind, oracle in (("crc32", zlib.crc32), ("sha256", lambda d: hashlib.sha256(d).digest())):
        whole = device.ask(fs.FileHashChecksumRequest(name=NAME, type=kind))
        assert whole == {"type": kind, "len": len(data), "output": oracle(data)}
        some = device.ask(fs.FileHashChecksumRequest(name=NAME, type=kind, **part))
        assert some == {"type": kind, **part, "output": oracle(data[1000:4000])}


def test_what_cannot_be_what_its_name_says_replaces_nothing(device):
    def check(name, path):
        with open(path, "rb") as file:
            if name.endswith(".tflite") and file.read(1) != b"m":
                raise ValueError(name + ": no model")

    device.files._check = check
    device.put(NAME, b"model")
    device.put("models/notes.txt", b"anything")
    refused = device.ask(fs.FileUploadRequest(off=0, data=b"junk", name=NAME, len=4))
    assert refused == {"rc": 9, "rsn": "word.tflite: no model"}
    assert (device.folder / "word.tflite").read_bytes() == b"model"
    assert sorted(os.listdir(device.folder)) == ["notes.txt", "word.tflite"]


def test_an_upload_goes_on_where_it_was_and_nowhere_else(device):
    def upload(at, data):
        return fs.FileUploadRequest(off=at, data=data, name=NAME, len=6 if at == 0 else None)

    device.put(NAME, b"before")
    refused = fs.FS_MGMT_ERR.FILE_OFFSET_NOT_VALID
    assert device.refusal(upload(3, b"def")) is refused
    assert device.ask(upload(0, b"abc")) == {"off": 3}
    assert device.ask(fs.FileStatusRequest(name=NAME + ".part")) == {"len": 3}
    assert device.refusal(upload(2, b"cdef")) is refused
    assert device.refusal(upload(4, b"ef")) is refused
    assert device.refusal(upload(3, b"defg")) is refused
    assert (device.folder / "word.tflite").read_bytes() == b"before"
    assert device.ask(upload(3, b"def")) == {"off": 6}
    assert (device.folder / "word.tflite").read_bytes() == b"abcdef"
    device.put(NAME, b"")
    assert (device.folder / "word.tflite").read_bytes() == b""
    assert device.refusal(fs.FileHashChecksumRequest(name=NAME)) is fs.FS_MGMT_ERR.FILE_EMPTY


@pytest.mark.parametrize(
    "name",
    [
        "word.tflite",
        "/config.json",
        "/models/../config.json",
        "/models/",
        "models",
        "",
        "//models/x",
    ],
)
def test_no_other_folder_can_be_reached(device, name):
    device.put(NAME, b"x")
    invalid = fs.FS_MGMT_ERR.FILE_INVALID_NAME
    assert device.refusal(fs.FileDownloadRequest(off=0, name=name)) is invalid
    assert device.refusal(fs.FileStatusRequest(name=name)) is invalid
    assert device.refusal(fs.FileHashChecksumRequest(name=name)) is invalid
    assert device.refusal(fs.FileUploadRequest(off=0, data=b"", name=name, len=0)) is invalid


def test_a_flash_that_is_full_says_so_and_keeps_what_it_had(device, monkeypatch):
    device.put(NAME, b"before")
    failed = fs.FS_MGMT_ERR.FILE_WRITE_FAILED
    begin = fs.FileUploadRequest(off=0, data=b"abc", name=NAME, len=5000)
    monkeypatch.setattr(files.os, "statvfs", lambda path: (512, 512, 9, 9, 9, 0, 0, 0, 0, 255))
    assert device.refusal(begin) is failed

    def full(path, mode="r"):
        raise OSError(28, "no space left")

    monkeypatch.undo()
    assert device.ask(begin) == {"off": 3}
    monkeypatch.setattr(files, "open", full, raising=False)
    more = fs.FileUploadRequest(off=3, data=b"x", name=NAME)
    assert device.refusal(more) is failed
    monkeypatch.undo()
    assert os.listdir(device.folder) == ["word.tflite"]
    assert (device.folder / "word.tflite").read_bytes() == b"before"
    huge = fs.FileUploadRequest(off=0, data=b"", name=NAME, len=protocol.LIMIT_FILE_BYTES + 1)
    assert device.refusal(huge) is failed


def test_what_is_not_there_is_refused(device):
    missing = "/models/nothing"
    not_found = fs.FS_MGMT_ERR.FILE_NOT_FOUND
    assert device.refusal(fs.FileDownloadRequest(off=0, name=missing)) is not_found
    assert device.refusal(fs.FileStatusRequest(name=missing)) is not_found
    assert device.refusal(fs.FileHashChecksumRequest(name=missing)) is not_found
    device.put(NAME, b"abc")
    beyond = fs.FileDownloadRequest(off=4, name=NAME)
    assert device.refusal(beyond) is fs.FS_MGMT_ERR.FILE_OFFSET_LARGER_THAN_FILE
    part = fs.FileUploadRequest(off=0, data=b"", name=NAME + ".part", len=0)
    assert device.refusal(part) is fs.FS_MGMT_ERR.FILE_INVALID_NAME
