# SPDX-License-Identifier: Apache-2.0
"""Tests pairing, bonds and encryption of the emulated `bluetooth` against NimBLE's binding.

The oracle is the source: extmod/nimble/modbluetooth_nimble.c, and NimBLE's ble_att_svr.c, ble_sm.c
and ble_store.h.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from bleak import BleakClient
from bleak.exc import BleakError, BleakGATTProtocolError
from bumble import att
from bumble.pairing import PairingConfig, PairingDelegate
from glint.backend import close
from glint.backend.host import Host
from radio_fixtures import RadioSetup, att_error, radio_setup, uuid_of
from workbench.emulation.medium import serve
from workbench.emulation.radio.stacks import STACKS

READ_REQUEST, ENCRYPTION, GET_SECRET, SET_SECRET, PASSKEY_ACTION = 4, 28, 29, 30, 31
DISPLAY = 3
INSUFFICIENT_AUTHENTICATION, INSUFFICIENT_ENCRYPTION = 0x05, 0x0F
# The firmware has been told of all events of a pairing, in either order.
PAIRED = (
    "any(e == 28 for e, _ in events) and any(e == 30 and d[2] and d[0] == 2 for e, d in events)"
)

# Stacks differ in the order of pairing events.
pytestmark = pytest.mark.stacks

OUR_SECRET, PEER_SECRET, OUR_IRK = 1, 2, 10
# In the byte of flags of NimBLE's struct ble_store_value_sec.
SC_BIT, AUTHENTICATED_BIT, FLAGS_AT = 4, 2, 74


@pytest_asyncio.fixture
async def w(stack: str) -> AsyncIterator[RadioSetup]:
    async with radio_setup(stack=stack) as it:
        yield it


def no_pairing(client: BleakClient) -> None:
    """Makes the companion pass errors on instead of pairing by itself."""
    backend: Any = client._backend

    async def access(operation: Any) -> Any:
        try:
            return await operation()
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(int(error.error_code)) from error

    async def has_bond(_: object) -> bool:
        return False

    backend._access, backend._has_bond = access, has_bond


async def forget_bonds(w: RadioSetup) -> None:
    """Makes the companion forget its bonds; the glasses keep theirs."""
    device = await Host.of(w.address, None)
    assert device.keystore is not None
    await device.keystore.delete_all()


async def test_encrypted_attributes_ask_for_pairing_then_for_encryption(w: RadioSetup) -> None:
    client = await w.client()
    no_pairing(client)
    async with client:
        # No key is stored for this peer: it has to pair.
        error = await att_error(client.read_gatt_char(uuid_of("encrypted")))
        assert error == INSUFFICIENT_AUTHENTICATION
    await w.dut.run("wait_until(lambda: events[-1][0] == 2); advertise()")
    async with await w.client() as client:
        await client.pair()
    await w.dut.run("wait_until(lambda: events[-1][0] == 2); advertise()")
    client = await w.client()
    no_pairing(client)
    async with client:
        # Now one is: encryption is enough.
        error = await att_error(client.read_gatt_char(uuid_of("encrypted")))
        assert error == INSUFFICIENT_ENCRYPTION


async def test_just_works_does_not_authenticate(w: RadioSetup) -> None:
    async with await w.client() as client:
        await client.pair()
        error = await att_error(client.read_gatt_char(uuid_of("authenticated")))
        assert error == INSUFFICIENT_AUTHENTICATION
    assert (await w.dut.events(ENCRYPTION))[-1] == (ENCRYPTION, 1, 1, 0, 1, 16)


class Keyboard(PairingDelegate):
    """A companion with a keyboard, whose user reads the passkey off the glasses."""

    def __init__(self) -> None:
        super().__init__(PairingDelegate.IoCapability.KEYBOARD_INPUT_ONLY)

    async def get_number(self) -> int:
        return 123456


async def test_a_passkey_authenticates_and_its_key_does_so_again(w: RadioSetup) -> None:
    await w.dut.run("ble.config(mitm=True, io=0)")
    await w.dut.run("hooks[31] = lambda c, action, _: ble.gap_passkey(c, action, 123456)")
    await w.dut.run("ble.gatts_write(authenticated, b'for eyes only')")
    device = await Host.of(w.address, None)
    device.pairing_config_factory = lambda _: PairingConfig(
        sc=True,
        mitm=True,
        delegate=Keyboard(),
        identity_address_type=PairingConfig.AddressType.RANDOM,
    )
    async with await w.client() as client:
        assert await client.read_gatt_char(uuid_of("authenticated")) == b"for eyes only"
    await w.dut.until("events[-1][0] == 2")
    assert await w.dut.events(PASSKEY_ACTION) == [(PASSKEY_ACTION, 1, DISPLAY, 0)]
    assert (await w.dut.events(ENCRYPTION))[-1] == (ENCRYPTION, 1, 1, 1, 1, 16)
    stored = [e[3] for e in await w.dut.events(SET_SECRET)]
    assert all(value[FLAGS_AT] & AUTHENTICATED_BIT for value in stored)
    await w.dut.run("events.clear(); advertise()")
    async with await w.client() as client:
        assert await client.read_gatt_char(uuid_of("authenticated")) == b"for eyes only"
        assert await w.dut.events(ENCRYPTION) == [(ENCRYPTION, 1, 1, 1, 1, 16)]


async def test_encryption_without_a_bond_opens_encrypted_attributes(w: RadioSetup) -> None:
    await w.dut.run("ble.config(bond=False)")
    await w.dut.run("ble.gatts_write(encrypted, b'open')")
    async with await w.client() as client:
        assert await client.read_gatt_char(uuid_of("encrypted")) == b"open"
        assert await w.dut.events(SET_SECRET) == []
        assert await w.dut.events(ENCRYPTION) == [(ENCRYPTION, 1, 1, 0, 0, 16)]


async def test_keys_are_stored_in_nimbles_layout_and_its_order(w: RadioSetup, stack: str) -> None:
    async with await w.client() as client:
        await client.pair()
        await w.dut.until(PAIRED)
    events = await w.dut.events(SET_SECRET, ENCRYPTION)
    update, keys = [(ENCRYPTION, 1)], [(SET_SECRET, OUR_SECRET), (SET_SECRET, PEER_SECRET)]
    expected = keys + update if STACKS[stack].keys_first else update + keys
    assert [event[:2] for event in events[:3]] == expected
    for _, _, key, value in (event for event in events if event[0] == SET_SECRET):
        assert len(value) == 80
        assert value[:7] == key
        assert value[7] == 16
        assert value[40] == 1
        assert value[FLAGS_AT] & SC_BIT
        assert not value[FLAGS_AT] & AUTHENTICATED_BIT


async def test_legacy_pairing_is_accepted_and_marked(w: RadioSetup) -> None:
    await w.dut.run("ble.config(le_secure=False)")
    await w.dut.run("ble.gatts_write(encrypted, b'weak')")
    async with await w.client() as client:
        assert await client.read_gatt_char(uuid_of("encrypted")) == b"weak"
    await w.dut.until("events[-1][0] == 2")
    (secret,) = (e for e in await w.dut.events(SET_SECRET) if e[1] == OUR_SECRET)
    assert not secret[3][FLAGS_AT] & SC_BIT
    await w.dut.run("advertise()")
    async with await w.client() as client:
        assert await client.read_gatt_char(uuid_of("encrypted")) == b"weak"


async def test_a_bond_encrypts_again_without_pairing(w: RadioSetup) -> None:
    async with await w.client() as client:
        await client.pair()
    await w.dut.run("wait_until(lambda: events[-1][0] == 2); events.clear(); advertise()")
    async with await w.client() as client:
        await client.pair()
        await client.read_gatt_char(uuid_of("encrypted"))
        events = await w.dut.events()
    assert [e for e in events if e[0] == SET_SECRET] == []
    assert (ENCRYPTION, 1, 1, 0, 1, 16) in events
    # The firmware heard of the encryption before it was asked for the value.
    order = [e[0] for e in events]
    assert order.index(ENCRYPTION) < order.index(READ_REQUEST)


async def test_a_firmware_without_the_key_refuses_to_encrypt(w: RadioSetup) -> None:
    async with await w.client() as client:
        await client.pair()
    await w.dut.run("wait_until(lambda: events[-1][0] == 2); secrets.clear(); advertise()")
    async with await w.client() as client:
        with pytest.raises(BleakError, match="forgotten"):
            await client.read_gatt_char(uuid_of("encrypted"))


async def test_a_repeated_pairing_deletes_the_bond_first(w: RadioSetup) -> None:
    async with await w.client() as client:
        await client.pair()
    await w.dut.run("wait_until(lambda: events[-1][0] == 2); events.clear(); advertise()")
    # The companion has forgotten its bond, the glasses have not.
    await forget_bonds(w)
    async with await w.client() as client:
        await client.pair()
    await w.dut.until("events[-1][0] == 2")
    changes = [e[1:] for e in await w.dut.events(SET_SECRET)]
    # NimBLE deletes each kind until the firmware says that there is none.
    assert [(kind, value is None) for kind, _, value in changes] == [
        (OUR_SECRET, True),
        (OUR_SECRET, True),
        (PEER_SECRET, True),
        (PEER_SECRET, True),
        (OUR_SECRET, False),
        (PEER_SECRET, False),
    ]


async def test_pairing_with_a_bond_that_is_not_deleted_never_ends_well(w: RadioSetup) -> None:
    async with await w.client() as client:
        await client.pair()
    # NimBLE deletes and looks again for ever; the emulation gives up and says so.
    await w.dut.run("wait_until(lambda: events[-1][0] == 2); hooks[30] = lambda t, k, v: True")
    await w.dut.run("events.clear(); advertise()")
    await forget_bonds(w)
    async with await w.client() as client:
        with pytest.raises(BleakError):
            await client.pair()
    deletions = [e for e in await w.dut.events(SET_SECRET) if e[3] is None]
    assert len(deletions) > 10


async def test_no_room_for_a_bond_evicts_the_oldest(w: RadioSetup) -> None:
    async with await w.client() as client:
        await client.pair()
    await w.dut.run("wait_until(lambda: events[-1][0] == 2)")
    (old,) = await w.dut.value("[k for t, k in secrets if t == 2]")
    await w.dut.run(
        """
