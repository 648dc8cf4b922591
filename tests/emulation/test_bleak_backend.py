# SPDX-License-Identifier: Apache-2.0
"""Tests bleak's API in a simulated medium, against a bumble peripheral without firmware."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import bleak
import pytest
import pytest_asyncio
from bleak import BleakAdapter, BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)
from bleak_peripheral import (
    ADDRESS,
    MITM,
    SECRET,
    SERVICE,
    SMP_SERVICE,
    STREAM,
    VALUE,
    Peripheral,
)
from glint.backend import client_backend, close, install, scanner_backend
from workbench.emulation.medium import Medium, Server, Timing, serve
from workbench.paths import ROOT


class Place:
    """A medium, a peripheral in it, and clients of it."""

    def __init__(self, medium: Medium, server: Server, peripheral: Peripheral) -> None:
        self.medium = medium
        self.server = server
        self.peripheral = peripheral

    async def find(self, keystore: Path | None = None) -> BLEDevice:
        found = await BleakScanner.find_device_by_name(
            "PEER", timeout=5, backend=scanner_backend(self.server.address, keystore)
        )
        assert found is not None
        return found

    async def client(self, keystore: Path | None = None, **kwargs: Any) -> BleakClient:
        backend = client_backend(self.server.address, keystore)
        return BleakClient(await self.find(keystore), backend=backend, timeout=5, **kwargs)


@pytest_asyncio.fixture
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    medium = Medium(getattr(request, "param", None))
    server = await serve(medium, "tcp:127.0.0.1:0")
    peripheral = Peripheral(medium)
    await peripheral.start()
    yield Place(medium, server, peripheral)
    await close(server.address)
    await peripheral.device.stop_advertising()
    await server.close()


async def test_scanning_tells_all_that_is_advertised(place: Place) -> None:
    found = await BleakScanner.discover(
        0.2, return_adv=True, backend=scanner_backend(place.server.address)
    )
    device, advertised = found[ADDRESS]
    assert (device.name, advertised.local_name) == ("PEER", "PEER")
    assert advertised.service_uuids == [SERVICE, SMP_SERVICE.lower()]
    assert advertised.rssi < 0
    for uuid, count in ((SERVICE, 1), ("180d", 0)):
        backend = scanner_backend(place.server.address)
        assert len(await BleakScanner.discover(0.1, service_uuids=[uuid], backend=backend)) == count


async def test_a_client_reads_writes_and_is_notified(place: Place) -> None:
    async with await place.client() as client:
        assert client.mtu_size == 247
        stream = client.services.get_characteristic(STREAM)
        assert stream is not None
        assert stream.properties == ["read", "notify"]
        assert stream.max_write_without_response_size == 244
        described = stream.get_descriptor("2901")
        assert described is not None
        assert await client.read_gatt_descriptor(described) == b"stream"
        assert await client.read_gatt_char(VALUE) == b"value"
        await client.write_gatt_char(VALUE, b"with", response=True)
        await client.write_gatt_char(VALUE, b"without", response=False)
        got: asyncio.Queue[bytes] = asyncio.Queue()
        await client.start_notify(STREAM, lambda _, value: got.put_nowait(bytes(value)))
        with pytest.raises((BleakError, ValueError)):
            await client.start_notify(STREAM, lambda *_: None)
        for number in range(500):
            await place.peripheral.notify(number.to_bytes(2, "little"))
        received = [int.from_bytes(await got.get(), "little") for _ in range(500)]
        assert received == list(range(500))
        await client.stop_notify(STREAM)
        await place.peripheral.notify(b"unheard")
        await client.read_gatt_char(VALUE)
        assert got.empty()
    assert place.peripheral.written == [b"with", b"without"]


async def test_what_cannot_work_says_why(place: Place) -> None:
    async with await place.client() as client:
        with pytest.raises(BleakError, match="was not found"):
            await client.read_gatt_char("2a19")
        with pytest.raises(BleakError, match="notif"):
            await client.start_notify(VALUE, lambda *_: None)
        with pytest.raises(BleakError, match="the link takes 244"):
            await client.write_gatt_char(VALUE, bytes(245), response=False)
        with pytest.raises(BleakError, match="already connected"):
            await client.connect()
    with pytest.raises(BleakError, match="Service Discovery has not been performed"):
        await client.read_gatt_char(VALUE)


async def test_long_values_go_in_parts(place: Place) -> None:
    async with await place.client() as client:
        await client.write_gatt_char(VALUE, bytes(range(256)) * 2, response=True)
    assert b"".join(place.peripheral.written) == bytes(range(256)) * 2


async def test_an_address_will_do(place: Place) -> None:
    backend = client_backend(place.server.address)
    async with BleakClient(ADDRESS, backend=backend) as client:
        assert client.name == "PEER"
    with pytest.raises(BleakDeviceNotFoundError):
        await BleakClient("F0:00:00:00:00:00", backend=backend, timeout=0.3).connect()


async def test_pairing_on_demand_happens_once(place: Place) -> None:
    async with await place.client() as client:
        values = await asyncio.gather(*(client.read_gatt_char(SECRET) for _ in range(4)))
        assert values == [b"secret"] * 4
        # bumble's own peripheral takes Just Works for authentication: say that it is not.
        place.peripheral.connection.authenticated = False
        with pytest.raises(BleakGATTProtocolError):
            await client.read_gatt_char(MITM)
    assert place.peripheral.device.keystore is not None
    assert len(await place.peripheral.device.keystore.get_all()) == 1


async def test_a_bond_survives_in_its_file(place: Place, tmp_path: Path) -> None:
    keystore = tmp_path / "bonds" / "hci.json"
    addresses = []
    for _ in range(2):
        async with await place.client(keystore) as client:
            assert await client.read_gatt_char(SECRET) == b"secret"
            addresses.append(place.peripheral.connection.peer_address)
        await close(place.server.address)  # as the end of the program does
    assert addresses[0] == addresses[1]
    assert place.peripheral.device.keystore is not None
    assert len(await place.peripheral.device.keystore.get_all()) == 1
    assert list(json.loads(keystore.read_text())) == [str(addresses[0])]


async def test_a_forgotten_bond_is_told_and_unpairing_helps(place: Place) -> None:
    async with await place.client() as client:
        await client.pair()
    assert place.peripheral.device.keystore is not None
    await place.peripheral.device.keystore.delete_all()
    async with await place.client() as client:
        with pytest.raises(BleakError, match="unpair"):
            await client.read_gatt_char(SECRET)
        await client.unpair()
    async with await place.client() as client:
        assert await client.read_gatt_char(SECRET) == b"secret"


async def test_a_request_ends_with_the_link(place: Place) -> None:
    gone = asyncio.Event()
    async with await place.client(disconnected_callback=lambda _: gone.set()) as client:
        reading = asyncio.gather(
            *(client.read_gatt_char(VALUE) for _ in range(3)), return_exceptions=True
        )
        await place.peripheral.connection.disconnect()
        results = await asyncio.wait_for(reading, 5)
        await asyncio.wait_for(gone.wait(), 5)
        assert not client.is_connected
    for result in results:
        assert result == b"value" or isinstance(result, BleakError)


async def test_a_cancelled_connect_leaves_the_adapter_usable(place: Place) -> None:
    device = await place.find()
    await place.peripheral.device.stop_advertising()
    backend = client_backend(place.server.address)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await BleakClient(device, backend=backend).connect()
    with pytest.raises(TimeoutError):
        await BleakClient(device, backend=backend, timeout=0.2).connect()
    await place.peripheral.start()
    async with BleakClient(device, backend=backend, timeout=5) as client:
        assert await client.read_gatt_char(VALUE) == b"value"


@pytest.mark.parametrize("place", [Timing(supervision_s=0.3)], indirect=True)
async def test_out_of_range_and_back(place: Place) -> None:
    gone = asyncio.Event()
    async with await place.client(disconnected_callback=lambda _: gone.set()) as client:
        # A short absence loses nothing: the link layer repeats.
        place.medium.out_of_range()
        reading = asyncio.create_task(client.read_gatt_char(VALUE))
        await asyncio.sleep(0.05)
        assert not reading.done()
        place.medium.out_of_range(False)
        assert await reading == b"value"
        # A long one ends the link.
        place.medium.out_of_range()
        with pytest.raises(BleakError, match="Disconnected"):
            await client.read_gatt_char(VALUE)
        await asyncio.wait_for(gone.wait(), 5)
    assert await asyncio.wait_for(place.peripheral.ended.get(), 5) == 0x08
    place.medium.out_of_range(False)
    async with await place.client() as client:
        assert await client.read_gatt_char(VALUE) == b"value"


@pytest.mark.parametrize("place", [Timing(interval_ms=15)], indirect=True)
async def test_a_short_absence_keeps_the_order(place: Place) -> None:
    async with await place.client() as client:
        got: asyncio.Queue[int] = asyncio.Queue()
        await client.start_notify(STREAM, lambda _, v: got.put_nowait(int.from_bytes(v, "little")))
        for number in range(60):
            if number == 20:
                place.medium.out_of_range()
            if number == 40:
                place.medium.out_of_range(False)
            await place.peripheral.notify(number.to_bytes(2, "little"))
            await asyncio.sleep(0.002)
        async with asyncio.timeout(5):
            assert [await got.get() for _ in range(60)] == list(range(60))


async def test_a_medium_that_goes_away_is_a_lost_adapter(place: Place) -> None:
    gone = asyncio.Event()
    device = await place.find()
    async with await place.client(disconnected_callback=lambda _: gone.set()) as client:
        await place.server.close()
        await asyncio.wait_for(gone.wait(), 5)
        with pytest.raises(BleakError):
            await client.read_gatt_char(VALUE)
    backend = client_backend(place.server.address)
    with pytest.raises(BleakBluetoothNotAvailableError, match="No HCI controller at tcp"):
        await BleakClient(device, backend=backend).connect()


async def test_no_controller_there() -> None:
    with pytest.raises(BleakBluetoothNotAvailableError, match="No HCI controller at tcp"):
        await BleakScanner.discover(0.1, backend=scanner_backend("tcp-client:127.0.0.1:9"))


LISTENER = """
import asyncio, sys
from bleak import BleakClient, BleakScanner
from glint.backend import install
install(sys.argv[1])
async def main():
    device = await BleakScanner.find_device_by_name("PEER", timeout=5)
    async with BleakClient(device) as client:
        print("connected", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_a_killed_companion_is_a_lost_link(place: Place) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'companion'}:{ROOT / 'tools'}"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        LISTENER,
        place.server.address,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 20) == b"connected\n"
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    assert await asyncio.wait_for(place.peripheral.ended.get(), 5) == 0x08
    async with await place.client() as client:
        assert await client.read_gatt_char(VALUE) == b"value"


