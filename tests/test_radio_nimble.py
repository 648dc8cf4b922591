# SPDX-License-Identifier: Apache-2.0
"""The emulated `bluetooth` behaves as MicroPython 1.25's NimBLE binding does, faults included.

The oracle is the source: extmod/modbluetooth.c, extmod/nimble/modbluetooth_nimble.c, and NimBLE's
ble_att_svr.c and ble_store.h.
"""

from __future__ import annotations

import asyncio
import errno
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from air_world import World, uuid_of, world
from bleak import BleakClient
from bleak.exc import BleakError, BleakGATTProtocolError
from bumble import att
from bumble.pairing import PairingConfig, PairingDelegate
from glint.air import close
from glint.air.host import Host
from workbench.air import Timing, serve

CONNECT, DISCONNECT, WRITE, READ_REQUEST = 1, 2, 3, 4
INDICATE_DONE, MTU, ENCRYPTION, GET_SECRET, SET_SECRET = 20, 21, 28, 29, 30
PASSKEY_ACTION, DISPLAY = 31, 3
CONNECTION_UPDATE = 27
NOT_PERMITTED_READ, NOT_PERMITTED_WRITE = 0x02, 0x03
INSUFFICIENT_AUTHENTICATION, INSUFFICIENT_ENCRYPTION = 0x05, 0x0F
OUR_SECRET, PEER_SECRET, OUR_IRK = 1, 2, 10
SC_BIT, AUTHENTICATED_BIT, FLAGS_AT = 4, 2, 74


@pytest_asyncio.fixture
async def w() -> AsyncIterator[World]:
    async with world() as it:
        yield it


async def att_error(awaitable: object) -> int:
    with pytest.raises(BleakGATTProtocolError) as raised:
        await awaitable  # type: ignore[misc]
    return int(raised.value.args[0])


def no_pairing(client: BleakClient) -> None:
    """Makes the companion hand errors up instead of pairing by itself."""
    backend: Any = client._backend

    async def access(operation: Any) -> Any:
        try:
            return await operation()
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(int(error.error_code)) from error

    async def has_bond(_: object) -> bool:
        return False

    backend._access, backend._has_bond = access, has_bond


async def forget_bonds(w: World) -> None:
    """Makes the companion forget its bonds; the glasses keep theirs."""
    device = await Host.of(w.address, None)
    assert device.keystore is not None
    await device.keystore.delete_all()


async def test_properties_are_enforced(w: World) -> None:
    async with await w.client() as client:
        assert await att_error(client.read_gatt_char(uuid_of("writable"))) == NOT_PERMITTED_READ
        error = await att_error(client.write_gatt_char(uuid_of("readable"), b"x", response=True))
        assert error == NOT_PERMITTED_WRITE
        # NimBLE's permissions know no difference between the kinds of write.
        await client.write_gatt_char(uuid_of("unanswered"), b"x", response=True)
        assert await w.dut.value("ble.gatts_read(unanswered)") == b"x"


async def test_a_denied_write_command_is_dropped(w: World) -> None:
    async with await w.client() as client:
        await client.write_gatt_char(uuid_of("readable"), b"x", response=False)
        await client.read_gatt_char(uuid_of("plain"))
        assert await w.dut.events(WRITE) == []


async def test_encrypted_attributes_ask_for_pairing_then_for_encryption(w: World) -> None:
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


async def test_just_works_does_not_authenticate(w: World) -> None:
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


async def test_a_passkey_authenticates_and_its_key_does_so_again(w: World) -> None:
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


async def test_encryption_without_a_bond_opens_encrypted_attributes(w: World) -> None:
    await w.dut.run("ble.config(bond=False)")
    await w.dut.run("ble.gatts_write(encrypted, b'open')")
    async with await w.client() as client:
        assert await client.read_gatt_char(uuid_of("encrypted")) == b"open"
        assert await w.dut.events(SET_SECRET) == []
        assert await w.dut.events(ENCRYPTION) == [(ENCRYPTION, 1, 1, 0, 0, 16)]


async def test_keys_are_stored_in_nimbles_layout_before_the_update(w: World) -> None:
    async with await w.client() as client:
        await client.pair()
        await w.dut.run("wait_until(lambda: events[-1][0] == 28)")
    events = await w.dut.events(SET_SECRET, ENCRYPTION)
    assert [event[:2] for event in events[:3]] == [
        (SET_SECRET, OUR_SECRET),
        (SET_SECRET, PEER_SECRET),
        (ENCRYPTION, 1),
    ]
    for _, _, key, value in events[:2]:
        assert len(value) == 80
        assert value[:7] == key
        assert value[7] == 16
        assert value[40] == 1
        assert value[FLAGS_AT] & SC_BIT
        assert not value[FLAGS_AT] & AUTHENTICATED_BIT


