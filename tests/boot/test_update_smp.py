# SPDX-License-Identifier: Apache-2.0
"""Tests SMP's image group on the glasses with the messages of the `smp` package."""

import asyncio
import hashlib
import types

import cbor2
import pytest
from glasses import config, protocol, smp
from glasses.boot import slots, start
from glasses.protocol import LIMIT_SMP_HALF_MS
from glasses.smp import images
from glasses.smp.images import CHECKING
from hypothesis import given, settings
from hypothesis import strategies as st
from smp import image_management as messages
from smp import os_management
from smp.image_management import IMG_MGMT_ERR
from update_images import make
from update_server import CHUNK_BYTES, Glasses


@pytest.fixture
def glasses(tmp_path):
    made = Glasses(tmp_path)
    yield made
    made.stop()


def test_a_piece_broken_off_is_not_completed_by_what_comes_next(glasses, monkeypatch):
    monkeypatch.setattr(smp, "time", types.SimpleNamespace(ticks_diff=lambda a, b: a - b))
    data = make("1.2.3")
    at = glasses.upload(data, until=CHUNK_BYTES)
    assert at + CHUNK_BYTES < len(data)
    piece = messages.ImageUploadWriteRequest(off=at, data=data[at : at + CHUNK_BYTES])
    # On a slow link, the companion abandons this piece between two writes, and asks for the offset.
    assert glasses.server.receive(bytes(piece)[: CHUNK_BYTES // 2], now_ms=0) == []
    again = messages.ImageUploadWriteRequest(
        off=0, data=data[:CHUNK_BYTES], len=len(data), sha=hashlib.sha256(data).digest()
    )
    answers = glasses.server.receive(bytes(again), now_ms=1 + LIMIT_SMP_HALF_MS)
    (answer,) = answers or asyncio.run(glasses.server.later())
    assert messages.ImageUploadWriteResponse.loads(answer).off == at
    # Completed with that request's bytes, the image's hash would be another.
    assert glasses.upload(data) == len(data)
    assert glasses.state()[1].version == "1.2.3"


def test_before_any_update(glasses):
    (image,) = glasses.state()
    assert (image.slot, image.version, image.hash) == (0, config.FIRMWARE, None)
    assert image.active
    assert image.confirmed
    assert image.bootable


def test_upload_test_confirm(glasses):
    data = make("1.2.3+4")
    assert glasses.upload(data) == len(data)
    running, uploaded = glasses.state()
    assert running.active
    assert (uploaded.slot, uploaded.version) == (1, "1.2.3.4")
    assert not uploaded.pending
    pending = glasses.choose(hash=uploaded.hash).images[1]
    assert pending.pending
    assert not pending.permanent

    assert glasses.restart() == 0
    (running,) = glasses.state()
    assert running.hash == uploaded.hash
    assert running.active
    assert not running.confirmed
    assert glasses.choose(confirm=True).images[0].confirmed
    assert glasses.restart() == 0

    newer = make("1.3.0")
    assert glasses.upload(newer) == len(newer)
    second = glasses.state()[1]
    assert glasses.choose(hash=second.hash, confirm=True).images[1].permanent
    assert glasses.restart() == 1
    running, old = glasses.state()
    assert (running.version, running.confirmed) == ("1.3.0", True)
    assert (old.version, old.confirmed) == ("1.2.3.4", False)


def test_only_what_passed_its_self_check_is_confirmed(glasses):
    glasses.upload(make("1.0.0"))
    new = glasses.state()[1].hash
    glasses.choose(hash=new)
    glasses.checked = False
    glasses.restart()
    assert glasses.boot_state()["check"] == CHECKING
    assert glasses.choose(confirm=True) == IMG_MGMT_ERR.IMAGE_CONFIRMATION_DENIED
    assert glasses.choose(hash=new, confirm=True) == IMG_MGMT_ERR.IMAGE_CONFIRMATION_DENIED
    assert glasses.restart() == start.BUILTIN
    assert glasses.boot_state()["check"] == ""


@pytest.mark.parametrize(
    ("fails", "reason"),
    [
        (True, "its self-check failed: RuntimeError: deaf"),
        (False, "it was not confirmed within 300 s"),
    ],
)
async def test_what_is_not_well_or_not_confirmed_is_reverted(glasses, monkeypatch, fails, reason):
    def check():
        yield
        if fails:
            raise RuntimeError("deaf")

    await asyncio.to_thread(glasses.upload, make("1.0.0"))
    glasses.choose(hash=glasses.state()[1].hash)
    glasses.check, glasses.checked = check, False
    glasses.restart()
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    async def reset():
        await glasses.images._reset.wait()

    monkeypatch.setattr(images, "asyncio", types.SimpleNamespace(sleep=sleep, Event=asyncio.Event))
    await glasses.images._try()
    await asyncio.wait_for(reset(), 1)
    assert slept[-1] == (3 if fails else 300)
    assert glasses.restart() == start.BUILTIN
    assert glasses.boot_state()["refused"] == reason


def test_while_on_trial_nothing_else_is_begun(glasses):
    assert glasses.upload(make("1.0.0")) > 0
    glasses.choose(hash=glasses.state()[1].hash)
    assert glasses.upload(make("1.1.0")) == IMG_MGMT_ERR.IMAGE_ALREADY_PENDING
    glasses.restart()
    assert glasses.upload(make("1.1.0")) == IMG_MGMT_ERR.IMAGE_ALREADY_PENDING
    glasses.choose(confirm=True)
    assert glasses.upload(make("1.1.0")) > 0


@pytest.mark.parametrize("at", [CHUNK_BYTES, 2 * CHUNK_BYTES])
def test_upload_goes_on_after_a_reset(glasses, at):
    data = make("1.0.0")
    assert glasses.upload(data, until=at) == at
    glasses.restart()
    first = {"len": len(data), "sha": hashlib.sha256(data).digest(), "upgrade": False}
    assert glasses.send(off=0, data=data[:CHUNK_BYTES], **first).off == at
    assert glasses.send(off=at, data=data[at : at + 3]).off == at + 3
    assert glasses.upload(data) == len(data)
    assert len(glasses.state()) == 2


def test_another_image_does_not_go_on_with_the_first(glasses):
    glasses.upload(make("1.0.0"), until=CHUNK_BYTES)
    other = make("1.1.0")
    first = {"len": len(other), "sha": hashlib.sha256(other).digest()}
    assert glasses.send(off=0, data=other[:10], **first).off == 10
    assert glasses.upload(other) == len(other)
    assert glasses.state()[1].version == "1.1.0"


def test_bytes_that_do_not_belong_there_are_asked_for_again(glasses):
    data = make("1.0.0")
    glasses.send(off=0, data=data[:100], len=len(data))
    assert glasses.send(off=50, data=b"x" * 50).off == 100
    assert glasses.send(off=200, data=b"x" * 50).off == 100


@pytest.mark.parametrize(
    ("data", "error", "reason"),
    [
        (make(kind="ed25519"), IMG_MGMT_ERR.INVALID_TLV, "Ed25519"),
        (make(kind="ecdsa-p256"), IMG_MGMT_ERR.INVALID_TLV, "ECDSA"),
        (make(kind="rsa-2048"), IMG_MGMT_ERR.INVALID_TLV, "not trusted"),
        (make(board="esp32s3"), IMG_MGMT_ERR.INVALID_IMAGE_VECTOR_TABLE, "esp32s3, not linux"),
        (make(version="0.0.9"), IMG_MGMT_ERR.CURRENT_VERSION_IS_NEWER, "newer than 0.0.9"),
        (make(payload=b"no romfs"), IMG_MGMT_ERR.UNKNOWN, "not a ROMFS"),
        (make(payload=b"\xd2\xcd\x31\0"), IMG_MGMT_ERR.UNKNOWN, "no glasses/app.py"),
        (b"\x7fELF" + bytes(100), IMG_MGMT_ERR.INVALID_IMAGE_HEADER_MAGIC, "not an MCUboot"),
        (make()[:-1], IMG_MGMT_ERR.INVALID_IMAGE_HEADER, "cut short"),
        (make()[:100] + b"?" + make()[101:], IMG_MGMT_ERR.INVALID_HASH, "damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused_by_name_and_nothing_lost(glasses, data, error, reason):
    kept = make("1.0.0")
    glasses.upload(kept)
    assert glasses.upload(data) == error
    assert reason in glasses.boot_state()["refused"]
    assert glasses.state()[1].hash == glasses.images._updater.stored.image(0).hash
    assert glasses.choose(hash=glasses.state()[1].hash).images[1].pending
    assert glasses.restart() == 0


def test_what_is_not_what_was_announced_is_refused(glasses):
    data = make()
    assert glasses.send(off=0, data=data, len=len(data), sha=bytes(32)) == IMG_MGMT_ERR.INVALID_HASH
    assert len(glasses.state()) == 1


def test_downgrade_when_asked_for(glasses):
    glasses.upload(make("2.0.0"))
    glasses.choose(hash=glasses.state()[1].hash, confirm=True)
    glasses.restart()
    assert glasses.upload(make("1.0.0")) == IMG_MGMT_ERR.CURRENT_VERSION_IS_NEWER
    glasses.images._downgrade({})
    assert glasses.upload(make("1.0.0")) == len(make("1.0.0"))
    older = glasses.state()[1].hash
    assert glasses.choose(hash=older).images[1].pending
    assert glasses.restart() == 1
    assert glasses.restart() == 0
    # The request does not survive the reset.
    assert glasses.choose(hash=older) == IMG_MGMT_ERR.CURRENT_VERSION_IS_NEWER


def test_upgrade_only(glasses):
    same = make(config.FIRMWARE)
    assert glasses.upload(same, upgrade=True) == IMG_MGMT_ERR.CURRENT_VERSION_IS_NEWER
    assert glasses.upload(same) == len(same)


def test_requests_that_make_no_sense(glasses):
    data = make()
    assert glasses.send(off=5, data=b"x") == IMG_MGMT_ERR.INVALID_OFFSET
    assert glasses.send(off=0, data=b"x") == IMG_MGMT_ERR.INVALID_LENGTH
    assert glasses.send(off=0, data=b"x", len=10) == IMG_MGMT_ERR.INVALID_IMAGE_TOO_LARGE
    too_long = protocol.LIMIT_IMAGE_BYTES + 1
    assert glasses.send(off=0, data=b"", len=too_long) == IMG_MGMT_ERR.INVALID_IMAGE_TOO_LARGE
    assert glasses.send(off=0, data=data, len=40) == IMG_MGMT_ERR.INVALID_IMAGE_DATA_OVERRUN
    assert glasses.send(off=0, data=data, len=900, image=1) == IMG_MGMT_ERR.INVALID_SLOT
    assert glasses.send(off=0, data=data, len=900, sha=b"x") == IMG_MGMT_ERR.INVALID_HASH
    assert glasses.choose(hash=bytes(32)) == IMG_MGMT_ERR.NO_IMAGE
    assert glasses.choose() == IMG_MGMT_ERR.INVALID_HASH
    assert glasses.erase(0) == IMG_MGMT_ERR.INVALID_SLOT


def test_testing_what_runs_is_denied(glasses):
    glasses.upload(make("1.0.0"))
    glasses.choose(hash=glasses.state()[1].hash, confirm=True)
    glasses.restart()
    running = glasses.state()[0].hash
    assert glasses.choose(hash=running) == IMG_MGMT_ERR.IMAGE_SETTING_TEST_TO_ACTIVE_DENIED
    assert glasses.choose(hash=running, confirm=True).images[0].confirmed


def test_erase(glasses):
    glasses.upload(make("1.0.0"))
    glasses.choose(hash=glasses.state()[1].hash)
    glasses.erase()
    assert len(glasses.state()) == 1
    assert glasses.restart() == start.BUILTIN
    glasses.upload(make("1.0.0"))
    glasses.choose(hash=glasses.state()[1].hash, confirm=True)
    glasses.restart()
    glasses.upload(make("1.1.0"))
    glasses.choose(hash=glasses.state()[1].hash)
    glasses.restart()
    assert glasses.erase() == IMG_MGMT_ERR.IMAGE_ALREADY_PENDING  # what it falls back to


def test_safe_mode_tells_of_the_crash_and_confirms_nothing(glasses):
    for _ in range(slots.CRASHES_MAX):
        slots.Slots(glasses.board.flash + "/update").crashed("x" * 5000 + "ZeroDivisionError")
    assert glasses.restart() == start.SAFE
    told = glasses.boot_state()
    assert told["safe"]
    assert told["crash"].endswith("ZeroDivisionError")
    assert glasses.choose(confirm=True) == IMG_MGMT_ERR.IMAGE_CONFIRMATION_DENIED
    assert glasses.upload(make("1.0.0")) > 0


def test_codes_are_mcumgrs():
    ours = {name[9:]: value for name, value in vars(protocol).items() if "IMAGE_RC_" in name}
    assert ours
    other_names = {
        "INVALID_HEADER": "INVALID_IMAGE_HEADER",
        "INVALID_MAGIC": "INVALID_IMAGE_HEADER_MAGIC",
        "CURRENT_IS_NEWER": "CURRENT_VERSION_IS_NEWER",
        "ALREADY_PENDING": "IMAGE_ALREADY_PENDING",
        "OTHER_BOARD": "INVALID_IMAGE_VECTOR_TABLE",
        "IMAGE_TOO_LARGE": "INVALID_IMAGE_TOO_LARGE",
        "DATA_OVERRUN": "INVALID_IMAGE_DATA_OVERRUN",
        "CONFIRMATION_DENIED": "IMAGE_CONFIRMATION_DENIED",
        "TEST_OF_ACTIVE": "IMAGE_SETTING_TEST_TO_ACTIVE_DENIED",
        "INVALID_PAYLOAD": "UNKNOWN",
        "WRITE_FAILED": "FLASH_WRITE_FAILED",
    }
    for name, value in ours.items():
        assert IMG_MGMT_ERR[other_names.get(name, name)] == value


def test_reset_is_answered(glasses):
    request = os_management.ResetWriteRequest()
    (answer,) = glasses.server.receive(bytes(request))
    os_management.ResetWriteResponse.loads(answer)


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 2**33), st.binary(max_size=40), st.text(max_size=5)
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("_upload", "_choose", "_erase")),
            st.dictionaries(
                st.sampled_from(("off", "data", "len", "sha", "image", "hash", "confirm", "slot")),
                ANYTHING,
            ),
        ),
        max_size=6,
    )
)
@settings(max_examples=150, deadline=None)
def test_bodies_with_anything_in_them(tmp_path_factory, requests):
    glasses = Glasses(tmp_path_factory.mktemp("flash"))
    ids = {"_upload": 1, "_choose": 0, "_erase": 5}
    for name, body in requests:
        encoded = cbor2.dumps(body)
        header = bytes((8 | 2, 0, 0, len(encoded), 0, protocol.SMP_GROUP_IMAGE, 1, ids[name]))
        answers = glasses.server.receive(header + encoded)
        if glasses.server.waiting:
            answers = asyncio.run(glasses.server.later())
        (answer,) = answers
        assert answer[0] & 7 == 3
    assert glasses.restart() == start.BUILTIN
    glasses.stop()
