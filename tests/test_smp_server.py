# SPDX-License-Identifier: Apache-2.0
"""The firmware's SMP server against the `smp` package's messages, whole, cut up, and broken."""

import cbor2
import pytest
from glasses import protocol, smp_os
from glasses import smp as server_module
from glasses.protocol import LIMIT_SMP_BYTES, SMP_HEADER_BYTES
from glasses.smp import RequestError, Server
from hypothesis import given
from hypothesis import strategies as st
from smp import header as smp_header
from smp import os_management as os_messages


@pytest.fixture
def server():
    return serving()


def serving():
    served = Server()
    smp_os.serve(served, dict.fromkeys("snrvmpio", "x") | {"s": "Glint"}, lambda: 1234)
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

    server.handle(64, 2, server_module.WRITE, refuse)
    request = bytearray(bytes(echo("x")))
    request[4:6] = (64).to_bytes(2, "big")
    request[7] = 2
    (response,) = server.receive(request)
    assert body(response) == {"err": {"group": 64, "rc": 2}}


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
