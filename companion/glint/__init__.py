# SPDX-License-Identifier: Apache-2.0
"""The companion of Glint glasses: events, photos and audio over Bluetooth LE.

async with glint.connect() as glasses:
    async for event in glasses.events():
        print(event)
"""

import importlib
from typing import TYPE_CHECKING

from glint.audio import Audio, Chunk
from glint.errors import (
    BluetoothError,
    ClosedError,
    GlintError,
    LinkLostError,
    MediaError,
    ModelError,
    NoAnswerError,
    NotFoundError,
    PairingError,
    ProtocolError,
    Reason,
    RequestError,
    UpdateError,
)
from glint.events import (
    Battery,
    Boot,
    Button,
    Event,
    Gap,
    Media,
    MediaEnd,
    Microphone,
    Notice,
    Seen,
    Unknown,
    Wake,
)
from glint.info import Bond, Energy, Info, Model, Statistics, Status

if TYPE_CHECKING:
    from glint.client import Glasses, connect
    from glint.finding import Found, scan
    from glint.photo import Photo
    from glint.update import Updated

__all__ = [
    "Audio",
    "Battery",
    "BluetoothError",
    "Bond",
    "Boot",
    "Button",
    "Chunk",
    "ClosedError",
    "Energy",
    "Event",
    "Found",
    "Gap",
    "Glasses",
    "GlintError",
    "Info",
    "LinkLostError",
    "Media",
    "MediaEnd",
    "MediaError",
    "Microphone",
    "Model",
    "ModelError",
    "NoAnswerError",
    "NotFoundError",
    "Notice",
    "PairingError",
    "Photo",
    "ProtocolError",
    "Reason",
    "RequestError",
    "Seen",
    "Statistics",
    "Status",
    "Unknown",
    "UpdateError",
    "Updated",
    "Wake",
    "connect",
    "scan",
]

# Bluetooth and SMP take most of a second to import: commands that need neither start at once.
_LATER = {
    "Found": "glint.finding",
    "Glasses": "glint.client",
    "Photo": "glint.photo",
    "Updated": "glint.update",
    "connect": "glint.client",
    "scan": "glint.finding",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
