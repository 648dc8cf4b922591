# SPDX-License-Identifier: Apache-2.0
"""Measures the processor time of `glint` commands, which hardly depends on the machine's load."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

from workbench.emulation.simprocess import simulator
from workbench.errors import WorkbenchError

# The least of several runs counts, since caches are cold at first.
ROUNDS = 3


def processor_s(*arguments: str, hci: str = "") -> float:
    """Returns the seconds of processor time that `glint` takes with these arguments.

    Raises:
        WorkbenchError: The command failed.
    """
    least = float("inf")
    for _ in range(ROUNDS):
        process = subprocess.Popen(
            [sys.executable, "-m", "glint", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"GLINT_HCI": hci},
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise WorkbenchError(f"glint {' '.join(arguments)} ended with {process.returncode}")
        least = min(least, used.ru_utime + used.ru_stime)
    return least


async def _request() -> float:
    async with simulator() as running:
        return await asyncio.to_thread(processor_s, "info", hci=running.address)


def measure() -> dict[str, float]:
    """Measures the processor time of help, and of a request over the simulated radio, in seconds.

    Raises:
        WorkbenchError: A command failed, or no glasses can be emulated.
    """
    return {"glint --help": processor_s("--help"), "glint info": asyncio.run(_request())}
