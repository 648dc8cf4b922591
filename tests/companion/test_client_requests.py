# SPDX-License-Identifier: Apache-2.0
"""Tests the client's requests against glasses that refuse, fall silent or answer nonsense."""

import asyncio
import sys

import glint
import pytest
from client_fixtures import connected, until
from glint import protocol


async def test_refusals_have_a_code_and_a_reason():
    async with connected() as (fake, glasses):
        fake.refuse = {protocol.SMP_GLINT_PHOTO: protocol.RC_NO_CAMERA}
        with pytest.raises(glint.RequestError, match="no camera") as refused:
            await glasses.photo()
        assert (refused.value.group, refused.value.rc) == (64, protocol.RC_NO_CAMERA)
        # The glasses' own message takes precedence over ours.
        error = {"group": 64, "rc": protocol.RC_BUSY}
        fake.answers = {protocol.SMP_GLINT_PHOTO: {"err": error, "rsn": "a photo is under way"}}
        with pytest.raises(glint.RequestError, match=r"^Refused: a photo is under way\.$"):
            await glasses.photo()
        fake.answers = {protocol.SMP_GLINT_RECORD: {"rc": 3, "rsn": "ms takes 1000 to 60000"}}
        with pytest.raises(glint.RequestError, match="ms takes 1000 to 60000") as refused:
            await glasses.record(1)
        assert (refused.value.group, refused.value.rc) == (0, 3)
        fake.answers = {}
        fake.refuse = {protocol.SMP_GLINT_RECORD: 99}
        with pytest.raises(glint.RequestError, match="error 99 of group 64"):
            await glasses.record(1)
        fake.answers = {protocol.SMP_GLINT_PHOTO: {"rc": 8}}
        with pytest.raises(glint.RequestError, match="ENOTSUP"):
            await glasses.photo()


async def test_a_request_broken_off_between_writes_harms_no_other(monkeypatch):
    monkeypatch.setattr(protocol, "LIMIT_SMP_HALF_MS", 100)
    async with connected() as (fake, glasses):
        fake.half_s = 0.1
        transport = (await glasses._connection.link())._transport
        write, sent = transport._write, []
        transport.max_write_bytes = 20

        async def stalls(data):
            if sent:
                await asyncio.Event().wait()
            sent.append(data)
            await write(data)

        monkeypatch.setattr(transport, "_write", stalls)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(glasses.get_file("models/of_a_name_that_takes_two_writes"), 0.2)
        assert len(sent) == 1
        monkeypatch.setattr(transport, "_write", write)
        for _ in range(3):
            assert (await glasses.status()).board == "fake"


async def test_the_rest_of_an_answer_that_was_lost_harms_no_other(monkeypatch):
    async with connected() as (fake, glasses):
        answer = b"\x03\x00\x00\x40\x00\x40\x00\x00" + bytes(20)
        # The start of one response, the rest of another, bytes that are none, and many of these.
        for junk in (answer, bytes(40), b"\xff" * 100, *[bytes(range(200))] * 200):
            fake.notify_raw(fake.smp, junk)
        assert (await glasses.status()).board == "fake"
        notify, sent = fake.notify_raw, []

        def loses_the_first(characteristic, data):
            sent.append(data)
            if len(sent) > 1:
                notify(characteristic, data)

        monkeypatch.setattr(fake, "notify_raw", loses_the_first)
        with pytest.raises(glint.NoAnswerError):
            await glasses.status()
        assert len(sent) > 1  # the answer takes several notifications
        assert (await glasses.status()).board == "fake"


async def test_a_request_that_was_given_up_is_not_dumped_on_the_terminal(tmp_path):
    script = tmp_path / "app.py"
    script.write_text(
        "import asyncio\n"
        "from glint.requests import Requests, Transport\n"
        "from glint.smp import StatusRead\n"
        "async def nowhere(data): pass\n"
        "async def main():\n"
        "    try: await Requests(Transport(nowhere)).request(StatusRead(), 0.05)\n"
        "    except Exception as error: print(error)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await process.communicate()
    assert out.startswith(b"The glasses did not answer")
    assert errors == b""


async def test_the_mtu_shows_in_what_the_glasses_send():
    async with connected() as (fake, glasses):
        transport = (await glasses._connection.link())._transport
        transport.max_write_bytes = 20  # the most, where the system does not tell the MTU
        heard = bytes(fake.connection.att_mtu - 3)
        fake.notify_raw(fake.media, heard)
        await until(lambda: transport.max_write_bytes == len(heard) == 244)


async def test_no_answer(monkeypatch):
    async with connected() as (fake, glasses):
        fake.mute = {protocol.SMP_GLINT_STATUS}
        with pytest.raises(glint.NoAnswerError, match="did not answer"):
            await glasses.status()
        fake.mute = set()
        assert (await glasses.status()).board == "fake"


@pytest.mark.parametrize(
    "answer", [b"", b"\xff", b"\x80", b"\xa1\x01\x02", {"board": 1}, {"rc": "x"}, b"\x81" * 900]
)
async def test_answers_that_are_none(answer):
    async with connected() as (fake, glasses):
        fake.answers = {protocol.SMP_GLINT_STATUS: answer}
        with pytest.raises(glint.ProtocolError, match="not understood"):
            await glasses.status()
        fake.answers = {}
        assert (await glasses.status()).board == "fake"
