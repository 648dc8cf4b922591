# SPDX-License-Identifier: Apache-2.0
"""Tests rules of the link that take time to show, in virtual time: what waits, and what ends."""

import asyncio
import struct

import cbor2
from bleak import BleakClient, BleakScanner
from glint import protocol
from glint.backend import client_backend, scanner_backend
from test_link import PHONE, connected, in_virtual_time, until

# Notifications of one packet that wait in the stack and its controller (test_radio_nimble.py).
QUEUED_MAX = 18


def test_the_pairing_window_closes_by_itself():
    async def job(_, glasses):
        assert await glasses.pairing_left() == 0
        opened_s = await glasses.let_pair()
        assert opened_s == protocol.LIMIT_PAIRING_WINDOW_MS / 1000
        await asyncio.sleep(opened_s - 1)
        assert await glasses.pairing_left() > 0
        await asyncio.sleep(2)
        assert await glasses.pairing_left() == 0

    connected(job)


def test_an_event_waits_for_nothing_but_what_the_stack_has_already():
    async def job(simulation):
        simulation.photo_bytes = 150_000
        device = await BleakScanner.find_device_by_name(
            "Glint", backend=scanner_backend(simulation.address)
        )
        async with BleakClient(device, backend=client_backend(simulation.address)) as client:
            await client.pair()
            heard, answers = [], []
            for uuid in (protocol.UUID_MEDIA, protocol.UUID_EVENTS):
                await client.start_notify(
                    uuid, lambda sender, data: heard.append((sender.uuid, data))
                )
            await client.start_notify(protocol.UUID_SMP, lambda _, data: answers.append(data))

            async def write(uuid, data):
                await client.write_gatt_char(uuid, data, response=False)

            # SMP headers: op, flags, length, group 64, sequence, command; {"from": 0} and {}.
            await write(protocol.UUID_SMP, bytes.fromhex("0a00000700400001a16466726f6d00"))
            await write(protocol.UUID_SMP, bytes.fromhex("0a00000100400102a0"))
            await until(lambda: len(answers) == 2)
            await asyncio.sleep(1)
            number = cbor2.loads(answers[1][8:])["id"]
            whole = struct.pack("<BHII", protocol.MEDIA_WANT, number, 0, 150_000)
            await write(protocol.UUID_MEDIA, whole)
            await write(protocol.UUID_MEDIA, struct.pack("<BH", protocol.MEDIA_CREDIT, 2000))
            waited = []
            for press in range(10):
                await asyncio.sleep(0.3)
                start = len(heard)
                simulation.peripherals.button(bool(press & 1))
                await until(lambda start=start: any(is_event(one) for one in heard[start:]))
                chunks = heard[start:]
                waited.append([is_event(one) for one in chunks].index(True))
            assert sum(len(data) for _, data in heard) < 150_000  # meanwhile, the photo
            return waited

    def is_event(one):
        return one[0] == protocol.UUID_EVENTS

    waited = in_virtual_time(job, PHONE, 185)
    assert max(waited) <= QUEUED_MAX
    assert min(waited) > 0
