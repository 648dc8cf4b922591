# SPDX-License-Identifier: Apache-2.0
"""Power fails before and after every change of the flash in an update; the glasses start again."""

import contextlib
import random

import pytest
from emulated_flash import PowerCut
from glasses import config, update
from glasses.boot import slots, start
from sweep import share
from update_device import (
    BOARD,
    BOND,
    NEW_BOND,
    NEW_RECORD,
    RECORDS,
    UPDATE,
    VERSIONS,
    Device,
    choose,
    factory,
    image,
)


def life(device, phases):
    """A whole update; appends the name of each phase to `phases` as it is reached."""
    device.start()
    device.upload(image(VERSIONS[2]))
    device.pair(NEW_BOND)
    device.note([NEW_RECORD])
    config.save("/config.json", {"wake_audio_ms": 2000})
    phases.append("uploaded")
    device.updater.choose(device.stored.image(device.stored.other()).hash, False)
    device.start()
    phases.append("tried")
    device.updater.confirm()
    phases.append("confirmed")
    device.updater.stored.healthy()
    device.start()


@pytest.mark.parametrize("updates_before", [0, 1, 2])
@pytest.mark.parametrize("unpacks", [True, False], ids=["unpacked", "mounted"])
@pytest.mark.parametrize(("manner", "torn"), [("through", 0), ("through", 1), ("synced", 0)])
def test_power_fails_at_every_change(monkeypatch, manner, torn, unpacks, updates_before):
    chance = random.Random(1)
    before = factory(manner)
    device = Device(before, monkeypatch, unpacks)
    device.start()
    device.pair(BOND)
    device.note(RECORDS)
    old = config.FIRMWARE
    for version in VERSIONS[:updates_before]:
        device.start()
        device.install(image(version))
        old = version
    new = VERSIONS[2]

    whole = before.copy()
    life(Device(whole, monkeypatch, unpacks), [])
    assert whole.operations > 20

    for cut_at in range(whole.operations + 1):
        flash = before.copy()
        flash.cut_at, flash.torn = cut_at, bool(torn)
        phases = []
        try:
            life(Device(flash, monkeypatch, unpacks), phases)
        except PowerCut:
            assert flash.operations > cut_at
        else:
            assert cut_at == whole.operations

        # Power fails once more while it starts, then stays.
        flash = flash.copy()
        flash.cut_at, flash.torn = chance.randrange(12), bool(torn)
        with contextlib.suppress(PowerCut):
            Device(flash, monkeypatch, unpacks).start()
        flash = flash.copy()
        device = Device(flash, monkeypatch, unpacks)
        runs = device.start()
        assert runs in (old, new)
        if "uploaded" not in phases:
            assert runs == old
        else:
            device.check_new()
        if "confirmed" in phases:
            assert runs == new
        device.check_kept()

        # What was begun can be finished.
        runs = device.start()
        assert runs in (old, new)
        if runs != new:
            device.upload(image(new))
            device.updater.choose(device.stored.image(device.stored.other()).hash, False)
            assert device.start() == new
        device.updater.confirm()
        assert device.start() == new
        device.check_kept()


def attempt(step, *arguments):
    """Runs a step; returns whether it succeeded. One that fails must raise an expected error."""
    try:
        step(*arguments)
    except (OSError, update.ImageError):
        return False
    return True


@pytest.mark.parametrize("updates_before", [0, 1, 2])
@pytest.mark.parametrize("unpacks", [True, False], ids=["unpacked", "mounted"])
@pytest.mark.parametrize("manner", ["through", "synced"])
def test_the_flash_fills_up_at_every_change(monkeypatch, manner, unpacks, updates_before):
    before = factory(manner)
    device = Device(before, monkeypatch, unpacks)
    device.start()
    device.pair(BOND)
    device.note(RECORDS)
    old, new = config.FIRMWARE, VERSIONS[2]
    for version in VERSIONS[:updates_before]:
        device.start()
        device.install(image(version))
        old = version
    whole = before.copy()
    life(Device(whole, monkeypatch, unpacks), [])

    for full_at in share(range(whole.operations), 15):
        flash = before.copy()
        flash.full_at = full_at
        device = Device(flash, monkeypatch, unpacks)
        device.start()
        chosen = confirmed = False
        if attempt(device.upload, image(new)):
            name = device.stored.image(device.stored.other()).hash
            chosen = attempt(device.updater.choose, name, False)
        runs = device.start()
        assert runs in (old, new if chosen else old)
        if runs == new:
            confirmed = attempt(device.updater.confirm)
            device.updater.stored.healthy()
        runs = device.start()
        # A confirmation that reported failure may still hold: its changes to the trusted keys
        # are then still to be written.
        assert runs in ((new,) if confirmed else (old, new))
        device.check_kept()
        # Once there is room, what was begun can be finished.
        flash.full_at = None
        flash.capacity_bytes = 1 << 24
        if runs != new:
            device.upload(image(new))
            device.updater.choose(device.stored.image(device.stored.other()).hash, False)
            assert device.start() == new
            device.updater.confirm()
        assert device.start() == new
        device.check_kept()


def test_an_image_whose_files_were_half_removed_is_unpacked_anew(monkeypatch):
    before = factory("through")
    device = Device(before, monkeypatch, True)
    for version in VERSIONS[:2]:
        device.start()
        device.install(image(version))
    device.start()
    device.upload(image(VERSIONS[2]))
    device.pair(BOND)
    choose(device)
    whole = before.copy()
    Device(whole, monkeypatch, True).start()
    assert whole.operations > 10
    for cut_at in range(whole.operations):
        flash = before.copy()
        flash.cut_at = cut_at
        with pytest.raises(PowerCut):
            Device(flash, monkeypatch, True).start()
        # The previous version comes back instead of the one being unpacked.
        device = Device(flash.copy(), monkeypatch, True)
        device.stored = slots.Slots(UPDATE)
        device.updater = update.Updater("", BOARD)
        device.updater.erase()
        device.updater.downgrade = True
        device.upload(image(VERSIONS[0]))
        choose(device)
        assert device.start() == VERSIONS[0]


@pytest.mark.parametrize("manner", ["through", "synced"])
def test_power_fails_while_crashing(monkeypatch, manner):
    def crash_on(device):
        for _ in range(5):
            device.start()
            device.stored.crashed("Traceback...")

    whole = factory(manner)
    crash_on(Device(whole, monkeypatch, True))
    for cut_at in range(whole.operations):
        flash = factory(manner)
        flash.cut_at = cut_at
        with pytest.raises(PowerCut):
            crash_on(Device(flash, monkeypatch, True))
        device = Device(flash.copy(), monkeypatch, True)
        assert device.start() in (config.FIRMWARE, start.SAFE)
        assert config.load("/config.json")[0]["name"] == "Mine"
