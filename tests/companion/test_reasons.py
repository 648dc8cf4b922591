# SPDX-License-Identifier: Apache-2.0
"""Tests that errors have a reason for programs, and a sentence for people that says what to do."""

import glint
import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
)
from bumble.pairing import PairingConfig, PairingDelegate
from client_fixtures import connected
from fake_glasses import fake_advertising
from glint import Reason, protocol
from glint.adapter import errors_explained
from update_images import make


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


class Refusing(PairingDelegate):
    """Pairs with nobody."""

    async def accept(self):
        return False


@pytest.mark.parametrize(
    ("window", "reason", "way_out"),
    [
        (protocol.PAIRING_CLOSED, Reason.WINDOW_CLOSED, "hold their button"),
        (protocol.PAIRING_FULL, Reason.BONDS_FULL, "glint bonds remove"),
        (0xEE, Reason.NOT_PAIRED, "hold their button"),  # what later firmware may say
        (protocol.PAIRING_OPEN, Reason.OTHER, "make this machine forget"),
    ],
)
async def test_glasses_that_do_not_pair(window, reason, way_out):
    async with fake_advertising() as (fake, hci):
        fake.pairing = window
        fake.device.pairing_config_factory = lambda _: PairingConfig(delegate=Refusing())
        told, said = await reason_of(hci, timeout_s=2.0)
        assert (told, way_out in said) == (reason, True), said


async def test_an_update_with_an_empty_battery(tmp_path):
    path = tmp_path / "image.bin"
    path.write_bytes(make("9.0.0", board="fake"))
    async with connected() as (fake, glasses):
        fake.battery_percent = 9
        with pytest.raises(glint.UpdateError, match="charge the glasses") as error:
            await glasses.update(path)
        assert error.value.reason is Reason.LOW_BATTERY


async def test_closed():
    async with connected() as (_, glasses):
        pass
    with pytest.raises(glint.ClosedError) as error:
        await glasses.photo()
    assert error.value.reason is Reason.CLOSED


# A simulated radio can neither be switched off nor denied: for ADAPTER_OFF and PERMISSION, there is
# only what bleak and D-Bus say.
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
