# SPDX-License-Identifier: Apache-2.0
"""`glint config` reads and changes the glasses' settings."""

from typing import Annotated, Any

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
from glint.errors import GlintError

app = typer.Typer(no_args_is_help=True, help="Read or change the glasses' settings.")

Key = Annotated[str, typer.Argument(help="Setting, as 'glint config get' prints them.")]


@app.command()
def get(
    key: Annotated[str | None, typer.Argument(help="One setting (default: all).")] = None,
    hci: Hci = None,
    glasses: Wanted = None,
    timeout: Timeout = 10.0,
    as_json: Json = False,
) -> None:
    """Print settings."""

    async def run() -> dict[str, Any]:
        async with connect(glasses, hci, timeout) as connected:
            return await connected.config()

    settings = run_to_end(run())
    if key is not None:
        settings = {key: _known(settings, key)}
    if as_json:
        print_object(settings)
        return
    for name, value in settings.items():
        text = " ".join(value) if isinstance(value, list) else str(value)
        print_line(printable(text if key else f"{name:16}  {text}"))


@app.command("set")
def set_setting(
    key: Key,
    values: Annotated[list[str], typer.Argument(help="Its value; several for a list.")],
    hci: Hci = None,
    glasses: Wanted = None,
    timeout: Timeout = 10.0,
) -> None:
    """Change a setting, at once and for good."""

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            known = _known(await connected.config(), key)
            await connected.set_config(**{key: _as(known, values)})

    run_to_end(run())


def _known(settings: dict[str, Any], key: str) -> Any:
    if key not in settings:
        raise GlintError(f"No setting {key!r}; there are: {', '.join(settings)}.")
    return settings[key]


def _as(known: Any, values: list[str]) -> Any:
    """Converts the values to the type that the setting has."""
    if isinstance(known, list):
        return values
    if len(values) != 1:
        raise GlintError("This setting takes one value.")
    if isinstance(known, int):
        try:
            return int(values[0])
        except ValueError:
            raise GlintError(f"This setting takes a whole number, not {values[0]!r}.") from None
    return values[0]