async def test_legacy_pairing_is_accepted_and_marked(w: World) -> None:
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


async def test_a_bond_encrypts_again_without_pairing(w: World) -> None:
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


async def test_a_firmware_without_the_key_refuses_to_encrypt(w: World) -> None:
    async with await w.client() as client:
        await client.pair()
    await w.dut.run("wait_until(lambda: events[-1][0] == 2); secrets.clear(); advertise()")
    async with await w.client() as client:
        with pytest.raises(BleakError, match="forgotten"):
            await client.read_gatt_char(uuid_of("encrypted"))


async def test_a_repeated_pairing_deletes_the_bond_first(w: World) -> None:
    async with await w.client() as client:
        await client.pair()
    await w.dut.run("wait_until(lambda: events[-1][0] == 2); events.clear(); advertise()")
    # The companion has forgotten its bond, the glasses have not.
    await forget_bonds(w)
    async with await w.client() as client:
        await client.pair()
    await w.dut.until("events[-1][0] == 2")
    changes = [e[1:] for e in await w.dut.events(SET_SECRET)]
    assert [(kind, value is None) for kind, _, value in changes] == [
        (OUR_SECRET, True),
        (PEER_SECRET, True),
        (OUR_SECRET, False),
        (PEER_SECRET, False),
    ]


async def test_pairing_with_a_bond_that_is_not_deleted_never_ends_well(w: World) -> None:
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


async def test_no_room_for_a_bond_evicts_the_oldest(w: World) -> None:
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
        await w.dut.run("wait_until(lambda: events[-1][0] == 28)")
    (new,) = await w.dut.value("[k for t, k in secrets if t == 2]")
    assert new != old
    deleted = [(e[1], e[2]) for e in await w.dut.events(SET_SECRET) if e[3] is None]
    assert deleted == [(OUR_SECRET, old), (PEER_SECRET, old)]


async def test_values_are_20_bytes_unless_the_buffer_is_set(w: World) -> None:
    async with await w.client() as client:
        await client.write_gatt_char(uuid_of("plain"), bytes(range(30)), response=True)
        assert await w.dut.value("ble.gatts_read(plain)") == bytes(range(20))
        await w.dut.run("ble.gatts_set_buffer(plain, 100, True)")
        for part in (b"one", b"two"):
            await client.write_gatt_char(uuid_of("plain"), part, response=False)
        await client.read_gatt_char(uuid_of("readable"))
        # Appended, and taken by the reading.
        assert await w.dut.value("ble.gatts_read(plain)") == b"onetwo"
        assert await w.dut.value("ble.gatts_read(plain)") == b""


async def test_a_local_write_makes_the_buffer_grow(w: World) -> None:
    assert await w.dut.value("ble.gatts_write(readable, bytes(300))") == 300
    async with await w.client() as client:
        assert await client.read_gatt_char(uuid_of("readable")) == bytes(300)


async def test_notifications_need_no_subscription_and_are_cut(w: World) -> None:
    got: asyncio.Queue[bytes] = asyncio.Queue()
    async with await w.client() as client:
        await client.start_notify(uuid_of("plain"), lambda _, v: got.put_nowait(bytes(v)))
        assert await w.dut.run("ble.gatts_notify(1, plain, bytes(500))") == "None"
        assert await asyncio.wait_for(got.get(), 5) == bytes(247 - 3)
        # The subscription reached nobody: no IRQ tells of it.
        assert {e[0] for e in await w.dut.events()} == {CONNECT, MTU}
        await w.dut.run("ble.gatts_write(plain, b'kept'); ble.gatts_notify(1, plain)")
        assert await asyncio.wait_for(got.get(), 5) == b"kept"
        await client.stop_notify(uuid_of("plain"))
        sent = w.dut.radio.counters()["notifications"]
        assert await w.dut.run("ble.gatts_notify(1, plain, b'x')") == "None"
        await client.read_gatt_char(uuid_of("plain"))
        assert w.dut.radio.counters()["notifications"] == sent + 1


