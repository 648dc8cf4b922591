# SPDX-License-Identifier: Apache-2.0
"""The emulated `bluetooth` behaves as MicroPython 1.25's NimBLE binding does, faults included.

The oracle is the source: extmod/modbluetooth.c, extmod/nimble/modbluetooth_nimble.c, and NimBLE's
ble_att_svr.c and ble_store.h.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from bumble import att
from glint.backend import close
from hostile import ATT_CID, Central
from radio_fixtures import RadioSetup, att_error, radio_setup, uuid_of
from workbench.emulation.medium import Timing, serve

CONNECT, WRITE = 1, 3
INDICATE_DONE, MTU, CONNECTION_UPDATE = 20, 21, 27
NOT_PERMITTED_READ, NOT_PERMITTED_WRITE = 0x02, 0x03


@pytest_asyncio.fixture
async def w() -> AsyncIterator[RadioSetup]:
    async with radio_setup() as it:
        yield it


async def test_properties_are_enforced(w: RadioSetup) -> None:
    async with await w.client() as client:
        assert await att_error(client.read_gatt_char(uuid_of("writable"))) == NOT_PERMITTED_READ
        error = await att_error(client.write_gatt_char(uuid_of("readable"), b"x", response=True))
        assert error == NOT_PERMITTED_WRITE
        # NimBLE's permissions do not distinguish the kinds of write.
        await client.write_gatt_char(uuid_of("unanswered"), b"x", response=True)
        assert await w.dut.value("ble.gatts_read(unanswered)") == b"x"


async def test_nobody_writes_declarations(w: RadioSetup) -> None:
    async with Central(w.address) as central:
        await central.connect("DUT")
        declarations = range(1, 7)  # of GAP's service, its characteristics, and what they hold
        before = [await central.peer.read_value(handle) for handle in declarations]
        for handle in declarations:
            command = att.ATT_Write_Command(attribute_handle=handle, attribute_value=b"junk")
            central.send(ATT_CID, bytes(command))
            with pytest.raises(att.ATT_Error):
                await central.peer.write_value(handle, b"junk", with_response=True)
        assert [await central.peer.read_value(handle) for handle in declarations] == before
        await central.leave()


async def test_a_denied_write_command_is_dropped(w: RadioSetup) -> None:
    async with await w.client() as client:
        await client.write_gatt_char(uuid_of("readable"), b"x", response=False)
        await client.read_gatt_char(uuid_of("plain"))
        assert await w.dut.events(WRITE) == []


async def test_values_are_20_bytes_unless_the_buffer_is_set(w: RadioSetup) -> None:
    async with await w.client() as client:
        await client.write_gatt_char(uuid_of("plain"), bytes(range(30)), response=True)
        assert await w.dut.value("ble.gatts_read(plain)") == bytes(range(20))
        await w.dut.run("ble.gatts_set_buffer(plain, 100, True)")
        for part in (b"one", b"two"):
            await client.write_gatt_char(uuid_of("plain"), part, response=False)
        await client.read_gatt_char(uuid_of("readable"))
        # Values are appended, and removed by reading.
        assert await w.dut.value("ble.gatts_read(plain)") == b"onetwo"
        assert await w.dut.value("ble.gatts_read(plain)") == b""


async def test_a_local_write_makes_the_buffer_grow(w: RadioSetup) -> None:
    assert await w.dut.value("ble.gatts_write(readable, bytes(300))") == 300
    async with await w.client() as client:
        assert await client.read_gatt_char(uuid_of("readable")) == bytes(300)


async def test_notifications_need_no_subscription_and_are_cut(w: RadioSetup) -> None:
    got: asyncio.Queue[bytes] = asyncio.Queue()
    async with await w.client() as client:
        await client.start_notify(uuid_of("plain"), lambda _, v: got.put_nowait(bytes(v)))
        assert await w.dut.run("ble.gatts_notify(1, plain, bytes(500))") == "None"
        assert await asyncio.wait_for(got.get(), 5) == bytes(247 - 3)
        # The subscription reached nobody: no IRQ reports it.
        assert {e[0] for e in await w.dut.events()} == {CONNECT, MTU}
        await w.dut.run("ble.gatts_write(plain, b'kept'); ble.gatts_notify(1, plain)")
        assert await asyncio.wait_for(got.get(), 5) == b"kept"
        await client.stop_notify(uuid_of("plain"))
        sent = w.dut.radio.counters()["notifications"]
        assert await w.dut.run("ble.gatts_notify(1, plain, b'x')") == "None"
        await client.read_gatt_char(uuid_of("plain"))
        assert w.dut.radio.counters()["notifications"] == sent + 1


async def test_updates_go_to_subscribers_only_and_subscriptions_end_with_the_link(
    w: RadioSetup,
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


async def test_indications_are_confirmed(w: RadioSetup) -> None:
    got: asyncio.Queue[bytes] = asyncio.Queue()
    async with await w.client() as client:
        await client.start_notify(uuid_of("indicated"), lambda _, v: got.put_nowait(bytes(v)))
        await w.dut.run("ble.gatts_indicate(1, indicated, b'sure')")
        assert await asyncio.wait_for(got.get(), 5) == b"sure"
        await w.dut.until("any(e == 20 for e, _ in events)")
        handle = await w.dut.value("indicated")
        assert await w.dut.events(INDICATE_DONE) == [(INDICATE_DONE, 1, handle, 0)]


async def test_a_full_stack_is_enomem_and_nothing_is_lost() -> None:
    async with radio_setup(Timing(interval_ms=15)) as w:
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
        # No event reported free room, but all of it is there again.
        await w.dut.run("wait_until(lambda: ble._room == 12)")
        assert await w.dut.value("ble._room") == 12


@pytest.mark.parametrize(("size", "queued"), [(20, 18), (244, 16), (509, 7)])
async def test_as_many_notifications_wait_as_in_nimble(
    w: RadioSetup, size: int, queued: int
) -> None:
    """As counted on NimBLE 42849560 over H4, with 12 blocks and 12 buffers of the controller."""
    await w.dut.run("ble.config(mtu=512)")
    async with await w.client():
        w.medium.out_of_range()
        send = f"for i in range(99): ble.gatts_notify(1, plain, bytes({size}))"
        assert await w.dut.run(send) == "OSError(12,)"
        assert await w.dut.value("i") == queued
        w.medium._time_out()
        await w.dut.until("events[-1][0] == 2")
    assert await w.dut.value("ble._room") == 12
    assert await w.dut.run("ble.gatts_notify(1, plain, b'x')") == f"OSError({errno.ENOTCONN},)"


async def test_writes_are_handled_in_their_order(w: RadioSetup) -> None:
    await w.dut.run(
        "got = []; hooks[3] = lambda c, h: (time.sleep_ms(1), got.append(ble.gatts_read(h)[0]))"
    )
    async with await w.client() as client:
        for number in range(100):
            await client.write_gatt_char(uuid_of("plain"), bytes([number]), response=False)
        await client.read_gatt_char(uuid_of("plain"))
    assert await w.dut.value("got") == list(range(100))


async def test_the_write_handler_runs_before_the_response(w: RadioSetup) -> None:
    await w.dut.run("hooks[3] = lambda c, h: ble.gatts_write(readable, b'set by the handler')")
    async with await w.client() as client:
        await client.write_gatt_char(uuid_of("writable"), b"x", response=True)
        assert await w.dut.value("ble.gatts_read(readable)") == b"set by the handler"


async def test_a_read_can_be_answered_or_denied(w: RadioSetup) -> None:
    await w.dut.run("hooks[4] = lambda c, h: ble.gatts_write(readable, b'fresh') and None")
    async with await w.client() as client:
        assert await client.read_gatt_char(uuid_of("readable")) == b"fresh"
        await w.dut.run("hooks[4] = lambda c, h: 0x80")
        assert await att_error(client.read_gatt_char(uuid_of("readable"))) == 0x80


async def test_a_handler_that_raises_is_dropped_and_the_stack_goes_on(w: RadioSetup) -> None:
    await w.dut.run("ble.gatts_write(readable, b'still')")
    await w.dut.run("hooks[4] = lambda c, h: 1 // 0")
    async with await w.client() as client:
        assert await client.read_gatt_char(uuid_of("readable")) == b"still"
        seen = len(await w.dut.events())
        assert await client.read_gatt_char(uuid_of("readable")) == b"still"
        assert len(await w.dut.events()) == seen


async def test_a_handler_may_call_and_events_wait_for_it(w: RadioSetup) -> None:
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


async def test_calls_from_main_and_handler_get_their_own_replies(w: RadioSetup) -> None:
    await w.dut.run("hooks[3] = lambda c, h: ble.gap_disconnect(99)")
    async with await w.client() as client:
        writing = asyncio.gather(
            *(client.write_gatt_char(uuid_of("plain"), b"x", response=True) for _ in range(30))
        )
        text = await w.dut.run("for i in range(200): ble.config(gap_name='n%d' % i)")
        assert text == "None"
        await writing
    assert await w.dut.value("ble.config('gap_name')") == b"n199"


async def test_disconnecting_answers_at_once_and_tells_later(w: RadioSetup) -> None:
    gone = asyncio.Event()
    async with await w.client(disconnected_callback=lambda _: gone.set()):
        text = await w.dut.run("ble.gap_disconnect(1); ble.gap_disconnect(1)")
        assert text.startswith("OSError(114, ")
        await asyncio.wait_for(gone.wait(), 5)
        await w.dut.until("events[-1][0] == 2")
        assert await w.dut.value("ble.gap_disconnect(1)") is False


async def test_disconnecting_who_has_just_gone_is_the_controllers_error(w: RadioSetup) -> None:
    # The handler of one event runs while the next, the disconnection, waits.
    await w.dut.run("hooks[3] = lambda c, h: time.sleep_ms(300) or said.append(drop(c))")
    await w.dut.run(
        """
