# SPDX-License-Identifier: Apache-2.0
"""Tests the trusted keys on a flash that loses power, is full, or is damaged."""

import contextlib
import io
import json

import pytest
from emulated_flash import PowerCut
from glasses import config, storage
from glasses.boot import slots, trust
from glasses.boot.image import Image
from hypothesis import given, settings
from hypothesis import strategies as st
from sweep import share
from test_trust import ADDING, CLOSING, DEVELOPMENT, FIRST, image, refused, trusted
from update_device import Device, choose, factory


@pytest.fixture(params=[True, False], ids=["unpacked", "mounted"])
def device(monkeypatch, request):
    made = Device(factory("through"), monkeypatch, request.param)
    made.start()
    return made


def life(device, done):
    """Two updates: one adds a key; the next, signed with it, retires the old key and closes."""
    for name, data in (("added", ADDING), ("closed", CLOSING)):
        device.start()
        device.install(data)
        done.append(name)
    device.start()


@pytest.mark.parametrize("unpacks", [True, False], ids=["unpacked", "mounted"])
@pytest.mark.parametrize("manner", ["through", "synced"])
def test_power_fails_at_every_change(monkeypatch, manner, unpacks):
    whole = factory(manner)
    life(Device(whole, monkeypatch, unpacks), [])
    assert whole.operations > 40
    for cut_at in share(range(whole.operations), 40):
        flash = factory(manner)
        flash.cut_at, flash.torn = cut_at, manner == "through"
        done = []
        with pytest.raises(PowerCut):
            life(Device(flash, monkeypatch, unpacks), done)
        flash = flash.copy()
        flash.cut_at = cut_at % 7  # once more while it starts
        with contextlib.suppress(PowerCut):
            Device(flash, monkeypatch, unpacks).start()
        device = Device(flash.copy(), monkeypatch, unpacks)
        runs = device.start()
        check(device, runs, done)
        # The interrupted update can be finished, with the keys that are trusted now.
        if FIRST not in trusted(device):
            if runs == "1.0.0":
                device.updater.confirm()
            else:
                device.install(ADDING)
            device.start()
        if device.stored.state["confirmed"] != name_of(CLOSING):
            if runs != "1.1.0":
                device.upload(CLOSING)
                choose(device)
                device.start()
            device.updater.confirm()
        assert device.start() == "1.1.0"
        check(device, "1.1.0", ["added", "closed"])


def name_of(data):
    return Image(io.BytesIO(data), len(data)).hash.hex()


def check(device, runs, done):
    """Checks that only completed changes are in force, and that the confirmed image can start."""
    there, held = trusted(device), device.updater.trust
    confirmed = device.stored.state["confirmed"]
    assert runs in (config.FIRMWARE, "1.0.0", "1.1.0")
    assert there == {
        "": {DEVELOPMENT},
        name_of(ADDING): {DEVELOPMENT, FIRST},
        name_of(CLOSING): {FIRST},
    }.get(confirmed)
    assert held.closed == (confirmed == name_of(CLOSING))
    assert held.counter == (3 if confirmed == name_of(CLOSING) else 0)
    if "added" in done:
        assert FIRST in there
    if "closed" in done:
        assert held.closed


def test_a_full_flash_keeps_a_confirmation_waiting_but_not_what_it_changes(device):
    device.install(ADDING)
    device.start()
    device.upload(CLOSING)
    choose(device)
    device.start()
    replace = storage.replace

    def full(path, text):
        if path.startswith("/trust."):
            raise OSError(28)
        replace(path, text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "replace", full)
        with pytest.raises(OSError, match="28"):
            device.updater.confirm()
        assert trusted(device) == {FIRST}
        assert device.start() == "1.1.0"  # in force after a restart, too
        assert trusted(device) == {FIRST}
        with pytest.raises(OSError, match="28"):
            device.updater.confirm()
    device.updater.confirm()
    assert b'"closed": true' in device.flash.files["/trust.json"]


@pytest.mark.parametrize("junk", [b"", b"{}", b"\x00\xff", b'{"added": [], "retired": []}'])
def test_one_damaged_file_is_mended_from_the_other(device, junk):
    device.install(ADDING)
    device.start()
    device.install(CLOSING)
    for path in ("/trust.json", "/trust.copy"):
        good = device.flash.files[path]
        device.flash.files[path] = junk
        assert device.start() == "1.1.0"
        assert trusted(device) == {FIRST}
        assert device.flash.files[path] == good


def test_with_both_files_damaged_nothing_is_trusted(device):
    device.install(ADDING)
    device.flash.files |= dict.fromkeys(("/trust.json", "/trust.copy"), b"junk")
    assert device.start() == config.FIRMWARE
    assert device.updater.trust.damaged
    assert trusted(device) == set()
    refused(device, image("1.2.0"), "the trusted keys are damaged")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=2), inside),
    max_leaves=4,
)
FIELDS = ("added", "retired", "closed", "counter", "applied")


@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING), st.sampled_from(FIELDS), ANYTHING)
@settings(max_examples=150, deadline=None)
def test_whatever_a_file_holds_is_read_or_damage(tmp_path_factory, anything, field, value):
    folder = tmp_path_factory.mktemp("flash")
    good = {"added": [], "retired": [], "closed": True, "counter": 2, "applied": ""}
    for stored in (anything, good | {field: value}):
        (folder / "trust.json").write_text(json.dumps(stored))
        read = trust.Trust(str(folder), slots.Slots(str(folder)))
        if read.damaged:
            assert read.trusted() == []
        else:
            assert isinstance(read.counter, int)
            assert read.closed in (True, False)
