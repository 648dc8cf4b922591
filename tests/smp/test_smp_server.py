# SPDX-License-Identifier: Apache-2.0
"""Tests the firmware's SMP server with messages of the `smp` package, whole, split and broken."""

import struct
import types

import cbor2
import pytest
from glasses import protocol
from glasses import smp as server_module
from glasses.protocol import LIMIT_SMP_BYTES, LIMIT_SMP_HALF_MS, SMP_HEADER_BYTES
from glasses.smp import RequestError, Server, system
from glint.smp import GlintErrorV1
from hypothesis import given
from hypothesis import strategies as st
from smp import header as smp_header
from smp import os_management as os_messages


@pytest.fixture
def server():
    return serving()


def serving():
    served = Server()
    system.serve(served, dict.fromkeys("snrvmpio", "x") | {"s": "Glint"}, lambda: 1234)
    return served


def echo(text, sequence=7):
    return os_messages.EchoWriteRequest(d=text, sequence=sequence)


def body(response):
    return cbor2.loads(response[SMP_HEADER_BYTES:])


def test_echo_is_what_smp_expects(server):
    request = echo("hello")
    (response,) = server.receive(bytes(request))
    answer = os_messages.EchoWriteResponse.loads(response)
    assert answer.r == "hello"
    assert answer.header.sequence == request.header.sequence
    assert answer.header.version == smp_header.Version.V2


def test_parameters(server):
    (response,) = server.receive(bytes(os_messages.MCUMgrParametersReadRequest()))
    answer = os_messages.MCUMgrParametersReadResponse.loads(response)
    assert answer.buf_size == LIMIT_SMP_BYTES


@given(
    texts=st.lists(st.text(max_size=60), min_size=1, max_size=5),
    data=st.data(),
)
def test_requests_cut_anywhere(texts, data):
    server = serving()
    stream = b"".join(bytes(echo(text)) for text in texts)
    responses = []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        responses += server.receive(stream[:cut])
        stream = stream[cut:]
    assert [body(r)["r"] for r in responses] == texts


@pytest.fixture
def ticks(monkeypatch):
    """The clock that MicroPython's `time` has and Python's lacks."""
    monkeypatch.setattr(server_module, "time", types.SimpleNamespace(ticks_diff=lambda a, b: a - b))


@pytest.mark.parametrize("cut", [1, 7, 8, 9, 15])
def test_a_request_broken_off_is_forgotten_after_a_while(server, ticks, cut):
    half = bytes(echo("the first half"))[:cut]
    assert server.receive(half, now_ms=1000) == []
    (response,) = server.receive(
        bytes(echo("another", sequence=8)), now_ms=1001 + LIMIT_SMP_HALF_MS
    )
    assert (body(response), response[6]) == ({"r": "another"}, 8)
    assert server.dropped_bytes == cut


def test_the_rest_of_a_request_may_take_a_while(server, ticks):
    request = bytes(echo("slow"))
    now_ms = 0
    for byte in request[:-1]:
        now_ms += LIMIT_SMP_HALF_MS
        assert server.receive(bytes([byte]), now_ms=now_ms) == []
    (response,) = server.receive(request[-1:], now_ms=now_ms + LIMIT_SMP_HALF_MS)
    assert body(response) == {"r": "slow"}


def test_whole_requests_that_wait_are_not_forgotten(server, ticks):
    requests = b"".join(bytes(echo(text)) for text in ("one", "two", "three"))
    (one,) = server.receive(requests, room=1, now_ms=0)
    (two, three) = server.receive(b"", room=2, now_ms=10 * LIMIT_SMP_HALF_MS)
    assert [body(r)["r"] for r in (one, two, three)] == ["one", "two", "three"]


@given(st.lists(st.binary(max_size=80), max_size=8))
def test_nonsense_never_gets_more_than_refusals(pieces):
    server = serving()
    for piece in pieces:
        for response in server.receive(piece):
            assert len(response) <= LIMIT_SMP_BYTES
            assert set(body(response)) & {"rc", "err", "r", "buf_size"}
    assert len(server._pending) < LIMIT_SMP_BYTES


def test_unknown_command_is_not_supported(server):
    request = bytearray(bytes(echo("x")))
    request[4:6] = (77).to_bytes(2, "big")
    (response,) = server.receive(request)
    assert body(response) == {"rc": server_module.ERROR_NOT_SUPPORTED}


def test_too_long_a_request_is_refused_and_the_next_one_answered(server):
    request = bytearray(bytes(echo("x")))
    request[2:4] = LIMIT_SMP_BYTES.to_bytes(2, "big")
    (response,) = server.receive(request)
    assert body(response) == {"rc": server_module.ERROR_TOO_LARGE}
    (response,) = server.receive(bytes(echo("still there")))
    assert body(response) == {"r": "still there"}


