# SPDX-License-Identifier: Apache-2.0
"""The person who does to real glasses what no program can: `glint hil`."""

from __future__ import annotations

import asyncio
import sys

import pytest

from workbench.testing.base import settings


async def ask(what: str) -> None:
    """Asks the person at the terminal for something, and waits until it is done.

    The test is skipped if nobody is there.
    """
    if not settings.person:
        pytest.skip(f"real glasses need a person (glint hil), who would be asked: {what}")
    print(f"\n>>> {what} Then press Enter.", flush=True)
    if not await asyncio.to_thread(sys.stdin.readline):
        pytest.skip(f"nobody has answered: {what}")
