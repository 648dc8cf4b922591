# SPDX-License-Identifier: Apache-2.0
"""Hands events to other programs: a command, a web address, an MQTT broker.

A place that takes no event is tried again for a while, and then ends the program: the event is not
acknowledged, and comes again with `glint listen --unread`.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Protocol, Self

from glint.errors import GlintError
from glint.events import Event

PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)


class ForwardError(GlintError):
    """A place took no event; the message says which, and why."""


class Place(Protocol):
    """Where events go, as `async with`."""

    async def send(self, event: Event) -> None:
        """Returns when the place has the event. Raises ForwardError."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *error: object) -> None: ...


def needed(module: str, extra: str) -> ModuleType:
    """Imports a package that not everybody has.

    Raises:
        ForwardError: It is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ForwardError(f"{error}: pip install 'glint-companion[{extra}]'.") from None


async def again(job: Callable[[], Awaitable[None]], where: str, *failures: type[Exception]) -> None:
    """Does a job, again after a pause when it fails in one of these ways.

    Raises:
        ForwardError: It went on failing.
    """
    for pause_s in (*PAUSES_S, None):
        try:
            return await job()
        except failures as error:
            if pause_s is None:
                why = " ".join(str(error).split()) or type(error).__name__
                raise ForwardError(f"{where} takes no events: {why}.") from error
            await asyncio.sleep(pause_s)
