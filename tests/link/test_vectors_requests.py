# SPDX-License-Identifier: Apache-2.0
"""Checks the test vectors for requests, images and advertising, both ways and on both sides."""

import json

import cbor2
import pytest
from board_scripts import SCRIPTS
from bumble.core import UUID, AdvertisingData
from glint import image, protocol, smp, smp_manage
from glint.errors import UpdateError
from glint.update import BootRead, DowngradeWrite, TrustRead
from smp.header import Header
from smpclient.requests import file_management as files
from smpclient.requests import image_management as images
from smpclient.requests import os_management as system
from smpclient.requests import statistics_management as statistics
from test_vectors import load, named
from workbench.paths import FIRMWARE
from workbench.runners.linux import Linux

SMP, IMAGES, ADVERTISING = load("smp"), load("image"), load("advertising")
REQUESTS = [vector for vector in SMP if vector["means"]["to"] == "glasses"]
RESPONSES = [vector for vector in SMP if vector["means"]["to"] == "companion"]
# (group, command, op): the classes with which smpclient and the companion make requests.
CLASSES = {
    (0, 0, "write"): system.EchoWrite,
    (0, 4, "read"): system.DateTimeRead,
    (0, 4, "write"): system.DateTimeWrite,
    (0, 5, "write"): system.ResetWrite,
    (0, 6, "read"): system.MCUMgrParametersRead,
    (0, 7, "read"): system.OSApplicationInfoRead,
    (1, 0, "read"): images.ImageStatesRead,
    (1, 0, "write"): images.ImageStatesWrite,
    (1, 1, "write"): images.ImageUploadWrite,
    (1, 5, "write"): images.ImageErase,
    (2, 0, "read"): statistics.GroupData,
    (2, 1, "read"): statistics.ListOfGroups,
    (8, 0, "read"): files.FileDownload,
    (8, 0, "write"): files.FileUpload,
    (8, 1, "read"): files.FileStatus,
    (8, 2, "read"): files.FileHashChecksum,
    (8, 3, "read"): files.SupportedFileHashChecksumTypes,
    (8, 4, "write"): files.FileClose,
    (64, 0, "read"): smp.StatusRead,
    (64, 1, "write"): smp.EventsWrite,
    (64, 2, "write"): smp.PhotoWrite,
    (64, 3, "write"): smp.RecordWrite,
    (64, 4, "write"): smp.StopWrite,
    (64, 5, "write"): smp.FileWrite,
    (64, 6, "write"): smp.WatchWrite,
    (64, 16, "read"): BootRead,
    (64, 18, "read"): TrustRead,
    (64, 17, "write"): DowngradeWrite,
    (64, 32, "read"): smp_manage.BondsRead,
    (64, 32, "write"): smp_manage.BondNameWrite,
    (64, 33, "read"): smp_manage.PairingRead,
    (64, 33, "write"): smp_manage.PairingWrite,
    (64, 34, "read"): smp_manage.ConfigRead,
    (64, 34, "write"): smp_manage.ConfigWrite,
    (64, 35, "read"): smp_manage.ModelsRead,
    (64, 35, "write"): smp_manage.ModelWrite,
    (64, 36, "read"): smp_manage.JournalRead,
    (64, 36, "write"): smp_manage.JournalWrite,
}
# The parsers of refusals, by the group of the code.
REFUSALS = {
    0: system.DateTimeRead._ErrorV2,
    1: images.ImageUploadWrite._ErrorV2,
    2: statistics.GroupData._ErrorV2,
    8: files.FileUpload._ErrorV2,
    64: smp.GlintErrorV2,
}


def meant(value):
    """A value of the vectors: byte strings are text that begins with 0x there."""
    if isinstance(value, str) and value.startswith("0x"):
        return bytes.fromhex(value[2:])
    if isinstance(value, dict):
        return {key: meant(item) for key, item in value.items()}
    return [meant(item) for item in value] if isinstance(value, list) else value


def specified():
    """(group, command, op) of every row of SPEC.md's table of requests."""
    table = (FIRMWARE / "SPEC.md").read_text().split("## Requests")[1].split("Refusals:")[0]
    group = None
    for row in table.split("|---|---|---|---|---|\n")[1].splitlines():
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        if len(cells) == 5:
            group = int(cells[0].split()[0]) if cells[0] else group
            for op in cells[2].split(", "):
                yield group, int(cells[1].split()[0]), op


