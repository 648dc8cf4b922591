# SPDX-License-Identifier: Apache-2.0
"""Tests what starts after an update: on trial, confirmed, crashed, damaged or not complete."""

import pytest
from glasses import config, update
from glasses.boot import slots, start
from glasses.boot.image import hex_name
from update_device import BOARD, UPDATE, Device, choose, factory, image


@pytest.fixture(params=[True, False], ids=["unpacked", "mounted"])
def device(monkeypatch, request):
    made = Device(factory("through"), monkeypatch, request.param)
    made.start()
    return made


def test_an_update_that_is_not_confirmed_is_reverted(device):
    device.install(image("1.0.0"))
    device.upload(image("1.1.0"))
    choose(device)
    assert device.start() == "1.1.0"
    assert device.start() == "1.0.0"
    assert device.start() == "1.0.0"
    choose(device)  # it is still there, and may be tried again
    assert device.start() == "1.1.0"
    device.updater.confirm()
    assert [device.start(), device.start()] == ["1.1.0"] * 2


def test_the_first_update_reverts_to_what_lies_beneath(device):
    device.upload(image("1.0.0"))
    choose(device)
    assert device.start() == "1.0.0"
    assert device.start() == config.FIRMWARE


def test_an_update_that_crashes_is_reverted_whatever_ended_it(device):
    device.install(image("1.0.0"))
    device.upload(image("1.1.0"))
    for end in ("exception", "watchdog"):
        choose(device)
        assert device.start() == "1.1.0"
        if end == "exception":
            device.stored.crashed("boom")
        assert device.start(lost_power=False) == "1.0.0"
        assert device.stored.state["crashes"] == 0
        device.updater.stored.healthy()


def test_a_permanent_update_needs_no_confirmation(device):
    device.upload(image("1.0.0"))
    choose(device, permanent=True)
    assert [device.start(), device.start()] == ["1.0.0"] * 2


def test_three_crashes_lead_to_safe_mode_and_a_reset_to_one_more_chance(device):
    device.install(image("1.0.0"))
    for _ in range(3):
        assert device.start() == "1.0.0"
        device.stored.crashed("Traceback: it broke")
    assert device.start() == start.SAFE
    assert device.stored.crash_report() == "Traceback: it broke"
    assert device.start(lost_power=False) == "1.0.0"
    device.stored.crashed("again")
    assert device.start() == start.SAFE
    assert device.start() == "1.0.0"
    device.stored.healthy()
    device.stored.crashed("once")
    assert device.start() == "1.0.0"


def test_a_held_button_starts_safe_mode_and_what_was_to_start_starts_next(device):
    device.upload(image("1.0.0"))
    choose(device)
    prepare = start.verifier(device.stored, BOARD, device.updater.trust)
    assert start.choose(slots.Slots(UPDATE), prepare, True, held=True) == start.SAFE
    assert device.start(lost_power=False) == "1.0.0"
    assert start.choose(slots.Slots(UPDATE), prepare, True, held=True) == start.SAFE
    assert device.start(lost_power=False) == config.FIRMWARE  # on trial, it was not confirmed


def test_starts_that_hang_count_unless_power_was_lost(device):
    device.updater.stored.stopped()
    for _ in range(5):
        assert device.start(lost_power=True) == config.FIRMWARE
    assert [device.start(lost_power=False) for _ in range(3)] == [
        config.FIRMWARE,
        config.FIRMWARE,
        start.SAFE,
    ]


def test_safe_mode_takes_an_update_and_that_starts(device):
    device.install(image("1.0.0"))
    for _ in range(3):
        device.start()
        device.stored.crashed("boom")
    assert device.start() == start.SAFE
    device.upload(image("1.1.0"))
    choose(device)
    assert device.start(lost_power=False) == "1.1.0"


def test_a_damaged_image_is_not_started(device):
    device.install(image("1.0.0"))
    device.upload(image("1.1.0"))
    choose(device)
    path = device.stored.path(device.stored.other())
    data = bytearray(device.flash.files[path])
    data[100] ^= 1
    device.flash.files[path] = bytes(data)
    assert device.start() == "1.0.0"
    assert "damaged" in device.stored.state["refused"]


def test_with_the_confirmed_image_gone_what_lies_beneath_starts(device):
    device.install(image("1.0.0"))
    device.flash.files[device.stored.path(0)] = b"nothing"
    assert device.start() == config.FIRMWARE
    device.flash.files[UPDATE + "/state.json"] = b"\xff{"
    assert device.start() == config.FIRMWARE


def test_an_incomplete_unpacking_is_done_again(monkeypatch):
    device = Device(factory("through"), monkeypatch, True)
    device.start()
    device.install(image("1.0.0"))
    device.flash.files[UPDATE + "/0/hash"] = b"another"
    device.flash.files[UPDATE + "/0/glasses/app.py"] = b"half"
    device.flash.files[UPDATE + "/0/stray"] = b""
    assert device.start() == "1.0.0"
    assert UPDATE + "/0/stray" not in device.flash.files


def test_a_full_flash_refuses_the_upload_and_starts_all_the_same(device):
    device.install(image("1.0.0"))
    device.flash.fill()
    with pytest.raises(update.ImageError, match="bytes free"):
        device.upload(image("1.1.0"))
    assert device.start() == "1.0.0"
    assert hex_name(device.stored.image(0).hash) == device.stored.state["confirmed"]
