# SPDX-License-Identifier: Apache-2.0
"""A companion that measures: runs on either side of the comparison, and prints JSON lines.

probe.py connect COUNT    connects so often, and tells of each connection
probe.py update FILE      sends an update, and tells how far it has come
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import glint

# Emulated glasses take a while to start on a busy machine, and a guest to hear them.
TIMEOUT_S = 120.0


def say(**fields: Any) -> None:
    """Prints one object."""
    print(json.dumps(fields), flush=True)


async def connect(count: str) -> None:
    """Says how long connecting takes, and how much one write holds then."""
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


def main() -> int:
    command, *arguments = sys.argv[1:]
    try:
        asyncio.run({"connect": connect, "update": update}[command](*arguments))
    except glint.GlintError as error:
        print(f"probe: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
