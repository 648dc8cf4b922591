# SPDX-License-Identifier: Apache-2.0
"""Puts the command line together and decides how it ends."""

import gc
import importlib.metadata
import io
import logging
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from glint.cli import bonds, commands, config, dash, models, render, updates
from glint.cli.options import EndedError
from glint.errors import GlintError

_ERROR = 1
_INTERRUPTED = 130
_SIGNAL = 128  # What shells add to a signal's number.
# Imports make much that stays: looking for garbage among it costs a tenth of a command's time.
_COLLECT_AFTER = 50_000

# Why commands of other packages could not be loaded.
_missing: list[str] = []


class _Group(TyperGroup):
    """Explains which package may provide an unknown command."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = super().get_command(ctx, cmd_name)
        if command is None and _missing:
            raise GlintError(
                f"No command {cmd_name!r}; those of the workbench could not be loaded "
                f"({_missing[0]}): pip install glint-workbench."
            )
        return command


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"glint {importlib.metadata.version('glint-companion')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Smart glasses with on-device AI: what they hear and see, over Bluetooth LE."""


def build() -> typer.Typer:
    """Returns the command line, with the workbench's commands where it is installed."""
    app = typer.Typer(
        cls=_Group,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # importing rich takes longer than all the rest of --help
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    commands.register(app)
    updates.register(app)
    dash.register(app)
    app.add_typer(bonds.app, name="bonds")
    app.add_typer(config.app, name="config")
    app.add_typer(models.app, name="models")
    entries = list(importlib.metadata.entry_points(group="glint.commands"))
    _missing[:] = [] if entries else ["it is not installed"]
    for entry in entries:
        try:
            entry.load()(app)
        except ImportError as error:
            _missing.append(str(error))
    return app


def main() -> int:
    """Runs the command line.

    Returns:
        Exit status: 0, 1 with one line on standard error, 2 for wrong usage, 130 after Ctrl-C,
            128 and the signal's number after SIGTERM or SIGHUP.
    """
    gc.set_threshold(_COLLECT_AFTER)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # The libraries below log what they also raise; only this package's messages are for the user.
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger("glint").addHandler(_Complaints())
    try:
        build()()
    except GlintError as error:
        return _fail(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        return _fail(f"{error.filename}: {error.strerror}.")
    except KeyboardInterrupt:
        return _INTERRUPTED
    except EndedError as ended:
        return _SIGNAL + ended.number
    return 0


class _Complaints(logging.Handler):
    """Shows warnings, as that the link was lost, as lines like those of errors."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        render.complain(record.getMessage())


def _fail(line: str) -> int:
    render.complain(line)
    return _ERROR
