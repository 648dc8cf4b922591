# SPDX-License-Identifier: Apache-2.0
"""Tests each fault of bumble's stock controller that our controller corrects.

Every test also runs on the stock one, where it must fail: when bumble corrects a fault, the test
reports it, and our correction can go.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from bumble import core, hci
from bumble.controller import Controller
from bumble.device import AdvertisingType, Connection, Device, DeviceConfiguration
from bumble.host import Host
from bumble.link import LocalLink
from workbench.emulation.medium import Medium, Timing, new_controller

STOCK = pytest.param("stock", marks=pytest.mark.xfail(strict=True, reason="a fault of bumble's"))
TIMEOUT_S = 1.0
ADDRESSES = [f"F0:00:00:00:00:0{i}" for i in range(1, 4)]
FLAGS = bytes.fromhex("020106")
NAME = bytes.fromhex("0409414952")


class Controllers:
    """Controllers in range of one another, with bumble devices as their hosts."""

    def __init__(self, kind: str, timing: Timing | None = None) -> None:
        self._stock = kind == "stock"
        self.link: Any = LocalLink() if self._stock else Medium(timing)

    def controller(self) -> Controller:
        return Controller("C", link=self.link) if self._stock else new_controller(self.link)

    async def device(self, number: int, controller: Controller | None = None) -> Device:
        hub = controller or self.controller()
        device = Device.from_config_with_hci(
            DeviceConfiguration(address=hci.Address(ADDRESSES[number])), hub, hub
        )
        await within(device.power_on())
        return device

    async def peripheral(self, **advertising: Any) -> Device:
        device = await self.device(0)
        await device.start_advertising(
            advertising_data=FLAGS,
            scan_response_data=NAME,
            advertising_interval_min=20,
            advertising_interval_max=20,
            **advertising,
        )
        return device


async def within(awaitable: Any) -> Any:
    return await asyncio.wait_for(awaitable, TIMEOUT_S)


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture(params=["medium", STOCK])
def controllers(request: pytest.FixtureRequest) -> Callable[..., Controllers]:
    return lambda timing=None: Controllers(request.param, timing)


async def connected(controllers: Controllers) -> tuple[Device, Device, Connection, Connection]:
    peripheral = await controllers.peripheral()
    central = await controllers.device(1)
    there: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
    peripheral.on("connection", there.set_result)
    here = await within(central.connect_le(hci.Address(ADDRESSES[0])))
    return central, peripheral, here, await within(there)


async def test_features_that_it_has_not_are_not_claimed(
    controllers: Callable[..., Controllers],
) -> None:
    host = (await controllers().device(1)).host
    assert host.supports_le_features(hci.LeFeatureMask.LE_ENCRYPTION)
    for missing in (
        hci.LeFeatureMask.LE_EXTENDED_ADVERTISING,
        hci.LeFeatureMask.LE_PERIODIC_ADVERTISING,
    ):
        assert not host.supports_le_features(missing)


async def test_reset_ends_connections_and_advertising(
    controllers: Callable[..., Controllers],
) -> None:
    w = controllers()
    central, peripheral, _, there = await connected(w)
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    there.on(Connection.EVENT_DISCONNECTION, ended.set_result)
    await within(central.host.reset())
    assert await within(ended) in (0x08, 0x15)
    assert not peripheral.connections


async def test_a_reset_stops_scanning(controllers: Callable[..., Controllers]) -> None:
    w = controllers()
    hub = w.controller()
    device = await w.device(1, hub)
    await device.start_scanning()
    assert hub.le_scan_enable
    await within(device.host.reset())
    assert not hub.le_scan_enable


async def test_a_cancelled_connection_attempt_is_over(
    controllers: Callable[..., Controllers],
) -> None:
    w = controllers()
    central = await w.device(1)
    with contextlib.suppress(core.TimeoutError, asyncio.TimeoutError):
        await within(central.connect_le(hci.Address(ADDRESSES[0]), timeout=0.05))
    await w.peripheral()
    connection = await within(central.connect_le(hci.Address(ADDRESSES[0]), timeout=TIMEOUT_S))
    assert connection.peer_address == hci.Address(ADDRESSES[0])


async def test_of_two_centrals_one_gets_the_connection(
    controllers: Callable[..., Controllers],
) -> None:
    w = controllers()
    centrals = [await w.device(1), await w.device(2)]
    peripheral = await w.peripheral()
    await asyncio.gather(
        *(c.connect_le(hci.Address(ADDRESSES[0]), timeout=0.2) for c in centrals),
        return_exceptions=True,
    )
    assert sum(len(c.connections) for c in centrals) == len(peripheral.connections) == 1


async def test_the_peripheral_is_told_the_centrals_parameters(
    controllers: Callable[..., Controllers],
) -> None:
    _, _, here, there = await connected(controllers())
    assert there.parameters.connection_interval == here.parameters.connection_interval
    assert there.parameters.supervision_timeout == here.parameters.supervision_timeout


async def advertisements(device: Device, *, active: bool) -> list[Any]:
    seen: asyncio.Queue[Any] = asyncio.Queue()
    device.on("advertisement", seen.put_nowait)
    await device.start_scanning(active=active)
    heard = [await within(seen.get()) for _ in range(3)]
    await device.stop_scanning()
    return heard


async def test_a_scan_response_is_the_advertisers_own(
    controllers: Callable[..., Controllers],
) -> None:
    w = controllers()
    await w.peripheral()
    seen = await advertisements(await w.device(1), active=True)
    name = core.AdvertisingData.COMPLETE_LOCAL_NAME
    assert seen[-1].data.get(name) == "AIR"
    assert len(seen[-1].data.get_all(core.AdvertisingData.FLAGS)) == 1


async def test_who_does_not_take_connections_says_so(
    controllers: Callable[..., Controllers],
) -> None:
    w = controllers()
    await w.peripheral(advertising_type=AdvertisingType.UNDIRECTED_SCANNABLE)
    central = await w.device(1)
    seen = await advertisements(central, active=True)
    assert not seen[-1].is_connectable
    with pytest.raises((core.TimeoutError, asyncio.TimeoutError)):
        await within(central.connect_le(hci.Address(ADDRESSES[0]), timeout=0.2))


async def test_packets_complete_when_they_have_been_sent(
    controllers: Callable[..., Controllers],
) -> None:
    _, _, here, _ = await connected(controllers(Timing(interval_ms=1000)))
    await turns()
    queue = here.data_packet_queue
    assert queue is not None
    before = queue.completed
    here.send_l2cap_pdu(4, bytes(20))
    await turns()
    assert queue.completed == before  # the next connection event is up to a second away
    assert queue.pending == 1


async def test_a_long_pdu_reaches_the_host_in_fragments(
    controllers: Callable[..., Controllers],
) -> None:
    _, peripheral, here, _ = await connected(controllers())
    lengths = []

    def note(packet: Any) -> None:
        if isinstance(packet, hci.HCI_AclDataPacket):
            lengths.append(packet.data_total_length)

    on_packet = Host.on_hci_packet

    def spy(host: Host, packet: Any) -> None:
        if host is peripheral.host:
            note(packet)
        on_packet(host, packet)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Host, "on_hci_packet", spy)
        here.send_l2cap_pdu(4, bytes(600))
        await turns(100)
    assert sum(lengths) == 604
    assert max(lengths) <= 251


async def test_data_of_251_octets_is_offered(controllers: Callable[..., Controllers]) -> None:
    device = await controllers().device(1)
    assert device.host.le_acl_packet_queue is not None
    assert device.host.le_acl_packet_queue.max_packet_size == 251


async def test_data_length_can_be_set(controllers: Callable[..., Controllers]) -> None:
    _, _, here, _ = await connected(controllers())
    await within(here.set_data_length(251, 2120))
    await turns()
    assert here.data_length.max_tx_octets == 251


async def test_the_phy_can_be_set_and_read(controllers: Callable[..., Controllers]) -> None:
    _, _, here, _ = await connected(controllers(Timing(15, phy=2)))
    await within(here.set_phy([hci.Phy.LE_2M], [hci.Phy.LE_2M]))
    await turns()
    phy = await within(here.get_phy())
    assert (phy.tx_phy, phy.rx_phy) == (hci.Phy.LE_2M, hci.Phy.LE_2M)


async def test_signal_strength_can_be_read(controllers: Callable[..., Controllers]) -> None:
    _, _, here, _ = await connected(controllers())
    assert -100 < await within(here.get_rssi()) < 0


async def test_a_public_address_carries_data(controllers: Callable[..., Controllers]) -> None:
    w = controllers()
    peripheral = await w.peripheral()
    there: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
    peripheral.on("connection", there.set_result)
    central = await w.device(1)
    here = await within(
        central.connect_le(hci.Address(ADDRESSES[0]), own_address_type=hci.OwnAddressType.PUBLIC)
    )
    await within(there)
    # An MTU exchange needs data both ways.
    assert await within(core_request_mtu(here)) == 100


async def core_request_mtu(connection: Connection) -> int:
    return int(await connection.gatt_client.request_mtu(100))
