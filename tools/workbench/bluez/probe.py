# SPDX-License-Identifier: Apache-2.0
"""A companion that measures: runs on either side of the comparison, and prints JSON lines.

`connect COUNT` connects so often, and tells of each connection. `update FILE` sends an update, and
tells how far it has come. `alone` closes the pairing window, and has the glasses forget all others.
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

# Emulated glasses take a while to start on a busy machine, and a guest to hear them.
TIMEOUT_S = 120.0


def say(**fields: Any) -> None:
    """Prints one object."""
    print(json.dumps(fields), flush=True)


async def connect(count: str) -> None:
    """Says how long connecting takes, and how much one write holds then."""
    glint.connect  # noqa: B018 - imports what it needs
    for _ in range(int(count)):
        began_s = time.monotonic()
        async with glint.connect(timeout_s=TIMEOUT_S) as glasses:
            took_s = time.monotonic() - began_s
            say(connect_s=round(took_s, 2), write_bytes=glasses.statistics.write_bytes)


async def update(path: str) -> None:
    """Says what the glasses have of an update after each piece, and what runs in the end."""
    began_s = time.monotonic()

    def progress(done: int, size: int) -> None:
        say(has=done, of=size, after_s=round(time.monotonic() - began_s, 2))

    async with glint.connect(timeout_s=TIMEOUT_S) as glasses:
        done = await glasses.update(path, progress=progress)
        links = glasses.statistics.links
    say(version=done.version, before=done.before, links=links)


async def alone() -> None:
    """Has the glasses know nobody else, and take nobody else."""
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
