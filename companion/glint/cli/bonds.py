# SPDX-License-Identifier: Apache-2.0
"""`glint bonds` manages the companions that the glasses know."""

import dataclasses
from typing import Annotated

import typer

from glint.cli.options import (
    Hci,
    Json,
    Timeout,
    Wanted,
    connect,
    print_line,
    print_object,
    run_to_end,
)
from glint.cli.render import printable

app = typer.Typer(
    no_args_is_help=True, help="List, name and remove the companions that the glasses know."
)

Number = Annotated[int, typer.Argument(metavar="ID", help="As 'glint bonds list' prints it.")]


@app.command("list")
def list_bonds(
    hci: Hci = None, glasses: Wanted = None, timeout: Timeout = 10.0, as_json: Json = False
) -> None:
    """List the companions that the glasses know; * marks this one."""

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            known = await connected.bonds()
        for bond in known:
            if as_json:
                print_object(dataclasses.asdict(bond))
            else:
                mark = "*" if bond.this else " "
                print_line(f"{bond.id:4} {mark} {bond.address}  {printable(bond.name)}")

    run_to_end(run())


@app.command()
def remove(
    number: Number, hci: Hci = None, glasses: Wanted = None, timeout: Timeout = 10.0
) -> None:
    """Have the glasses forget a companion."""

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            await connected.remove_bond(number)

    run_to_end(run())


@app.command()
def name(
    number: Number,
    name: Annotated[str, typer.Argument(help="At most 32 bytes of UTF-8.")],
    hci: Hci = None,
    glasses: Wanted = None,
    timeout: Timeout = 10.0,
) -> None:
    """Give a companion a name."""

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            await connected.name_bond(number, name)

    run_to_end(run())


@app.command()
def allow(hci: Hci = None, glasses: Wanted = None, timeout: Timeout = 10.0) -> None:
    """Let a new companion pair for a minute, as a long press of the button does."""

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            left_s = await connected.let_pair()
        print_line(f"open for {left_s:.0f} s" if left_s is not None else "open")

    run_to_end(run())
