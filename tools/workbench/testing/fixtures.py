# SPDX-License-Identifier: Apache-2.0
"""The fixtures for tests of glasses, available if `pytest --glasses=...` names some."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import glint
import pytest
import pytest_asyncio

from workbench.testing import left, parts, targets
from workbench.testing.base import Target, settings
from workbench.testing.emulated import Emulated


@pytest.fixture(scope="session")
def target_name(request: pytest.FixtureRequest) -> str:
    """The name of the glasses under test, as --glasses has it."""
    return str(request.param)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def target(target_name: str) -> AsyncIterator[Target]:
    """The glasses under test, started once."""
    async with targets.named(target_name) as started:
        yield started
        # `lacking` may run an event loop of its own.
        if (report := settings.report) and not await asyncio.to_thread(
            targets.lacking, target_name, {"bluetooth"}
        ):
            stem = started.left or left.place(report, target_name)
            path = Path(f"{stem}{left.STATISTICS}")
            await left.leave_statistics(path, started.connect())


@pytest_asyncio.fixture(loop_scope="session")
async def glasses(target: Target) -> AsyncIterator[glint.Glasses]:
    """A companion connected to the glasses under test, for one test."""
    await target.check()
    async with target.connect() as connected:
        yield connected


@pytest_asyncio.fixture(loop_scope="session")
async def board(target: Target, glasses: glint.Glasses) -> AsyncIterator[parts.Board]:
    """The board of the glasses: reset, power, button, battery, flash."""
    there = parts.Board(target, glasses)
    yield there
    await there.restore()


@pytest_asyncio.fixture(loop_scope="session")
async def senses(target: Target, tmp_path: Path) -> AsyncIterator[parts.Senses]:
    """What the glasses hear and see."""
    there = parts.Senses(target, tmp_path)
    yield there
    await there.hush()


@pytest_asyncio.fixture(loop_scope="session")
async def radio(target: Emulated) -> AsyncIterator[parts.Radio]:
    """The radio between the glasses and their companions."""
    there = parts.Radio(target)
    yield there
    await there.restore()


@pytest.fixture
def console(target: Emulated) -> parts.Console:
    """What the glasses print from now on."""
    return parts.Console(target)


@pytest.fixture
def clock(glasses: glint.Glasses) -> parts.Clock:
    """The glasses' own clock."""
    return parts.Clock(glasses)
