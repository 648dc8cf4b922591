# SPDX-License-Identifier: Apache-2.0
"""How `glint sim` says what happens: to programs, and to people."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Say = Callable[..., None]


def say_json(event: str, **fields: Any) -> None:
    """Prints one JSON object a line."""
    print(json.dumps({"event": event, **fields}), flush=True)


def say_plain(event: str, **fields: Any) -> None:
    """Prints the events that matter to a person, one line each."""
    match event:
        case "ready":
            text = f"{fields['name']} advertises; reach it with --hci {fields['hci']}"
        case "light":
            text = f"privacy light {'on' if fields['on'] else 'off'}"
        case "console":
            text = f"glasses: {fields['line']}"
        case "note":
            text = fields["text"]
        case "mic_started":
            text = "the microphone hears the sound"
        case "mic_done":
            text = "the microphone hears a quiet room"
        case "restarted":
            text = f"the glasses started anew (status {fields['status']})"
        case _:
            text = f"{event} {fields}"
    print(text, flush=True)