said = []
def drop(connection):
    try:
        return ble.gap_disconnect(connection)
    except OSError as error:
        return error.errno
"""
    )
    async with await w.client() as client:
        await client.write_gatt_char(uuid_of("plain"), b"x", response=False)
        await asyncio.sleep(0.1)
    await w.dut.until("said")
    assert await w.dut.value("said") == [-514]
    await w.dut.until("events[-1][0] == 2")


async def test_what_fails_to_be_advertised_ends_what_was(w: RadioSetup) -> None:
    assert await w.dut.run("ble.gap_advertise(20000, bytes(32))") == "OSError(-18,)"
    assert not w.dut.radio.advertising.is_set()


async def test_no_more_than_four_connections(w: RadioSetup) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for number in range(4):
            server = await serve(w.medium, "tcp:127.0.0.1:0")
            stack.push_async_callback(server.close)
            stack.push_async_callback(close, server.address)
            other = RadioSetup(w.medium, server, w.dut, None)
            await stack.enter_async_context(await other.client())
            await w.dut.until(f"len([1 for e, _ in events if e == 1]) == {number + 1}")
            text = await w.dut.run("advertise()")
            assert text.startswith("OSError(12, " if number == 3 else "None")


async def test_it_starts_with_peers_the_identity_key_and_peers(w: RadioSetup) -> None:
    await w.dut.run("ble.active(False); events.clear(); secrets[(2, b'x')] = bytes(80)")
    await w.dut.run("ble.active(True)")
    asked = [event[1:3] for event in await w.dut.events(29)]
    assert asked == [(2, 0), (2, 1), (10, 0), (2, 0), (2, 1)]


async def test_a_call_while_the_host_is_locked_would_never_return(w: RadioSetup) -> None:
    w.dut.radio.board.locked_s = 0.1
    async with await w.client() as client:
        pairing = asyncio.create_task(client.pair())
        while not pairing.done():
            await w.dut.run("ble.gatts_notify(1, plain, b'x')")
        await pairing
    assert w.dut.radio.counters()["locked_calls"] > 0
    w.dut.radio.board.locked_calls = 0


async def test_a_call_in_an_event_of_the_host_returns_whatever_comes_next(w: RadioSetup) -> None:
    w.dut.radio.board.locked_s = 0.05
    await w.dut.run(
        """
