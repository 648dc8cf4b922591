# SPDX-License-Identifier: Apache-2.0
"""Tests the HCI ports of the medium: sockets, ptys, hosts that die, and the standalone program."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from bumble import hci
from bumble.device import Device, DeviceConfiguration
from bumble.transport import open_transport
from bumble.transport.common import Transport
from workbench.emulation.medium import Medium, serve
from workbench.paths import ROOT

TIMEOUT_S = 5.0
PERIPHERAL, CENTRAL = "F0:00:00:00:00:01", "F0:00:00:00:00:02"


async def host(spec: str, address: str) -> tuple[Transport, Device]:
    transport = await open_transport(spec)
    device = Device.from_config_with_hci(
        DeviceConfiguration(address=hci.Address(address)), transport.source, transport.sink
    )
    await asyncio.wait_for(device.power_on(), TIMEOUT_S)
    return transport, device


async def end(transport: Transport) -> None:
    await transport.close()
    await asyncio.wait_for(asyncio.wait({transport.source.terminated}), TIMEOUT_S)


@pytest.mark.parametrize("kind", ["tcp", "unix"])
async def test_hosts_meet_and_their_death_is_heard(kind: str, tmp_path: Path) -> None:
    fds = len(os.listdir("/proc/self/fd"))
    medium = Medium()
    spec = "tcp:127.0.0.1:0" if kind == "tcp" else f"unix:{tmp_path / 'hci'}"
    server = await serve(medium, spec)
    there, peripheral = await host(server.address, PERIPHERAL)
    await peripheral.start_advertising(advertising_interval_min=20, advertising_interval_max=20)
    here, central = await host(server.address, CENTRAL)
    connection = await central.connect_le(hci.Address(PERIPHERAL), timeout=TIMEOUT_S)
    reason: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    connection.on("disconnection", reason.set_result)
    await end(there)
    assert await asyncio.wait_for(reason, TIMEOUT_S) == 0x08
    assert len(medium.controllers) == 1
    await server.close()
    await asyncio.wait_for(asyncio.wait({here.source.terminated}), TIMEOUT_S)
    assert not medium.controllers
    assert not (tmp_path / "hci").exists()
    await asyncio.sleep(0)
    assert len(os.listdir("/proc/self/fd")) == fds


def public_addresses(medium: Medium) -> set[str]:
    return {controller.public_address.to_string(False) for controller in medium.controllers}


async def test_a_host_that_comes_again_has_its_public_address_again() -> None:
    medium = Medium()
    server = await serve(medium, "tcp:127.0.0.1:0")
    first, _ = await host(server.address, PERIPHERAL)
    first_address = public_addresses(medium)
    second, _ = await host(server.address, CENTRAL)
    both = public_addresses(medium)
    assert len(both) == 2
    await end(first)
    assert public_addresses(medium) == both - first_address
    first, _ = await host(server.address, PERIPHERAL)
    assert public_addresses(medium) == both
    for transport in (first, second):
        await end(transport)
    await server.close()


async def test_a_port_may_have_an_address_of_its_own() -> None:
    medium = Medium()
    servers = [
        await serve(medium, "tcp:127.0.0.1:0"),
        await serve(medium, "tcp:127.0.0.1:0", public_address="C0:FF:EE:01:02:03"),
    ]
    transports = [(await host(server.address, CENTRAL))[0] for server in servers]
    assert "C0:FF:EE:01:02:03" in public_addresses(medium)
    for transport in transports:
        await end(transport)
    for server in servers:
        await server.close()


async def test_a_pty_is_a_serial_controller(tmp_path: Path) -> None:
    medium = Medium()
    server = await serve(medium, f"pty:{tmp_path / 'hci'}")
    assert server.address == f"serial:{tmp_path / 'hci'}"
    file = os.open(tmp_path / "hci", os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(file, b"\x01" + bytes(hci.HCI_Reset_Command())[1:])
        answer = await asyncio.to_thread(os.read, file, 64)
    finally:
        os.close(file)
    assert answer.hex() == "040e0401030c00"
    await server.close()
    assert not (tmp_path / "hci").exists()


@pytest.mark.parametrize("spec", ["tcp", "tcp:9100", "udp:127.0.0.1:1", "unix:", ""])
async def test_other_addresses_are_refused(spec: str) -> None:
    with pytest.raises(ValueError, match="tcp:HOST:PORT"):
        await serve(Medium(), spec)


async def test_garbage_from_a_host_hurts_nobody_else() -> None:
    medium = Medium()
    server = await serve(medium, "tcp:127.0.0.1:0")
    name, port = server.address.removeprefix("tcp-client:").split(":")
    _, writer = await asyncio.open_connection(name, int(port))
    writer.write(bytes(range(256)) * 20)
    await writer.drain()
    transport, device = await host(server.address, CENTRAL)
    assert device.powered_on
    writer.close()
    await writer.wait_closed()
    await end(transport)
    await server.close()


async def program(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "workbench.emulation.medium",
        *arguments,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'companion'}:{ROOT / 'tools'}"},
        stdout=asyncio.subprocess.PIPE,
    )


async def test_the_program_says_where_and_captures(tmp_path: Path) -> None:
    capture = tmp_path / "hci.btsnoop"
    process = await program("--interval-ms", "15", "--phy", "2", "--capture", str(capture))
    assert process.stdout is not None
    ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    assert ready["event"] == "ready"
    transport, _ = await host(ready["hci"], CENTRAL)
    await end(transport)
    process.terminate()
    assert await asyncio.wait_for(process.wait(), TIMEOUT_S) == 0
    # RFC 1761 as btsnoop uses it: magic, version 1, data link type 1002 (H4), then records.
    data = capture.read_bytes()
    assert data[:16] == b"btsnoop\0\0\0\0\x01\0\0\x03\xea"
    assert int.from_bytes(data[16:20], "big") == 4
    assert data[40:44].hex() == "01030c00"


async def test_the_program_refuses_what_it_cannot_do() -> None:
    process = await program("--phy", "3")
    out, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert out == b"phy 3: 1 or 2 Mbit/s\n"
