# SPDX-License-Identifier: Apache-2.0
"""Malicious centrals get nothing, and the companion of the glasses goes on as before."""

import asyncio
import contextlib
import json
import random
import struct

import glint.backend
import pytest
import pytest_asyncio
from bleak.uuids import normalize_uuid_16
from bumble import hci
from glint import protocol
from glint.smp_manage import JournalRead
from hostile import ATT_CID, ECHO, SMP_CID, Central
from smp import os_management
from workbench.testing import targets

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs("hci")]

NOT_AUTHENTICATED, NOT_PERMITTED, NOT_AUTHORISED = 0x05, 0x02, 0x08
RESET = bytes(os_management.ResetWriteRequest())
NOTIFICATION = 0x1B  # the ATT operation
NOTHING = {NOT_AUTHENTICATED, NOT_PERMITTED, NOT_AUTHORISED, None}
# Name, appearance, "service changed" (which is empty), and whether pairing is open.
PUBLIC = {*map(normalize_uuid_16, (0x2A00, 0x2A01, 0x2A05)), protocol.UUID_PAIRING}
# The heap that comes and goes with a connection.
HEAP_SLACK_BYTES = 60_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(target_name, stack):
    async with targets.named(target_name) as started:
        async with started.connect():
            pass  # its companion, which has paired
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def unharmed(target):
    """Checks after the test that its companion works as before: same boot, bonds and heap."""

    async def state():
        async with target.connect() as glasses:
            status = await glasses.status()
            journal = await glasses.request(JournalRead())
            return journal.boot, await glasses.bonds(), status

    boot, bonds, before = await state()
    yield
    now, kept, after = await state()
    assert now == boot
    assert kept == bonds
    assert after.heap_used < before.heap_used + HEAP_SLACK_BYTES
    assert not after.light


@contextlib.asynccontextmanager
async def window(target):
    """Opens the pairing window; at other times, a stranger has no time to do anything."""
    async with target.connect() as glasses:
        await glasses.let_pair()
    yield
    async with target.connect() as glasses:
        await glasses.let_pair(False)


def companion_address(target):
    (address,) = json.loads(glint.backend.keystore(target.sim.address).read_text())
    return address


def heard_nothing(intruder, target):
    """Whether it got no notification, and read only what is public."""
    return not any(pdu[0] == NOTIFICATION or target.board.encode() in pdu for pdu in intruder.heard)


def only_public(values):
    """Whether only public values could be read."""
    closed = {value for uuid, value in values.items() if uuid not in PUBLIC}
    return bool(closed) and closed <= NOTHING


@pytest.mark.usefixtures("unharmed")
async def test_who_does_not_pair_reads_nothing_and_is_not_heard(target):
    async with window(target), Central(target.sim.address) as stranger:
        await stranger.connect()
        values = await stranger.read_all()
        assert values[protocol.UUID_PAIRING] == bytes([protocol.PAIRING_OPEN])
        assert only_public(values)
        for each in stranger.characteristics():
            if each.properties & each.properties.NOTIFY:
                await stranger.peer.subscribe(each)
        target.sim.do("battery", percent=50, mv=3800)
        target.sim.do("button", pressed=True)
        for uuid in (protocol.UUID_SMP, protocol.UUID_EVENTS, protocol.UUID_MEDIA):
            for data in (ECHO, RESET, struct.pack("<I", 0xFFFFFFFF), b"\x01\xff\xff"):
                stranger.write(uuid, data)
        await stranger.settle()
        assert stranger.heard == []
        await stranger.leave()


@pytest.mark.stacks
@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("manner", ["secure", "legacy", "unbonded"])
async def test_who_pairs_outside_the_window_is_dropped_with_nothing(target, manner):
    ways = {"secure": {}, "legacy": {"sc": False}, "unbonded": {"bonding": False}}
    async with Central(target.sim.address, **ways[manner]) as stranger:
        for _ in range(3):
            await stranger.intrude()
        assert heard_nothing(stranger, target)


@pytest.mark.usefixtures("unharmed")
async def test_who_is_there_when_the_window_closes_is_dropped(target):
    async with Central(target.sim.address) as stranger:
        async with window(target):
            await stranger.connect()
        await stranger.dropped()


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("manner", ["legacy", "unbonded"])
async def test_weak_keys_are_not_kept_inside_the_window_either(target, manner):
    ways = {"legacy": {"sc": False}, "unbonded": {"bonding": False}}
    async with window(target), Central(target.sim.address, **ways[manner]) as stranger:
        await stranger.connect()
        await stranger.pair()
        stranger.write(protocol.UUID_SMP, ECHO)
        await stranger.dropped()
        assert stranger.heard == []


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("how", ["from its address", "as its identity"])
@pytest.mark.parametrize("ways", [{}, {"bonding": False}, {"sc": False}], ids=str)
async def test_nobody_takes_the_place_of_a_companion(target, how, ways):
    victim = companion_address(target)
    means = {"address": victim} if how == "from its address" else {"claims": victim}
    async with Central(target.sim.address, **means, **ways) as thief:
        for _ in range(2):
            await thief.intrude()
        assert heard_nothing(thief, target)


