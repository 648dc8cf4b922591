# SPDX-License-Identifier: Apache-2.0
"""A companion that measures itself and prints JSON lines; it runs on both compared systems.

`connect COUNT` connects that many times and reports each connection. `update FILE` sends an update
and reports its progress. `alone` closes the pairing window and makes the glasses forget every other
companion.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

import glint

Command = Callable[..., Coroutine[Any, Any, None]]

# On a busy machine it takes a while until emulated glasses have started and the guest finds them.
TIMEOUT_S = 120.0


def say(**fields: Any) -> None:
    """Prints one object."""
    print(json.dumps(fields), flush=True)


async def connect(count: str) -> None:
    """Reports how long connecting takes, and how many bytes one write can then carry."""
    glint.connect  # noqa: B018 - imports what it needs
    for _ in range(int(count)):
        began_s = time.monotonic()
        async with glint.connect(timeout_s=TIMEOUT_S) as glasses:
            took_s = time.monotonic() - began_s
            say(connect_s=round(took_s, 2), write_bytes=glasses.statistics.write_bytes)


async def update(path: str) -> None:
    """Reports how much of an update has arrived after each piece, and what runs in the end."""
    began_s = time.monotonic()

    def progress(done: int, size: int) -> None:
        say(has=done, of=size, after_s=round(time.monotonic() - began_s, 2))

    async with glint.connect(timeout_s=TIMEOUT_S) as glasses:
        done = await glasses.update(path, progress=progress)
        links = glasses.statistics.links
    say(version=done.version, before=done.before, links=links)


async def alone() -> None:
    """Makes the glasses forget all other companions and accept no new ones."""
    async with glint.connect(timeout_s=TIMEOUT_S) as glasses:
        await glasses.let_pair(False)
        others = [bond.id for bond in await glasses.bonds() if not bond.this]
        for number in others:
            await glasses.remove_bond(number)
    say(removed=len(others))


def main() -> int:
    command, *arguments = sys.argv[1:]
    commands: dict[str, Command] = {"connect": connect, "update": update, "alone": alone}
    try:
        asyncio.run(commands[command](*arguments))
    except glint.GlintError as error:
        print(f"probe: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
