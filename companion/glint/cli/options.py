# SPDX-License-Identifier: Apache-2.0
"""What commands share: options, how they connect, and how they print."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from glint.client import Glasses
    from glint.collect import Progress

Hci = Annotated[
    str | None,
    typer.Option(
        envvar="GLINT_HCI",
        metavar="TRANSPORT",
        help="HCI transport to use, as 'glint sim' prints it, instead of the machine's Bluetooth.",
    ),
]
Wanted = Annotated[
    str | None,
    typer.Option(
        "--glasses", metavar="NAME_OR_ADDRESS", help="Which glasses (default: the first heard)."
    ),
]
Timeout = Annotated[
    float,
    typer.Option(
        min=0, metavar="S", help="How long to look for them, at first and when the link was lost."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


T = TypeVar("T")

_CANCEL_AGAIN_S = 6.0  # Longer than a link takes to close: see `link._CLOSE_TIMEOUT_S`.


class EndedError(Exception):
    """A signal ended the command.

    Attributes:
        number: The signal's.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.number = number


def run_to_end(main: Coroutine[Any, Any, T]) -> T:
    """Runs a command to its end.

    SIGTERM and the loss of the terminal end it as cleanly as Ctrl-C does: a system keeps the
    connections of programs that are killed, and connected glasses do not advertise.

    Raises:
        EndedError: SIGTERM or SIGHUP came.
    """
    told: list[int] = []

    async def wrapped() -> T:
        task = asyncio.ensure_future(main)

        def cancel() -> None:
            # Once is not always enough: see `waiting.end_tasks`.
            if not task.done():
                task.cancel()
                asyncio.get_running_loop().call_later(_CANCEL_AGAIN_S, cancel)

        def end(number: int) -> None:
            told.append(number)
            cancel()

        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is None or signal.getsignal(number) is signal.SIG_IGN:
                continue  # Another system lacks it, or nohup started the program.
            # Windows has none (NotImplementedError), and only the main thread has any.
            with contextlib.suppress(NotImplementedError, RuntimeError):
                asyncio.get_running_loop().add_signal_handler(number, end, number)
        return await task

    try:
        return asyncio.run(wrapped())
    except asyncio.CancelledError:
        if told:
            raise EndedError(told[0]) from None
        raise


def connect(glasses: str | None, hci: str | None, timeout_s: float) -> "Glasses":
    """Connects, importing Bluetooth only now."""
    from glint.client import connect

    return connect(glasses, hci=hci, timeout_s=timeout_s)


def print_object(fields: dict[str, Any]) -> None:
    """Prints an object as a line of JSON."""
    print_line(json.dumps(fields))


def print_line(line: str) -> None:
    """Prints a line at once."""
    print(line, flush=True)


@contextlib.contextmanager
def progress_bar(title: str, as_json: bool) -> "Iterator[Progress | None]":
    """Shows a progress bar on a terminal; gives the callback that moves it."""
    if as_json or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(title, total=None)
        yield lambda received, total: bars.update(bar, completed=received, total=total)
