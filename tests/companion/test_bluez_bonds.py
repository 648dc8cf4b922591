# SPDX-License-Identifier: Apache-2.0
"""Tests bonds that one side lost, and the size of writes, on BlueZ's interface over a real bus."""

import glint
import pytest
from bluez_fixtures import DEVICE1, message_bus
from bluez_glasses import EARLIER, BluezGlasses
from dbus_fast.signature import Variant
from glint import protocol
from smpclient.requests.os_management import EchoWrite
from workbench.system import provide

PATIENCE_S = 30.0


@pytest.fixture
def bus(tmp_path, monkeypatch):
    if missing := provide(["dbus-daemon"]):
        pytest.skip(missing)
    monkeypatch.delenv("GLINT_HCI", raising=False)
    with message_bus(tmp_path, monkeypatch):
        yield


@pytest.mark.parametrize("tells_late", [False, True])
@pytest.mark.usefixtures("bus")
async def test_a_bond_that_the_glasses_forgot_is_made_anew_in_the_window(caplog, tells_late):
    glasses = BluezGlasses(
        paired=True, bonded=False, window=protocol.PAIRING_OPEN, tells_late=tells_late
    )
    async with glasses as system, glint.connect(timeout_s=PATIENCE_S):
        assert system.asked == ["Connect", "Connect", "RemoveDevice", "Connect", "Pair"]
        assert "has forgotten this machine" in caplog.text


@pytest.mark.usefixtures("bus")
async def test_pairing_that_bluez_did_for_an_earlier_object_is_not_asked_for():
    async with BluezGlasses(paired=False, bonded=True, window=protocol.PAIRING_OPEN) as system:
        system.objects[EARLIER] = {DEVICE1: {**system.device, "Paired": Variant("b", True)}}
        async with glint.connect(timeout_s=PATIENCE_S):
            assert system.asked == ["Connect"]


@pytest.mark.usefixtures("bus")
async def test_with_the_window_closed_it_is_said_what_to_do():
    async with BluezGlasses(paired=True, bonded=False, window=protocol.PAIRING_CLOSED) as system:
        with pytest.raises(glint.PairingError, match="know this companion: hold their button"):
            async with glint.connect(timeout_s=PATIENCE_S):
                pass
        # The bond was useless; pairing again needs only the button.
        assert "RemoveDevice" in system.asked
        system.window = protocol.PAIRING_OPEN
        async with glint.connect(timeout_s=PATIENCE_S):
            pass


@pytest.mark.usefixtures("bus")
async def test_where_there_is_no_time_to_mend_it_the_command_is_named():
    async with BluezGlasses(paired=True, bonded=False, window=protocol.PAIRING_OPEN):
        with pytest.raises(glint.BluetoothError, match="bluetoothctl remove F0:00:00:00:00:01"):
            async with glint.connect(timeout_s=0.2):
                pass


@pytest.mark.usefixtures("bus")
async def test_each_connection_writes_as_much_as_its_mtu_lets_it():
    async with BluezGlasses(paired=True, bonded=True, window=protocol.PAIRING_CLOSED) as system:
        for mtu in (247, 512, 185):
            system.mtu = mtu
            async with glint.connect(timeout_s=PATIENCE_S) as glasses:
                await glasses.request(EchoWrite(d="x" * 1500))
                assert max(system.writes) == glasses.statistics.write_bytes == mtu - 3
            system.writes.clear()
