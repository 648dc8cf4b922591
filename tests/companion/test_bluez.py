# SPDX-License-Identifier: Apache-2.0
"""Tests what the companion asks of BlueZ, besides bleak's requests, over a real message bus."""

import glint
import pytest
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDBusError, BleakError
from bluez_fixtures import CHARACTERISTIC, CHARACTERISTIC1, DEVICE, DEVICE1, Bluez, message_bus
from dbus_fast.signature import Variant
from glint import bluez, protocol
from glint.adapter import errors_explained
from workbench.system import provide

OTHER = "/org/bluez/hci0/dev_F0_00_00_00_00_02"
GLASSES = BLEDevice("F0:00:00:00:00:01", "Glint", {"path": DEVICE})


@pytest.fixture
def folder(tmp_path):
    if missing := provide(["dbus-daemon"]):
        pytest.skip(missing)
    return tmp_path


@pytest.fixture
async def system(folder, monkeypatch):
    with message_bus(folder, monkeypatch):
        async with Bluez() as running:
            yield running


async def test_an_agent_lets_the_glasses_pair_and_nobody_else(system):
    async with bluez.agent(GLASSES):
        assert await system.ask("RequestAuthorization", "o", DEVICE) is None
        assert await system.ask("RequestConfirmation", "ou", DEVICE, 123456) is None
        assert await system.ask("RequestAuthorization", "o", OTHER) == "org.bluez.Error.Rejected"
        assert await system.ask("RequestPasskey", "o", DEVICE) == "org.bluez.Error.Rejected"
        assert await system.ask("Cancel", "") is None
    # When the connection to the bus ends, BlueZ forgets the agent.
    gone = "org.freedesktop.DBus.Error.ServiceUnknown"
    assert await system.ask("RequestAuthorization", "o", DEVICE) == gone


async def test_without_a_bus_connecting_goes_on(folder, monkeypatch):
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={folder / 'nowhere'}")
    async with bluez.agent(GLASSES):
        pass


def characteristic(max_write_bytes):
    return BleakGATTCharacteristic(
        (CHARACTERISTIC, {}), 2, protocol.UUID_SMP, [], lambda: max_write_bytes, None
    )


async def test_the_mtu_is_asked_for_where_bleak_has_an_old_one(system):
    assert await bluez.write_bytes(characteristic(20)) == 244
    assert await bluez.write_bytes(characteristic(509)) == 244
    del system.objects[CHARACTERISTIC][CHARACTERISTIC1]["MTU"]  # as BlueZ before 5.62
    assert await bluez.write_bytes(characteristic(20)) == 20
    assert await bluez.write_bytes(characteristic(509)) == 509


async def test_other_devices_that_are_connected_are_none_of_ours(system):
    assert await bluez.left_connected() == []


@pytest.mark.parametrize(("listened", "found"), [(False, ["Glint"]), (True, [])])
async def test_glasses_left_connected_are_found_unless_a_program_listens(system, listened, found):
    system.objects[DEVICE][DEVICE1]["UUIDs"] = Variant("as", [protocol.UUID_GLINT_SERVICE])
    system.objects[CHARACTERISTIC][CHARACTERISTIC1]["Notifying"] = Variant("b", listened)
    assert [device.name for device in await bluez.left_connected()] == found


async def test_an_object_that_bluez_has_twice_may_only_seem_connected(system):
    system.objects[DEVICE][DEVICE1]["UUIDs"] = Variant("as", [protocol.UUID_GLINT_SERVICE])
    system.objects[f"{DEVICE}2"] = {
        DEVICE1: {**system.objects[DEVICE][DEVICE1], "Connected": Variant("b", False)}
    }
    assert not await bluez.left_connected()


async def test_whether_there_is_a_bond(system):
    assert await bluez.has_bond(GLASSES)
    system.objects[DEVICE][DEVICE1]["Paired"] = Variant("b", False)
    assert not await bluez.has_bond(GLASSES)
    assert not await bluez.has_bond(BLEDevice("F0:00:00:00:00:01", "Glint", "not BlueZ's"))


@pytest.mark.parametrize(
    ("error", "dropped"),
    [
        (BleakDBusError("org.bluez.Error.Failed", ["br-connection-canceled"]), True),
        (BleakError("failed to discover services, device disconnected"), True),
        (BleakDBusError("org.bluez.Error.Failed", ["Not connected"]), True),
        (BleakDBusError("org.bluez.Error.Failed", ["br-connection-busy"]), False),
        (TimeoutError(), False),
        (None, False),
    ],
)
def test_a_link_that_dropped_while_connecting(error, dropped):
    assert bluez.dropped(error) is dropped


@pytest.mark.parametrize("installed", [False, True])
async def test_bluetoothd_that_does_not_run_is_said(folder, monkeypatch, installed):
    with (
        message_bus(folder, monkeypatch, installed=installed),
        pytest.raises(glint.BluetoothError, match="start the bluetooth service"),
    ):
        await glint.scan(0.1)


def test_what_systemd_says_of_it_is_understood():
    with (
        pytest.raises(glint.BluetoothError, match="start the bluetooth service"),
        errors_explained("scan", None),
    ):
        raise BleakDBusError("org.freedesktop.systemd1.UnitMasked", ["Unit is masked."])
