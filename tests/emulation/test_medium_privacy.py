# SPDX-License-Identifier: Apache-2.0
"""Tests private addresses in the simulated controller, with bumble's hosts above it.

Core 5.4, Vol 4, Part E, 7.8.38 to 7.8.45, 7.8.77 and 7.7.65.10.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from bumble import core, hci
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig
from workbench.emulation.medium import Medium, new_controller
from workbench.emulation.medium.privacy import is_drawn_with

TIMEOUT_S = 5.0
RESOLVABLE = hci.OwnAddressType.RESOLVABLE_OR_RANDOM
ENHANCED = 1 << 9
DISALLOWED, INVALID, UNKNOWN, FULL = 0x0C, 0x12, 0x02, 0x07
IRK = bytes(range(16))
PEER = hci.Address("C1:00:00:00:00:01")


async def host(medium: Medium, number: int, **config: Any) -> tuple[Any, Device]:
    """A controller of the medium, and a bumble host that has it draw and resolve addresses."""
    controller = new_controller(medium)
    device = Device.from_config_with_hci(
        DeviceConfiguration(
            address=hci.Address(f"F0:00:00:00:00:0{number}"), irk=os.urandom(16), **config
        ),
        controller,
        controller,
    )
    device.keystore = MemoryKeyStore()
    device.pairing_config_factory = lambda _: PairingConfig(
        identity_address_type=PairingConfig.AddressType.RANDOM
    )
    await within(device.power_on())
    return controller, device


async def within(awaitable: Any) -> Any:
    return await asyncio.wait_for(awaitable, TIMEOUT_S)


async def linked(
    medium: Medium, peripheral: Device, central: Device, at: hci.Address, **connecting: Any
) -> tuple[Connection, Connection]:
    """Connects them; returns both ends, the peripheral's first."""
    there: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
    peripheral.once("connection", there.set_result)
    here = await within(central.connect_le(at, **connecting))
    return await within(there), here


async def advertise(device: Device, controller: Any) -> hci.Address:
    """Advertises under a private address, and returns it."""
    await device.start_advertising(own_address_type=RESOLVABLE, advertising_interval_min=20)
    return controller.le_legacy_advertiser.address  # type: ignore[no-any-return]


@pytest.mark.parametrize("is_told", [True, False])
async def test_pairing_needs_the_drawn_address_that_only_the_enhanced_event_tells(
    is_told: bool,
) -> None:
    medium = Medium()
    controller, peripheral = await host(medium, 1, address_generation_offload=True)
    # As NimBLE does (ble_hs_pvcy.c of 42849560, line 200), without which nothing is drawn.
    await peripheral.send_sync_command(hci.HCI_LE_Set_Address_Resolution_Enable_Command(1))
    _, central = await host(medium, 2)
    if not is_told:
        controller.le_event_mask &= ~ENHANCED
    address = await advertise(peripheral, controller)
    assert is_drawn_with(peripheral.irk, address)
    there, here = await linked(medium, peripheral, central, address)
    assert there.self_resolvable_address == (address if is_told else None)
    if is_told:
        await within(here.pair())
        assert here.peer_address == peripheral.static_address
        return
    # Both sides have signed other addresses: DHKEY_CHECK_FAILED, as NimBLE 42849560 had it.
    with pytest.raises(core.ProtocolError) as raised:
        await within(here.pair())
    assert raised.value.error_code == 0x0B


async def test_a_bonded_peer_is_told_by_its_identity_under_each_address() -> None:
    medium = Medium()
    _, peripheral = await host(medium, 1, address_resolution_offload=True)
    _, central = await host(medium, 2, le_privacy_enabled=True)
    await peripheral.start_advertising(advertising_interval_min=20)
    there, here = await linked(medium, peripheral, central, peripheral.static_address)
    stranger = there.peer_address
    assert stranger.is_resolvable
    await within(here.pair())
    await within(here.disconnect())
    # Its own host would resolve it, too.
    peripheral.address_resolver = None
    known = []
    for _ in range(2):
        # Not update_rpa: it gives the controller the address that is in use already.
        central.random_address = hci.Address.generate_private_address(central.irk)
        change = hci.HCI_LE_Set_Random_Address_Command(central.random_address)
        await within(central.send_sync_command(change))
        await peripheral.start_advertising(advertising_interval_min=20)
        there, here = await linked(medium, peripheral, central, peripheral.static_address)
        assert there.peer_address == central.static_address
        assert there.peer_address.address_type == hci.AddressType.RANDOM_IDENTITY
        known.append(there.peer_resolvable_address)
        await within(here.disconnect())
    assert known[0] != known[1]
    assert stranger not in known
    # One that has no key of the list stays whoever it says.
    _, other = await host(medium, 3, le_privacy_enabled=True)
    await peripheral.start_advertising(advertising_interval_min=20)
    there, _ = await linked(medium, peripheral, other, peripheral.static_address)
    assert there.peer_address == other.random_address
    assert there.peer_resolvable_address is None


