# SPDX-License-Identifier: Apache-2.0
"""Renders events and facts as text, or as JSON for programs."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from glint import events as ev

if TYPE_CHECKING:
    from rich.text import Text

_STYLES: dict[type[ev.Event], str] = {
    ev.Wake: "bold green",
    ev.Seen: "bold magenta",
    ev.Media: "cyan",
    ev.MediaEnd: "cyan",
    ev.Gap: "bold red",
    ev.Microphone: "bold red",
    ev.Notice: "bold red",
    ev.Unknown: "dim",
}


def printable(text: str) -> str:
    """Returns text from the glasses without control characters that a terminal would obey."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def complain(text: str) -> None:
    """Prints what is wrong on standard error."""
    print("glint:", "\n".join(map(printable, text.splitlines())), file=sys.stderr, flush=True)


def event_text(event: ev.Event) -> "Text":
    """Returns an event as one line: time of day, type, what it says."""
    from rich.text import Text

    line = Text(f"{_when(event):>19}  ", style="dim")
    line.append(f"{event.name:9}  ", style=_STYLES.get(type(event), "bold"))
    line.append(printable(_said(event)), style="default")
    return line


def _when(event: ev.Event) -> str:
    """The local time of day, with the date unless it is today's; "earlier" when nobody knows."""
    if event.time is None:
        return "earlier"
    local = event.time.astimezone()
    today = local.date() == datetime.now().astimezone().date()
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03}" if today else f"{local:%F %T}"


def _said(event: ev.Event) -> str:
    match event:
        case ev.Boot():
            return f"{event.board}, firmware {event.firmware}"
        case ev.Wake():
            return f"{event.word}  {event.probability:.2f}"
        case ev.Seen():
            return f"{event.label}  {event.probability:.2f}  by {event.by}"
        case ev.Media(kind="audio"):
            return f"audio {event.id}, {event.bytes} bytes of {event.codec}"
        case ev.Media():
            return f"photo {event.id}, {event.width}x{event.height}, {event.bytes} bytes"
        case ev.MediaEnd(error=None):
            return f"object {event.id} sent"
        case ev.MediaEnd():
            return f"object {event.id} given up: {event.error}"
        case ev.Battery():
            return f"{event.percent} %, {event.mv} mV"
        case ev.Button():
            return "pressed" if event.pressed else "released"
        case ev.Gap():
            return f"{event.count} events lost"
        case ev.Microphone(silent=True):
            return f"no sound; {event.lost_ms} ms lost since the glasses started"
        case ev.Microphone():
            return f"{event.lost_ms} ms of sound lost since the glasses started"
        case ev.Notice():
            return f"{event.about}: {event.text}"
        case ev.Unknown():
            return f"type {event.type} {event.fields}"
    return ""


def pairing_text(method: str) -> str:
    """Explains a pairing method, as the glasses name it."""
    if method == "just works":
        return "Just Works: pairing is not protected against an attacker in the middle"
    return f"{method}, which the wearer compares or types" if method == "digits" else method


def energy_lines(used_uah: list[int] | None, left_min: list[int] | None) -> list[str]:
    """Returns what `glint info` says of energy; the arguments as in glint.info.Status."""
    lines = []
    if used_uah:
        least, most = (uah / 1000 for uah in used_uah)
        lines.append(f"{'energy used':16}  {least:.2f} to {most:.2f} mAh since boot, what is known")
    if left_min:
        least, most = (minutes / 60 for minutes in left_min)
        lines.append(f"{'battery lasts':16}  {least:.1f} to {most:.1f} h if they go on so")
    elif used_uah:
        lines.append(f"{'battery lasts':16}  unknown: glint config set battery_mah MAH")
    return lines


def trust_lines(trust: dict[str, Any] | None) -> list[str]:
    """Returns what `glint info` prints of whose updates the glasses accept (glint.info.Trust)."""
    if trust is None:
        return []
    keys = ", ".join(f"{name} {digest[:16]}" for digest, name in trust["keys"].items())
    lines = [
        f"{'trusted keys':16}  {keys or 'none'}",
        f"{'signed with':16}  {trust['signed'] or 'nothing: it came over a cable'}",
        f"{'security counter':16}  {trust['counter']}",
        f"{'closed':16}  {trust['closed']}",
    ]
    if trust["damaged"]:
        lines.append(
            "note: the trusted keys are damaged; no update is accepted until the glasses are erased"
        )
    if trust["development"]:
        lines.append(
            "note: these glasses accept updates signed with the development key, whose private "
            "is public; see docs/security.md"
        )
    return lines
