# SPDX-License-Identifier: Apache-2.0
"""Every request handler refuses every wrong type in every argument with a reason, and survives it.

This runs on glasses of their own, which must not restart meanwhile.
"""

import asyncio
import contextlib
import itertools

import cbor2
import pytest
import pytest_asyncio
from request_cases import frame, wrong_requests
from smpclient.transport.bumble import SMPBumbleTransport
from smpclient.transport.bumble.keystore import Custom
from smpclient.transport.bumble.pairing import NoInputNoOutput
from sweep import WHOLE, share
from workbench.testing import targets

STAT = (2, 0, 0, {"name": "smp_svr_stats"})
STATUS = (64, 0, 0, {})

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs("hci")]


class Asking:
    """Sends any requests through smpclient's own transport."""

    def __init__(self, transport):
        self._transport = transport
        self._sequences = itertools.cycle(range(256))

    async def ask(self, request):
        sequence = next(self._sequences)
        answer = await self._transport.send_and_receive(frame(*request, sequence))
        assert answer[6] == sequence
        return cbor2.loads(answer[8:])

    async def pile_up(self, request, count):
        """Writes requests without waiting for answers; returns how many answers came."""
        for _ in range(count):
            await self._transport.send(frame(*request, next(self._sequences)))
        answered = 0
        with contextlib.suppress(TimeoutError):
            while True:
                await asyncio.wait_for(self._transport.receive(), 2)
                answered += 1
        return answered


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(target_name):
    async with targets.named(target_name) as started:
        async with started.connect() as glasses:
            await glasses.let_pair()
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asking(target, tmp_path_factory):
    transport = SMPBumbleTransport(
        hci=target.sim.address,
        keystore=Custom(tmp_path_factory.mktemp("asking") / "bonds.json"),
        pair_on_connect=NoInputNoOutput(),
    )
    await transport.connect("Glint", 20)
    yield Asking(transport)
    await transport.disconnect()


async def test_every_wrong_argument_is_refused_and_said_why(asking):
    before = await asking.ask(STATUS)
    for request in share(wrong_requests(), 300):
        answer = await asking.ask(request)
        assert answer.keys() == {"rc", "rsn"}, (request, answer)
        assert answer["rc"] == 3, (request, answer)
        assert answer["rsn"]
    after = await asking.ask(STATUS)
    assert after["uptime_ms"] > before["uptime_ms"]
    assert (await asking.ask(STAT))["fields"]["failed"] == 0


async def test_a_refusal_says_what_would_have_been_right(asking):
    answer = await asking.ask((64, 3, 2, {"ms": 999}))
    assert answer == {"rc": 3, "rsn": "ms takes 1000 to 60000"}
    answer = await asking.ask((64, 34, 2, {"set": {"name": "x" * 12}}))
    assert answer == {"err": {"group": 64, "rc": 7}, "rsn": "name takes 1 to 11 bytes"}
    answer = await asking.ask((64, 32, 2, {"id": 1000, "remove": True}))
    assert answer == {"err": {"group": 64, "rc": 5}, "rsn": "no such bond"}


async def test_requests_that_pile_up_end_nothing(asking):
    before = await asking.ask(STATUS)
    count = 20_680 if WHOLE else 2_000
    assert 0 < await asking.pile_up(STATUS, count) <= count
    after = await asking.ask(STATUS)
    assert after["uptime_ms"] > before["uptime_ms"]