async def test_updates_go_to_subscribers_only_and_subscriptions_end_with_the_link(
    w: World,
) -> None:
    got: asyncio.Queue[bytes] = asyncio.Queue()
    async with await w.client() as client:
        await w.dut.run("ble.gatts_write(plain, b'unheard', True)")
        await client.start_notify(uuid_of("plain"), lambda _, v: got.put_nowait(bytes(v)))
        await w.dut.run("ble.gatts_write(plain, b'heard', True)")
        assert await asyncio.wait_for(got.get(), 5) == b"heard"
        await client.pair()
    await w.dut.run("wait_until(lambda: events[-1][0] == 2); advertise()")
    async with await w.client() as client:
        await client.pair()
        await w.dut.run("ble.gatts_write(plain, b'lost', True)")
        assert await client.read_gatt_char(uuid_of("plain")) == b"lost"
    assert got.empty()


async def test_indications_are_confirmed(w: World) -> None:
    got: asyncio.Queue[bytes] = asyncio.Queue()
    async with await w.client() as client:
        await client.start_notify(uuid_of("indicated"), lambda _, v: got.put_nowait(bytes(v)))
        await w.dut.run("ble.gatts_indicate(1, indicated, b'sure')")
        assert await asyncio.wait_for(got.get(), 5) == b"sure"
        await w.dut.until("any(e == 20 for e, _ in events)")
        handle = await w.dut.value("indicated")
        assert await w.dut.events(INDICATE_DONE) == [(INDICATE_DONE, 1, handle, 0)]


async def test_a_full_stack_is_enomem_and_nothing_is_lost() -> None:
    async with world(Timing(interval_ms=15)) as w:
        got: asyncio.Queue[int] = asyncio.Queue()
        async with await w.client() as client:
            await client.start_notify(
                uuid_of("plain"), lambda _, v: got.put_nowait(struct.unpack_from("<I", v)[0])
            )
            await w.dut.run(
                """
sent = full = 0
while sent < 150:
    try:
        ble.gatts_notify(1, plain, sent.to_bytes(4, 'little') + bytes(240))
        sent += 1
    except OSError as e:
        assert e.errno == 12
        full += 1
        time.sleep_ms(1)
"""
            )
            assert await w.dut.value("full") > 0
            assert await w.dut.value("sent") == 150
            async with asyncio.timeout(10):
                assert [await got.get() for _ in range(150)] == list(range(150))
        # No event told of the room; it is all there again.
        await w.dut.run("wait_until(lambda: ble._room == 12)")
        assert await w.dut.value("ble._room") == 12


async def test_room_comes_back_when_the_link_ends(w: World) -> None:
    async with await w.client():
        w.air.out_of_range()
        text = await w.dut.run("for i in range(13): ble.gatts_notify(1, plain, bytes(200))")
        assert text == "OSError(12,)"
        w.air._time_out()
        await w.dut.until("events[-1][0] == 2")
    assert await w.dut.value("ble._room") == 12
    assert await w.dut.run("ble.gatts_notify(1, plain, b'x')") == f"OSError({errno.ENOTCONN},)"


async def test_writes_are_handled_in_their_order(w: World) -> None:
    await w.dut.run(
        "got = []; hooks[3] = lambda c, h: (time.sleep_ms(1), got.append(ble.gatts_read(h)[0]))"
    )
    async with await w.client() as client:
        for number in range(100):
            await client.write_gatt_char(uuid_of("plain"), bytes([number]), response=False)
        await client.read_gatt_char(uuid_of("plain"))
    assert await w.dut.value("got") == list(range(100))


async def test_the_write_handler_runs_before_the_response(w: World) -> None:
    await w.dut.run("hooks[3] = lambda c, h: ble.gatts_write(readable, b'set by the handler')")
    async with await w.client() as client:
        await client.write_gatt_char(uuid_of("writable"), b"x", response=True)
        assert await w.dut.value("ble.gatts_read(readable)") == b"set by the handler"


async def test_a_read_can_be_answered_or_denied(w: World) -> None:
    await w.dut.run("hooks[4] = lambda c, h: ble.gatts_write(readable, b'fresh') and None")
    async with await w.client() as client:
        assert await client.read_gatt_char(uuid_of("readable")) == b"fresh"
        await w.dut.run("hooks[4] = lambda c, h: 0x80")
        assert await att_error(client.read_gatt_char(uuid_of("readable"))) == 0x80