def full(kind, key, value):
    if value is None:
        return secrets.pop((kind, bytes(key)), None) is not None
    if len([1 for t, k in secrets if t == kind and k != bytes(key)]) >= 1:
        return False
    secrets[(kind, bytes(key))] = bytes(value)
    return True
hooks[30] = full
events.clear()
advertise()
"""
    )
    await close(w.address)  # the next client is another companion, with another address
    async with await w.client() as client:
        await client.pair()
        await w.dut.until(PAIRED)
    (new,) = await w.dut.value("[k for t, k in secrets if t == 2]")
    assert new != old
    deleted = [(e[1], e[2]) for e in await w.dut.events(SET_SECRET) if e[3] is None]
    assert deleted == [(OUR_SECRET, old)] * 2 + [(PEER_SECRET, old)] * 2


async def test_the_identity_key_is_kept_only_by_a_handler_that_was_there(w: RadioSetup) -> None:
    # SERVE switches on before it sets the handler, so that nobody was asked.
    assert await w.dut.events(GET_SECRET, SET_SECRET) == []
    await w.dut.run("ble.active(False); ble.active(True)")
    asked, stored = [e for e in await w.dut.events(GET_SECRET, SET_SECRET) if e[1] == OUR_IRK]
    assert asked == (GET_SECRET, OUR_IRK, 0, b"irk")
    assert stored[:3] == (SET_SECRET, OUR_IRK, b"irk")
    assert len(stored[3]) == 16


async def test_the_glasses_can_ask_for_security(w: RadioSetup) -> None:
    async with await w.client():
        assert await w.dut.run("ble.gap_pair(1)") == "None"
        await w.dut.until(PAIRED)
        assert await w.dut.events(ENCRYPTION) == [(ENCRYPTION, 1, 1, 0, 1, 16)]


async def test_two_centrals_have_their_own_links(w: RadioSetup) -> None:
    async with await w.client() as first:
        await w.dut.run("advertise()")
        other = RadioSetup(w.medium, await serve(w.medium, "tcp:127.0.0.1:0"), w.dut, None)
        async with await other.client() as second:
            await w.dut.run("hooks[4] = lambda c, h: ble.gatts_write(h, bytes([c])) and None")
            assert await first.read_gatt_char(uuid_of("readable")) == b"\x01"
            assert await second.read_gatt_char(uuid_of("readable")) == b"\x02"
            await second.pair()
            no_pairing(first)
            error = await att_error(first.read_gatt_char(uuid_of("encrypted")))
            assert error == INSUFFICIENT_AUTHENTICATION
        await close(other.address)
        await other.server.close()