@pytest.mark.usefixtures("unharmed")
async def test_a_key_that_the_glasses_do_not_have_encrypts_nothing(target):
    victim = companion_address(target)
    async with Central(target.sim.address, address=victim) as thief:
        await thief.connect()
        await thief.device.host.send_async_command(
            hci.HCI_LE_Enable_Encryption_Command(
                connection_handle=thief.connection.handle,
                random_number=bytes(8),
                encrypted_diversifier=0,
                long_term_key=bytes(16),
            )
        )
        await asyncio.sleep(0.2)
        thief.write(protocol.UUID_SMP, ECHO)
        await thief.pair()
        thief.write(protocol.UUID_SMP, ECHO)
        await thief.dropped()
        assert thief.heard == []


@pytest.mark.usefixtures("unharmed")
async def test_nonsense_on_att_and_the_security_manager(target):
    rng = random.Random(1)
    async with window(target), Central(target.sim.address) as stranger:
        for _ in range(4):
            await stranger.connect()
            for _ in range(150):
                first = bytes([rng.choice((*range(0x1F), 0x52, 0xD2, rng.randrange(256)))])
                size = rng.choice((0, 1, 2, 5, 20, 200, 512, 2000))  # the last: more than the MTU
                stranger.send(ATT_CID, first + rng.randbytes(size))
            for _ in range(30):
                first = bytes([rng.randrange(0x10)])
                stranger.send(SMP_CID, first + rng.randbytes(rng.choice((0, 1, 6, 16, 64))))
            for cid in (0, 1, 5, 7, 0x40):
                stranger.send(cid, rng.randbytes(20))
            await asyncio.sleep(0.3)
            assert not [data for data in stranger.heard if data.startswith(ECHO[:1])]
            await stranger.leave()


@pytest.mark.usefixtures("unharmed")
async def test_a_flood_fills_nothing(target):
    ways = {"bonding": False}
    async with window(target), Central(target.sim.address, **ways) as stranger:
        await stranger.connect()
        for _ in range(20):
            for _ in range(100):
                stranger.write(protocol.UUID_SMP, bytes(200))
            await stranger.settle()
        await stranger.pair()  # the stack lets its writes through now
        for _ in range(50):
            stranger.write(protocol.UUID_SMP, bytes(200))
        await stranger.dropped()
        assert stranger.heard == []


@pytest.mark.usefixtures("unharmed")
async def test_a_companion_that_talks_nonsense_is_answered_and_the_link_goes_on(target):
    rng = random.Random(2)
    async with target.connect() as glasses:
        link = await glasses._connection.link()

        async def write(uuid, data):
            characteristic = link._client.services.get_characteristic(uuid)
            await link._client.write_gatt_char(characteristic, data, response=False)

        for _ in range(300):
            await write(protocol.UUID_EVENTS, rng.randbytes(rng.choice((0, 1, 3, 5, 244, 500))))
            await write(protocol.UUID_MEDIA, rng.randbytes(rng.choice((0, 1, 3, 7, 244, 500))))
        for _ in range(200):
            body = rng.randbytes(rng.randrange(60))
            group, command = rng.choice((0, 1, 2, 8, 64)), rng.randrange(40)
            if (group, command) in ((0, 5), (64, 32)):
                continue  # a reset, and bonds: requests that they may make
            header = struct.pack(
                ">BBHHBB", rng.choice((8, 10, 0, 2)), 0, len(body), group, 0, command
            )
            await write(protocol.UUID_SMP, header + body)
        # One whose length is more than possible, then a whole buffer of zeros.
        await write(protocol.UUID_SMP, struct.pack(">BBHHBB", 10, 0, 0xFFFF, 0, 0, 0))
        for _ in range(20):
            await write(protocol.UUID_SMP, bytes(240))
        await asyncio.sleep(0.5)
    async with target.connect() as glasses:
        assert (await glasses.status()).board == target.board
        await glasses.let_pair(False)


async def served(central):
    central.heard.clear()
    central.write(protocol.UUID_SMP, ECHO)
    async with asyncio.timeout(5):
        while not central.heard:
            await asyncio.sleep(0.02)


@pytest.mark.stacks
async def test_a_companion_is_known_by_any_address_it_draws(target):
    async with target.connect() as glasses:
        await glasses.let_pair()
    async with Central(target.sim.address) as phone:
        identity = phone.device.static_address
        await phone.go_by(hci.Address.generate_private_address(phone.irk))
        await phone.connect()
        await phone.pair()
        await served(phone)
        await phone.leave()
        await phone.go_by(hci.Address.generate_private_address(phone.irk))
        await phone.connect()
        await phone.encrypt()
        await served(phone)
        # A reset does not make a stranger of it either.
        mark = target.sim.mark()
        phone.write(protocol.UUID_SMP, RESET)
        await target.sim.wait_for("restarted", since=mark, timeout_s=20)
        await phone.leave()
        await phone.go_by(hci.Address.generate_private_address(phone.irk))
        await phone.connect()
        await phone.encrypt()
        await served(phone)
        await phone.leave()
    async with target.connect() as glasses:
        (bond,) = [one for one in await glasses.bonds() if not one.this]
        assert bond.address == identity.to_string(False)
        await glasses.remove_bond(bond.id)
