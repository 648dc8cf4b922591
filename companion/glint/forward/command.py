# SPDX-License-Identifier: Apache-2.0
"""`glint listen --exec`: a command for each event."""

import asyncio
import json
import os
import shlex
from typing import Self

from glint.events import Event
from glint.forward import ForwardError


class Command:
    """Runs a command for each event, one at a time; the event is JSON on its standard input.

    GLINT_EVENT in its environment is the event's type. No shell is involved.

    Args:
        line: The command and its arguments, quoted as for a shell.
    """

    def __init__(self, line: str) -> None:
        try:
            self._arguments = shlex.split(line)
        except ValueError as error:
            raise ForwardError(f"--exec {line}: {error}.") from None
        if not self._arguments:
            raise ForwardError("--exec needs a command.")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        pass

    async def send(self, event: Event) -> None:
        """Returns when the command has ended. Raises ForwardError: it failed, or cannot be run."""
        name = self._arguments[0]
        try:
            process = await asyncio.create_subprocess_exec(
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                env={**os.environ, "GLINT_EVENT": event.name},
            )
        except OSError as error:
            raise ForwardError(f"{name} cannot be run: {error.strerror}.") from None
        try:
            await process.communicate(json.dumps(event.as_json()).encode())
        except BaseException:
            if process.returncode is None:
                process.terminate()
                await process.wait()
            raise
        if process.returncode:
            raise ForwardError(
                f"{name} ended with {process.returncode} for event {event.seq}, a {event.name}."
            )