def on_event(event, data, irq=irq):
    if event in (1, 28):
        ble.gatts_notify(data[0], plain, b'x')
    return irq(event, data)
ble.irq(on_event)
"""
    )
    async with await w.client() as client:
        await client.pair()
        # The glasses' side may hear of the encryption after the phone's.
        await w.dut.until("any(e == 28 for e, _ in events)")
    counters = w.dut.radio.counters()
    assert counters["notifications"] >= 2
    assert counters["locked_calls"] == counters["unannounced_calls"] == 0


async def test_on_a_stack_that_tells_late_of_a_link_its_security_is_unannounced(
    tmp_path: Path,
) -> None:
    async with radio_setup(keystore=tmp_path / "bonds.json", stack="keys-first") as w:
        async with await w.client() as client:
            await client.pair()
        await w.dut.until("events[-1][0] == 2")
        await w.dut.run("advertise(); events.clear()")
        async with await w.client():
            await w.dut.until("any(e == 28 for e, _ in events)")
        order = [e for e, *_ in await w.dut.events(1, 29)]
        assert (order[0], order[-1]) == (29, 1)


async def test_services_cannot_change_while_connected_or_advertising(w: RadioSetup) -> None:
    again = "ble.gatts_register_services(((UUID(0xAB00), ((UUID(0xAB01), 2),)),))"
    assert (await w.dut.run(again)).startswith("OSError(16,")
    async with await w.client():
        assert (await w.dut.run(again)).startswith("OSError(16,")
    await w.dut.run("wait_until(lambda: events[-1][0] == 2)")
    assert await w.dut.value(again)


async def test_switching_on_again_starts_anew(w: RadioSetup) -> None:
    gone = asyncio.Event()
    async with await w.client(disconnected_callback=lambda _: gone.set()):
        assert await w.dut.run("ble.active(True)") == "True"
        assert await w.dut.run("ble.gatts_write(plain, b'x')") == "OSError(22,)"
        await asyncio.wait_for(gone.wait(), 5)


async def test_the_central_decides_the_parameters(w: RadioSetup) -> None:
    async with await w.client() as client:
        backend: Any = client._backend
        await backend._connection.update_parameters(30, 30, 0, 2000)
        await w.dut.until("events[-1][0] == 27")
        assert (await w.dut.events())[-1] == (CONNECTION_UPDATE, 1, 24, 0, 200, 0)