async def test_a_scanner_with_the_key_hears_the_identity_and_others_do_not() -> None:
    medium = Medium()
    controller, peripheral = await host(medium, 1, address_generation_offload=True)
    await peripheral.send_sync_command(hci.HCI_LE_Set_Address_Resolution_Enable_Command(1))
    heard: dict[int, hci.Address] = {}
    both = asyncio.Event()
    bonded = hci.HCI_LE_Add_Device_To_Resolving_List_Command(
        1, peripheral.static_address, peripheral.irk, bytes(16)
    )
    for number in (2, 3):
        _, device = await host(medium, number)
        if number == 2:
            await device.send_sync_command(bonded)
            await device.send_sync_command(hci.HCI_LE_Set_Address_Resolution_Enable_Command(1))

        def on_report(report: Any, number: int = number) -> None:
            heard[number] = report.address
            if len(heard) == 2:
                both.set()

        device.on("advertisement", on_report)
        await device.start_scanning(active=False)
    address = await advertise(peripheral, controller)
    await within(both.wait())
    assert heard == {2: peripheral.static_address, 3: address}
    assert heard[2].is_resolved


async def test_a_peer_in_network_privacy_mode_is_one_only_under_private_addresses() -> None:
    medium = Medium()
    _, peripheral = await host(medium, 1)
    _, central = await host(medium, 2)
    await add(peripheral, central.static_address, central.irk)
    await peripheral.send_sync_command(hci.HCI_LE_Set_Address_Resolution_Enable_Command(1))
    await peripheral.start_advertising(advertising_interval_min=20)
    with pytest.raises(core.TimeoutError):
        await central.connect_le(peripheral.static_address, timeout=0.2)
    await peripheral.stop_advertising()
    mode = hci.HCI_LE_Set_Privacy_Mode_Command(1, central.static_address, 1)
    await peripheral.send_sync_command(mode)
    await peripheral.start_advertising(advertising_interval_min=20)
    there, _ = await linked(medium, peripheral, central, peripheral.static_address)
    assert there.peer_address == central.static_address


async def add(device: Device, peer: hci.Address, irk: bytes) -> None:
    command = hci.HCI_LE_Add_Device_To_Resolving_List_Command(1, peer, irk, IRK)
    await within(device.send_sync_command(command))


async def status(device: Device, command: Any) -> int:
    return int((await within(device.host.send_sync_command_raw(command))).return_parameters.status)


def unnamed(op_code: int, peer: hci.Address) -> hci.HCI_Command:
    """A command that bumble has no class for."""
    return hci.HCI_Command(bytes([1]) + bytes(peer), op_code=op_code)


async def answer(device: Device, command: hci.HCI_Command) -> bytes:
    response: Any = await within(device.host._send_command(command))
    return bytes(response.return_parameters.data)


async def test_the_commands_refuse_what_the_specification_does() -> None:
    controller, device = await host(Medium(), 1)

    def adding(peer: hci.Address, irk: bytes) -> hci.HCI_Command:
        return hci.HCI_LE_Add_Device_To_Resolving_List_Command(1, peer, irk, IRK)

    def removing(peer: hci.Address) -> hci.HCI_Command:
        return unnamed(hci.HCI_LE_REMOVE_DEVICE_FROM_RESOLVING_LIST_COMMAND, peer)

    other = hci.Address("C1:00:00:00:00:02")
    assert await status(device, adding(PEER, IRK)) == 0
    assert await status(device, adding(PEER, bytes(16))) == INVALID
    assert await status(device, adding(other, IRK)) == INVALID
    mode = hci.HCI_LE_Set_Privacy_Mode_Command
    assert await status(device, mode(1, other, 1)) == UNKNOWN
    assert await status(device, mode(1, PEER, 1)) == 0
    local = unnamed(hci.HCI_LE_READ_LOCAL_RESOLVABLE_ADDRESS_COMMAND, PEER)
    assert (await answer(device, local))[0] == UNKNOWN
    assert await answer(device, removing(other)) == bytes([UNKNOWN])
    for n in range(3, 3 + controller.resolving_list_size - 1):
        assert await status(device, adding(hci.Address(f"C1:00:00:00:00:{n:02}"), bytes(16))) == 0
    assert await status(device, adding(other, bytes(16))) == FULL
    assert await answer(device, removing(PEER)) == b"\0"
    assert await status(device, adding(PEER, IRK)) == 0
    timeout = hci.HCI_LE_Set_Resolvable_Private_Address_Timeout_Command
    assert [await status(device, timeout(t)) for t in (0, 1, 0xA1B9)] == [INVALID, 0, INVALID]
    enable = hci.HCI_LE_Set_Address_Resolution_Enable_Command
    assert await status(device, enable(1)) == 0
    await device.start_advertising(advertising_interval_min=20)
    for command in (
        adding(other, bytes(16)),
        hci.HCI_LE_Clear_Resolving_List_Command(),
        enable(0),
        mode(1, PEER, 0),
    ):
        assert await status(device, command) == DISALLOWED
    assert await answer(device, removing(PEER)) == bytes([DISALLOWED])
    await device.stop_advertising()
    assert await status(device, enable(0)) == 0
