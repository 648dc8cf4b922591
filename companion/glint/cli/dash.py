# SPDX-License-Identifier: Apache-2.0
"""`glint dash`: the glasses in a browser."""

import contextlib
import sys
from typing import Annotated

import typer

from glint.cli.options import Hci, Timeout, connect, print_line, run_to_end
from glint.errors import GlintError


def register(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command()(dash)


def dash(
    listen: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT", help="Where; other machines reach it only if HOST is not local."
        ),
    ] = "127.0.0.1:8765",
    hci: Hci = None,
    glasses: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME_OR_ADDRESS",
            help="Which glasses; may be repeated (default: the first heard).",
        ),
    ] = None,
    timeout: Timeout = 10.0,
) -> None:
    """Show the glasses in a browser: events, sound, photos, models and more."""
    try:
        import segno

        from glint.dash import run
    except ImportError as error:
        raise GlintError(f"{error}: pip install 'glint-companion[dash]'.") from None
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 0xFFFF:
        raise GlintError(f"--listen takes HOST:PORT, not {listen}.")
    listening = run.listen(host.strip("[]"), int(port))

    def ready(address: str, others: bool) -> None:
        print_line(f"open {address}")
        if others:
            segno.make(address).terminal(out=sys.stdout, compact=True)
            print_line("or let a phone in the same network read this code")

    async def serve() -> None:
        async with contextlib.AsyncExitStack() as stack:
            pairs = [
                await stack.enter_async_context(connect(one, hci, timeout))
                for one in (glasses or (None,))
            ]
            await run.serve(pairs, listening, ready)

    with listening:
        run_to_end(serve())
