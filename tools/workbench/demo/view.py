# SPDX-License-Identifier: Apache-2.0
"""Displays the demo: live on a terminal, as plain lines in a pipe, or as JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from glint.cli import render
from glint.events import Event
from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

EVENTS_SHOWN = 12


class View(Protocol):
    """How the demo reports what happens."""

    def step(self, text: str) -> None:
        """Shows what is being done."""

    def event(self, event: Event) -> None:
        """Shows an event that has arrived."""

    def saved(self, path: Path, what: str) -> None:
        """Shows that a file was written."""

    def summary(self, facts: dict[str, Any]) -> None:
        """Shows the figures at the end."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class _Bare:
    """A view that needs no setup and no cleanup."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class JsonView(_Bare):
    """A view of one JSON object per line."""

    def _say(self, kind: str, fields: dict[str, Any]) -> None:
        print(json.dumps({"event": kind, **fields}), flush=True)

    def step(self, text: str) -> None:
        self._say("step", {"text": text})

    def event(self, event: Event) -> None:
        self._say("glasses", event.as_json())

    def saved(self, path: Path, what: str) -> None:
        self._say("saved", {"file": str(path), "text": what})

    def summary(self, facts: dict[str, Any]) -> None:
        self._say("summary", facts)


class PlainView(_Bare):
    """A view of one plain line for each thing that happens."""

    def step(self, text: str) -> None:
        print(f"- {text}", flush=True)

    def event(self, event: Event) -> None:
        print(f"  {render.event_text(event).plain}", flush=True)

    def saved(self, path: Path, what: str) -> None:
        print(f"  saved {path} ({what})", flush=True)

    def summary(self, facts: dict[str, Any]) -> None:
        print("summary", flush=True)
        for name, value in summary_rows(facts):
            print(f"  {name}: {value}", flush=True)


class LiveView:
    """A view of steps, events and figures in one frame that is updated live."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._steps: list[str] = []
        self._events: list[Text] = []
        self._facts: dict[str, Any] | None = None
        self._live = Live(console=self._console, refresh_per_second=10)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._refresh(running=False)
        self._live.stop()

    def step(self, text: str) -> None:
        self._steps.append(text)
        self._refresh()

    def event(self, event: Event) -> None:
        self._add(render.event_text(event))

    def saved(self, path: Path, what: str) -> None:
        self._add(Text.assemble((f"{'saved':>12}  ", "dim"), (str(path), "bold"), f"  {what}"))

    def summary(self, facts: dict[str, Any]) -> None:
        self._facts = facts
        self._refresh()

    def _add(self, shown: Text) -> None:
        self._events.append(shown)
        self._refresh()

    def _refresh(self, *, running: bool = True) -> None:
        self._live.update(self.frame(running), refresh=True)

    def frame(self, running: bool) -> RenderableType:
        """Renders everything that is shown now."""
        parts: list[RenderableType] = [
            Text(f"✓ {step}", style="green") for step in self._steps[:-1]
        ]
        if self._steps:
            last = self._steps[-1]
            parts.append(
                Spinner("dots", f" {last}") if running else Text(f"✓ {last}", style="green")
            )
        if self._events:
            shown = Text("\n").join(self._events[-EVENTS_SHOWN:])
            parts.append(Panel(shown, title="from the glasses", box=box.ROUNDED))
        if self._facts:
            figures = Table.grid(padding=(0, 2))
            for name, value in summary_rows(self._facts):
                figures.add_row(Text(name, style="dim"), Text(value, style="bold"))
            parts.append(Panel(figures, title="summary", box=box.ROUNDED))
        return Group(*parts)


def summary_rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the figures for people to read: (name, value)."""
    rows = []
    if facts["word"]:
        rows.append(("heard", f"{facts['word']}, probability {facts['probability']:.2f}"))
    if facts["seen"]:
        rows.append(("saw", str(facts["seen"])))
    if facts["latency_ms"] is not None:
        rows.append(("end of the word to the companion", f"{facts['latency_ms']} ms"))
    if facts["realtime_factor"] is not None:
        share = f"{facts['realtime_factor']:.1%} of real time"
        rows.append(("perception loop", f"{share}, {facts['slow_hops']} hops too slow"))
    rows.append(
        (
            "sent over the radio",
            f"{facts['notifications']} notifications, {facts['notified_bytes']} bytes",
        )
    )
    arenas = ", ".join(f"{name} {size}" for name, size in facts["arena_bytes"].items())
    rows.append(("arenas (bytes)", arenas))
    used, free = facts["heap_used_bytes"], facts["heap_free_bytes"]
    rows.append(("heap", f"{used} bytes used, {free} free"))
    rows.append(("battery", f"{facts['battery_percent']} %"))
    return rows