@pytest.fixture
def installed(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    for module in (bleak, bleak.backends.client, bleak.backends.scanner, bleak.backends.adapter):
        for kind in ("client", "scanner", "adapter"):
            name = f"get_platform_{kind}_backend_type"
            if hasattr(module, name):
                monkeypatch.setattr(module, name, getattr(module, name))
    install(place.server.address)
    return place


async def test_installed_under_programs_that_choose_no_backend(installed: Place) -> None:
    device = await BleakScanner.find_device_by_name("PEER", timeout=5)
    assert device is not None
    async with BleakClient(device) as client:
        assert await client.read_gatt_char(VALUE) == b"value"
        (connected,) = await (await BleakAdapter.get()).get_connected_devices()
        assert connected.address == ADDRESS


async def test_smpclients_own_transport_gets_its_echo(installed: Place) -> None:
    from smpclient import SMPClient
    from smpclient.requests.os_management import EchoWrite
    from smpclient.transport.ble import SMPBLETransport

    async with SMPClient(SMPBLETransport(), ADDRESS) as client:
        for text in ("hello", "x" * 200):
            answer = await client.request(EchoWrite(d=text))
            assert answer.r == text  # type: ignore[union-attr]


async def test_closing_leaves_nothing(place: Place) -> None:
    before = asyncio.all_tasks()
    sockets = len(os.listdir("/proc/self/fd"))
    client = await place.client()
    await client.connect()
    await client.pair()
    await close(place.server.address)
    assert not client.is_connected
    await asyncio.wait_for(place.peripheral.ended.get(), 5)
    async with asyncio.timeout(5):  # the peripheral starts to advertise again
        while not asyncio.all_tasks() <= before:
            await asyncio.sleep(0.01)
    assert len(os.listdir("/proc/self/fd")) == sockets


async def test_smpclients_bumble_transport_gets_its_echo(place: Place) -> None:
    from smpclient import SMPClient
    from smpclient.requests.os_management import EchoWrite
    from smpclient.transport.bumble import SMPBumbleTransport

    async with SMPClient(SMPBumbleTransport(hci=place.server.address), "PEER") as client:
        answer = await client.request(EchoWrite(d="hello"))
        assert answer.r == "hello"  # type: ignore[union-attr]