async def test_a_handler_that_raises_is_dropped_and_the_stack_goes_on(w: World) -> None:
    await w.dut.run("ble.gatts_write(readable, b'still')")
    await w.dut.run("hooks[4] = lambda c, h: 1 // 0")
    async with await w.client() as client:
        assert await client.read_gatt_char(uuid_of("readable")) == b"still"
        seen = len(await w.dut.events())
        assert await client.read_gatt_char(uuid_of("readable")) == b"still"
        assert len(await w.dut.events()) == seen


async def test_a_handler_may_call_and_events_wait_for_it(w: World) -> None:
    # A second write arrives while the first one's handler is in a call: it is handled after it.
    await w.dut.run(
        """
depth = 0
deepest = 0
def busy(connection, handle):
    global depth, deepest
    depth += 1
    deepest = max(depth, deepest)
    ble.config(gap_name='busy')
    ble.gap_advertise(None)
    depth -= 1
hooks[3] = busy
"""
    )
    async with await w.client() as client:
        for _ in range(20):
            await client.write_gatt_char(uuid_of("plain"), b"x", response=False)
        await client.read_gatt_char(uuid_of("plain"))
    assert await w.dut.value("deepest") == 1
    assert len(await w.dut.events(WRITE)) == 20


async def test_calls_from_main_and_handler_get_their_own_replies(w: World) -> None:
    await w.dut.run("hooks[3] = lambda c, h: ble.gap_disconnect(99)")
    async with await w.client() as client:
        writing = asyncio.gather(
            *(client.write_gatt_char(uuid_of("plain"), b"x", response=True) for _ in range(30))
        )
        text = await w.dut.run("for i in range(200): ble.config(gap_name='n%d' % i)")
        assert text == "None"
        await writing
    assert await w.dut.value("ble.config('gap_name')") == b"n199"


async def test_disconnecting_answers_at_once_and_tells_later(w: World) -> None:
    gone = asyncio.Event()
    async with await w.client(disconnected_callback=lambda _: gone.set()):
        assert await w.dut.value("ble.gap_disconnect(1)") is True
        await asyncio.wait_for(gone.wait(), 5)
        await w.dut.until("events[-1][0] == 2")
        assert await w.dut.value("ble.gap_disconnect(1)") is False


async def test_services_cannot_change_while_connected_or_advertising(w: World) -> None:
    again = "ble.gatts_register_services(((UUID(0xAB00), ((UUID(0xAB01), 2),)),))"
    assert (await w.dut.run(again)).startswith("OSError(16,")
    async with await w.client():
        assert (await w.dut.run(again)).startswith("OSError(16,")
    await w.dut.run("wait_until(lambda: events[-1][0] == 2)")
    assert await w.dut.value(again)


async def test_the_identity_key_is_kept_only_by_a_handler_that_was_there(w: World) -> None:
    # SERVE switches on before it sets the handler, so that nobody was asked.
    assert await w.dut.events(GET_SECRET, SET_SECRET) == []
    await w.dut.run("ble.active(False); ble.active(True)")
    asked, stored = [e for e in await w.dut.events(GET_SECRET, SET_SECRET) if e[1] == OUR_IRK]
    assert asked == (GET_SECRET, OUR_IRK, 0, b"irk")
    assert stored[:3] == (SET_SECRET, OUR_IRK, b"irk")
    assert len(stored[3]) == 16


async def test_switching_on_again_starts_anew(w: World) -> None:
    gone = asyncio.Event()
    async with await w.client(disconnected_callback=lambda _: gone.set()):
        assert await w.dut.run("ble.active(True)") == "True"
        assert await w.dut.run("ble.gatts_write(plain, b'x')") == "OSError(22,)"
        await asyncio.wait_for(gone.wait(), 5)


async def test_the_glasses_can_ask_for_security(w: World) -> None:
    async with await w.client():
        assert await w.dut.run("ble.gap_pair(1)") == "None"
        await w.dut.until("events[-1][0] == 28")
        assert (await w.dut.events())[-1] == (ENCRYPTION, 1, 1, 0, 1, 16)


async def test_the_central_decides_the_parameters(w: World) -> None:
    async with await w.client() as client:
        backend: Any = client._backend
        await backend._connection.update_parameters(30, 30, 0, 2000)
        await w.dut.until("events[-1][0] == 27")
        assert (await w.dut.events())[-1] == (CONNECTION_UPDATE, 1, 24, 0, 200, 0)


async def test_two_centrals_have_their_own_links(w: World) -> None:
    async with await w.client() as first:
        await w.dut.run("advertise()")
        other = World(w.air, await serve(w.air, "tcp:127.0.0.1:0"), w.dut, None)
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
