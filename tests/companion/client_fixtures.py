# SPDX-License-Identifier: Apache-2.0
"""Fixtures for the client: fake glasses, a companion connected to them, and ways to wait."""

import asyncio
import contextlib

import glint
from fake_glasses import fake_advertising
from glint import protocol


@contextlib.asynccontextmanager
async def connected(timing=None, timeout_s=5.0):
    """Gives fake glasses, and a companion connected to them."""
    async with (
        fake_advertising(timing) as (fake, hci),
        glint.connect(hci=hci, timeout_s=timeout_s) as glasses,
    ):
        yield fake, glasses


def button(fake, count=1):
    return [fake.add(protocol.EVENT_BUTTON, pressed=True) for _ in range(count)]


async def take(events, count, seconds=8.0):
    async def read():
        return [await anext(events) for _ in range(count)]

    return await asyncio.wait_for(read(), seconds)


async def until(condition, seconds=30.0):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
