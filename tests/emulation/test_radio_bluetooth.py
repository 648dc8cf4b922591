# SPDX-License-Identifier: Apache-2.0
"""Tests the API of the emulated `bluetooth` against MicroPython's extmod/modbluetooth.c."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from radio_fixtures import RadioSetup, radio_setup
from workbench.emulation.radio import wire
from workbench.emulation.radio.bonds import Secret
from workbench.paths import BOARDS

TEXT = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"


@pytest_asyncio.fixture
async def w() -> AsyncIterator[RadioSetup]:
    async with radio_setup() as it:
        yield it


def test_both_ends_number_the_frames_alike() -> None:
    files = ("bluetooth.py", "bluetooth_host.py")
    source = "".join((BOARDS / "simulation" / name).read_text() for name in files)
    numbers = set(re.findall(r"^_(?:OP|IRQ|EVENT)_(\w+) = const\((\d+)\)", source, re.M))
    assert len(numbers) > 15
    for name, number in numbers - {("OP_IN_EVENT", "128")}:
        assert int(number) in (getattr(wire.Op, name, None), getattr(wire.Event, name, None)), name
    items = re.search(r"^_ITEMS = (\(.*\))", source, re.M)
    assert items is not None
    names = [item.name.lower() for item in wire.Item if item is not wire.Item.GAP_NAME]
    assert re.findall(r'"(\w+)"', items[1]) == names
    for name in ("BLOCKS", "FIRST_BLOCK_BYTES", "BLOCK_BYTES"):
        assert f"_{name} = const({getattr(wire, name)})" in source


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("repr(UUID(0x2a19))", "UUID(0x2a19)"),
        (f"repr(UUID('{TEXT.upper()}'))", f"UUID('{TEXT}')"),
        ("repr(UUID(bytes(range(4))))", "UUID(0x03020100)"),
        (f"bytes(UUID('{TEXT}'))", bytes.fromhex(TEXT.replace("-", ""))[::-1]),
        ("bytes(UUID(0x2a19))", b"\x19\x2a"),
        (f"UUID('{TEXT}') == UUID(bytes(UUID('{TEXT}')))", True),
        ("UUID(1) == UUID(b'\\x01\\x00')", True),
        ("UUID(1) == 1", False),
        ("UUID(1) < UUID(2) <= UUID(2)", True),
        ("UUID(2) > UUID(1) >= UUID(1)", True),
        (f"UUID(0xffff) < UUID('{TEXT}')", True),
        ("{UUID(1): 'one'}[UUID(1)]", "one"),
        ("hash(UUID(1)) == hash(UUID(1))", True),
    ],
)
async def test_uuids(w: RadioSetup, expression: str, value: object) -> None:
    assert await w.dut.value(expression) == value


async def test_what_is_refused_and_how(w: RadioSetup) -> None:
    for source, error in (
        ("UUID(0x10000)", "ValueError('invalid UUID',)"),
        ("UUID('6e4')", "ValueError('UUID too short',)"),
        (f"UUID('{TEXT}0')", "ValueError('UUID too long',)"),
        (f"UUID('{TEXT[:-1]}g')", "ValueError('invalid char in UUID',)"),
        ("ble.config(speed=1)", "ValueError('unknown config param',)"),
        ("ble.config('speed')", "ValueError('unknown config param',)"),
        ("ble.config('mtu', mtu=23)", 'TypeError("can\'t specify pos and kw args",)'),
        ("ble.config(rxbuf=100)", "ValueError('unknown config param',)"),
        ("ble.config(mtu=22)", "OSError(22,)"),
        ("ble.config(mtu=528)", "OSError(22,)"),
        ("ble.config(gap_name='x' * 32)", "OSError(22,)"),
        ("ble.irq(1)", "ValueError('invalid handler',)"),
        ("ble.gatts_write(999, b'')", "OSError(22,)"),
        ("ble.gatts_set_buffer(999, 1)", "OSError(22,)"),
        ("ble.gatts_notify(9, plain, b'x')", "OSError(107,)"),
        ("ble.gap_pair(9)", "OSError(107, "),
        ("ble.gap_advertise(10000)", "OSError(22, "),
        ("ble.gap_advertise(30000, bytes(32))", "OSError(-18,)"),
        ("ble.gap_advertise(30000, resp_data=bytes(32))", "OSError(22,)"),
        ("ble.gap_scan(0)", "OSError(95, 'the emulated radio is a peripheral"),
        ("ble.gatts_register_services(((1, ()),))", "ValueError('invalid service UUID',)"),
    ):
        assert (await w.dut.run(source)).startswith(error), source


async def test_what_can_be_asked(w: RadioSetup) -> None:
    assert await w.dut.value("ble.config('gap_name')") == b"DUT"
    assert await w.dut.value("ble.config('mtu')") == 247
    kind, address = await w.dut.value("ble.config('mac')")
    assert kind == 1
    assert (await w.find()).address == address.hex(":").upper()
    assert await w.dut.value("ble.gap_disconnect(9)") is False
    assert await w.dut.value("ble.gatts_read(999)") == b""
    assert await w.dut.value("BLE() is ble") is True


async def test_everything_needs_the_radio_to_be_on(w: RadioSetup) -> None:
    assert await w.dut.value("ble.active(False)") is False
    for source in (
        "ble.config('mac')",
        "ble.config('mtu')",
        "ble.config(mtu=100)",
        "ble.gap_advertise(30000)",
        "ble.gatts_register_services(())",
        "ble.gatts_write(1, b'')",
        "ble.gatts_notify(1, 1, b'')",
        "ble.gap_disconnect(1)",
    ):
        assert await w.dut.run(source) == "OSError(19,)", source
    assert await w.dut.run("ble.config(bond=True, io=3)") == "None"
    assert not w.dut.radio.advertising.is_set()


async def test_descriptors_get_handles_in_their_place(w: RadioSetup) -> None:
    await w.dut.run("ble.gap_advertise(None)")
    services = (
        "((UUID(1), ((UUID(2), 2, ((UUID(0x2901), 2), (UUID(0x2904), 2))), (UUID(3), 8))),"
        " (UUID(4), ((UUID(5), 16),)))"
    )
    one, two = await w.dut.value(f"ble.gatts_register_services({services})")
    assert [len(one), len(two)] == [4, 1]
    assert one[:3] == (one[0], one[0] + 1, one[0] + 2)
    await w.dut.run(f"ble.gatts_write({one[1]}, b'what it is'); advertise()")
    async with await w.client() as client:
        described = client.services.get_descriptor(one[1])
        assert described is not None
        assert await client.read_gatt_descriptor(described) == b"what it is"


async def test_no_controller_is_an_error_that_says_where() -> None:
    async with radio_setup() as w:
        await w.server.close()
        text = await w.dut.run("ble.active(True)")
        assert text.startswith('OSError(19, "no controller at tcp-client:127.0.0.1:')


def test_secrets_are_laid_out_as_nimbles() -> None:
    from bumble.hci import Address

    secret = Secret(Address("F0:01:02:03:04:05"), bytes(range(16)), None, True, True, 7, 9)
    data = secret.pack()
    # Offsets by hand from struct ble_store_value_sec with natural alignment.
    assert (len(data), data[0], data[1:7].hex(), data[7]) == (80, 1, "0504030201f0", 16)
    assert int.from_bytes(data[8:10], "little") == 7
    assert int.from_bytes(data[16:24], "little") == 9
    assert data[24:40] == bytes(range(16))
    assert (data[40], data[57], data[74]) == (1, 0, 6)
    assert Secret.unpack(data) == secret
    assert Secret.unpack(data[:-1]) is None
