# SPDX-License-Identifier: Apache-2.0
"""Tests that errors have a reason for programs, and a sentence for people that says what to do."""

import glint
import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
)
from client_fixtures import connected
from fake_glasses import fake_advertising
from glint import Reason, protocol
from glint.adapter import errors_explained


async def reason_of(hci, **how):
    with pytest.raises(glint.GlintError) as error:
        async with glint.connect(hci=hci, **how) as glasses:
            await glasses.photo()
    return error.value.reason, str(error.value)


async def test_nobody_in_range_and_no_adapter():
    async with fake_advertising() as (_, hci):
        reason, said = await reason_of(hci, glasses="Other", timeout_s=0.3)
        assert (reason, "only Fake Glasses" in said) == (Reason.OUT_OF_RANGE, True)
    reason, said = await reason_of("tcp-client:127.0.0.1:9")
    assert (reason, "glint sim" in said) == (Reason.NO_ADAPTER, True)


@pytest.mark.parametrize(
    ("rc", "reason"), [(protocol.RC_BUSY, Reason.BUSY), (protocol.RC_NO_CAMERA, Reason.REFUSED)]
)
async def test_refusals(rc, reason):
    async with fake_advertising() as (fake, hci):
        fake.refuse = {protocol.SMP_GLINT_PHOTO: rc}
        assert (await reason_of(hci))[0] is reason


async def test_what_older_firmware_does_not_know():
    async with fake_advertising() as (fake, hci):
        fake.answers = {protocol.SMP_GLINT_PHOTO: {"rc": 8}}
        assert (await reason_of(hci))[0] is Reason.WRONG_VERSION
        fake.answers = {protocol.SMP_GLINT_PHOTO: {"nonsense": 1}}
        assert (await reason_of(hci))[0] is Reason.WRONG_VERSION
        fake.answers, fake.mute = {}, {protocol.SMP_GLINT_PHOTO}
        assert (await reason_of(hci))[0] is Reason.NO_ANSWER


async def test_a_photo_that_arrives_damaged():
    async with fake_advertising() as (fake, hci):
        fake.on_photo = lambda number: fake.send_object(
            "photo", bytes(100), number=number, crc_error=1
        )
        assert (await reason_of(hci))[0] is Reason.CORRUPTED


async def test_closed():
    async with connected() as (_, glasses):
        pass
    with pytest.raises(glint.ClosedError) as error:
        await glasses.photo()
    assert error.value.reason is Reason.CLOSED


@pytest.mark.parametrize(
    ("error", "reason", "way_out"),
    [
        (
            BleakBluetoothNotAvailableError("off", BleakBluetoothNotAvailableReason.POWERED_OFF),
            Reason.ADAPTER_OFF,
            "switch it on",
        ),
        (
            BleakBluetoothNotAvailableError("no", BleakBluetoothNotAvailableReason.DENIED_BY_USER),
            Reason.PERMISSION,
            "privacy settings",
        ),
        (
            BleakBluetoothNotAvailableError("none", BleakBluetoothNotAvailableReason.NO_BLUETOOTH),
            Reason.NO_ADAPTER,
            "plug in",
        ),
        (
            BleakDBusError("org.freedesktop.DBus.Error.AccessDenied", ["Rejected"]),
            Reason.PERMISSION,
            "group bluetooth",
        ),
        (PermissionError(13, "Permission denied"), Reason.PERMISSION, "Permission denied"),
        (FileNotFoundError(2, "No such file"), Reason.NO_ADAPTER, "plug in"),
        (TimeoutError(), Reason.OUT_OF_RANGE, "come closer"),
    ],
)
def test_what_systems_say(error, reason, way_out):
    with pytest.raises(glint.BluetoothError, match=way_out) as told, errors_explained("scan", None):
        raise error
    assert told.value.reason is reason