def test_a_group_refuses_in_its_own_words(server):
    def refuse(_):
        raise RequestError(2, "busy")

    server.handle(64, 2, server_module.WRITE, refuse)  # a photo
    request = bytearray(bytes(echo("x")))
    request[4:6] = (64).to_bytes(2, "big")
    request[7] = 2
    (response,) = server.receive(request)
    assert body(response) == {"err": {"group": 64, "rc": 2}, "rsn": "busy"}


@pytest.mark.parametrize(
    ("letters", "expected"), [("s", "Glint"), ("sr", "Glint x"), ("a", "Glint x x x x x x x")]
)
def test_info(server, letters, expected):
    request = os_messages.OSApplicationInfoReadRequest(format=letters)
    (response,) = server.receive(bytes(request))
    assert os_messages.OSApplicationInfoReadResponse.loads(response).output == expected


def test_info_refuses_a_letter_it_does_not_know(server):
    (response,) = server.receive(bytes(os_messages.OSApplicationInfoReadRequest(format="sq")))
    assert body(response) == {"err": {"group": 0, "rc": protocol.OS_RC_INVALID_FORMAT}}


def asked(command, body, group=64, op=server_module.WRITE):
    data = cbor2.dumps(body)
    return struct.pack(">BBHHBB", op, 0, len(data), group, 9, command) + data


FORESEEN_BY_NOBODY = [
    ArithmeticError("x"),
    AttributeError("x"),
    KeyError("x"),
    MemoryError("memory allocation failed, allocating 4096 bytes"),
    OSError(28),
    RuntimeError("maximum recursion depth exceeded"),
    TypeError("x"),
    ValueError("x"),
    ZeroDivisionError("divide by zero"),
]


@pytest.mark.parametrize("error", FORESEEN_BY_NOBODY, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("takes_time", [False, True])
async def test_an_error_that_nobody_foresaw_is_an_answer_and_a_count(server, error, takes_time):
    def fail(_):
        raise error

    async def fail_later():
        raise error

    handler = (lambda _: fail_later()) if takes_time else fail
    server.handle(64, protocol.SMP_GLINT_PHOTO, server_module.WRITE, handler)
    responses = server.receive(asked(protocol.SMP_GLINT_PHOTO, {}))
    assert server.waiting == takes_time
    (response,) = await server.later() if takes_time else responses
    answer = body(response)
    assert answer["rc"] == (2 if isinstance(error, MemoryError) else 1)
    assert answer["rsn"] == f"{type(error).__name__}: {error}"
    assert server.failed == 1
    # How the standard clients read it.
    assert GlintErrorV1.loads(response).rsn == answer["rsn"]
    (response,) = server.receive(bytes(echo("still there")))
    assert body(response) == {"r": "still there"}


def test_an_answer_that_cannot_be_said_is_one_as_well(server):
    server.handle(64, protocol.SMP_GLINT_PHOTO, server_module.WRITE, lambda _: {"x": object()})
    (response,) = server.receive(asked(protocol.SMP_GLINT_PHOTO, {}))
    assert body(response)["rc"] == server_module.ERROR_UNKNOWN
    assert server.failed == 1


def test_a_reason_is_cut_to_its_bytes_and_stays_text(server):
    def refuse(_):
        raise RequestError(2, "…" * 500)

    server.handle(64, protocol.SMP_GLINT_PHOTO, server_module.WRITE, refuse)
    (response,) = server.receive(asked(protocol.SMP_GLINT_PHOTO, {}))
    assert body(response)["rsn"] == "…" * (protocol.LIMIT_REASON_BYTES // 3)


def test_requests_that_pile_up_are_answered_in_turn_and_take_no_more_room():
    """A companion that reads now and then, and at last reads everything."""
    server = serving()
    request = asked(0, {"d": "x" * 900}, group=0)
    responses = []
    for number in range(20_680):
        room = server_module.RESPONSES_MAX - len(responses)
        assert room >= 0
        responses += server.receive(request, room)
        assert len(server._pending) <= server_module.WAITING_BYTES_MAX
        if number % 1000 == 999:
            responses.clear()
    assert server.dropped_bytes
    while more := server.receive(b""):
        assert len(more) <= server_module.RESPONSES_MAX
    (response,) = server.receive(bytes(echo("still there")))
    assert body(response) == {"r": "still there"}


def test_what_waits_is_answered_once_there_is_room():
    server = serving()
    stream = b"".join(bytes(echo(str(number))) for number in range(30))
    first = server.receive(stream, 3)
    assert [body(response)["r"] for response in first] == ["0", "1", "2"]
    assert server.receive(b"", 0) == []
    rest = []
    while more := server.receive(b""):
        rest += more
    assert [body(response)["r"] for response in rest] == [str(number) for number in range(3, 30)]