def test_every_request_and_answer_of_the_specification_has_a_vector():
    rows = set(specified())
    assert len(rows) > 35
    # MCUmgr also echoes with a read; no client requests it so.
    rows.remove((0, 0, "read"))
    asked, answered = (
        {
            (vector["means"]["group"], vector["means"]["command"], vector["means"]["op"])
            for vector in vectors
            if not {"err", "rc"} & set(vector["means"]["body"])
        }
        for vectors in (REQUESTS, RESPONSES)
    )
    assert asked == rows == set(CLASSES)
    assert {(group, command, op.split()[0]) for group, command, op in answered} == rows


@pytest.fixture(scope="module")
def firmware():
    """The result of the vectors in MicroPython."""
    return json.loads(Linux().run(SCRIPTS / "vectors_requests.py", str(FIRMWARE / "vectors")))


def test_the_firmware_reads_requests_and_writes_responses(firmware):
    for vector, found in zip(SMP, firmware["smp"], strict=True):
        means, expected = vector["means"], bytes.fromhex(vector["hex"])
        if means["to"] == "glasses":
            assert found["body"] == means["body"]
            continue
        written = bytes.fromhex(found["hex"])
        assert written[:8] == expected[:8]
        assert cbor2.loads(written[8:]) == cbor2.loads(expected[8:]) == meant(means["body"])


@named(REQUESTS)
def test_the_companion_writes_requests(vector):
    means = vector["means"]
    made = CLASSES[means["group"], means["command"], means["op"]]
    body = meant(means["body"])
    if made is smp_manage.BondNameWrite and "remove" in body:
        made = smp_manage.BondRemoveWrite
    fields = {{"from": "since"}.get(key, key): value for key, value in body.items()}
    written, expected = bytes(made(**fields)), bytes.fromhex(vector["hex"])
    assert written[:6] == expected[:6]
    assert written[7:8] == expected[7:8]
    said = cbor2.loads(written[8:])
    if means["group"] == protocol.SMP_GROUP_IMAGE:
        said = {key: value for key, value in said.items() if value is not None}
        said.pop("slot" if "slot" not in body else "", None)
        said = {key: value for key, value in said.items() if key in body or value not in (False,)}
    assert said == body


@named(RESPONSES)
def test_the_companion_reads_responses(vector):
    means = vector["means"]
    data, body = bytes.fromhex(vector["hex"]), meant(means["body"])
    header = Header.loads(data[:8])
    assert (int(header.group_id), int(header.command_id)) == (means["group"], means["command"])
    assert header.sequence == means["sequence"]
    made = CLASSES.get((means["group"], means["command"], means["op"].split()[0]))
    if made is None or "rc" in body or "err" in body:
        kind = REFUSALS[body["err"]["group"]] if "err" in body else smp.GlintErrorV1
        said = kind.loads(data)
        assert (said.err.rc if "err" in body else said.rc) == body.get(
            "rc", body.get("err", {}).get("rc")
        )
        return
    said = made.__private_attributes__["_Response"].default.loads(data)
    dumped = said.model_dump()
    for key, value in body.items():
        if key == "images":
            for state, wanted in zip(said.images, value, strict=True):
                assert {name: getattr(state, name) for name in wanted} == wanted
        else:
            found = dumped[key]
            assert (list(found) if isinstance(found, tuple) else found) == value


def test_the_firmware_reads_images(firmware):
    assert firmware["image"] == [vector["means"] for vector in IMAGES]


@named(IMAGES)
def test_the_companion_reads_images(vector):
    means, data = vector["means"], bytes.fromhex(vector["hex"])
    if "error" in means:
        # Only the glasses can say whether an image is complete and authentic.
        try:
            image.parse(data)
        except UpdateError:
            assert len(data) < len(bytes.fromhex(IMAGES[0]["hex"]))
        return
    read = image.parse(data)
    assert (read.version, read.board) == (means["version"], means["board"])
    assert (read.hash, read.digest) == (meant(means["hash"]), meant(means["file_hash"]))
    assert read.counter == means["counter"]
    nothing = {"add": {}, "retire": [], "close": False}
    assert {**nothing, **read.trust} == meant(means["trust"])


def test_the_firmware_advertises(firmware):
    found = [row["hex"] for row in firmware["advertising"]]
    assert found == [vector["hex"] for vector in ADVERTISING]


@named(ADVERTISING)
def test_what_is_advertised_is_understood(vector):
    means, data = vector["means"], bytes.fromhex(vector["hex"])
    assert len(data) <= 31
    read = AdvertisingData.from_bytes(data)
    services = read.get(AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS)
    assert services == [UUID(means["service"])]
    if "pairing" in means:
        said = read.get(AdvertisingData.Type.MANUFACTURER_SPECIFIC_DATA)
        assert said == (protocol.ADVERTISED_COMPANY, bytes([means["pairing"]]))
    if "name" in means:
        assert read.get(AdvertisingData.Type.COMPLETE_LOCAL_NAME) == means["name"]
