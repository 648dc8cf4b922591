# SPDX-License-Identifier: Apache-2.0
"""`glint dash`: the glasses in a browser."""

from typing import Annotated

import typer

from glint.cli.options import Hci, Timeout, Wanted, connect, print_line, run_to_end
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
    glasses: Wanted = None,
    timeout: Timeout = 10.0,
) -> None:
    """Show the glasses in a browser: events as they happen, photos, battery."""
    try:
        from glint.dash import run
    except ImportError as error:
        raise GlintError(f"{error}: pip install 'glint-companion[dash]'.") from None
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 0xFFFF:
        raise GlintError(f"--listen takes HOST:PORT, not {listen}.")
    listening = run.listen(host.strip("[]"), int(port))

    async def serve() -> None:
        async with connect(glasses, hci, timeout) as connected:
            await run.serve(connected, listening, lambda address: print_line(f"open {address}"))

    with listening:
        run_to_end(serve())
