# SPDX-License-Identifier: Apache-2.0
"""What the dashboard knows of one pair of glasses, and the pages that follow them."""

import asyncio
import tempfile
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from glint.client import Glasses
from glint.dash.ear import Ear
from glint.dash.gallery import Gallery
from glint.dash.pages import Pages
from glint.errors import GlintError
from glint.events import Event, Media, Seen, Wake
from glint.update import Updated

_KEPT_EVENTS = 1000
_KEPT_MEDIA = 200
_KEPT_LINES = 200
_WAITING_NEWS = 256

Fields = dict[str, Any]


class Board:
    """One pair of glasses, for any number of pages.

    Args:
        glasses: Connected glasses.
        name: Their name.

    Attributes:
        events: The latest events as JSON objects, the oldest first.
        media: Photos and recordings, the oldest first: `boot_id`, `seq`, `kind`, `id`, `time`, and
            `captions`, which say what was seen in it or which word it followed.
        log: The latest errors and warnings: `time`, `text`.
        pages: News, each with a kind ("event", "media", "log", "progress") and its fields.
        gallery: The contents of `media`.
        ear: The live microphone.
        gone: Why the glasses are gone; None while they are there.
    """

    def __init__(self, glasses: Glasses, name: str) -> None:
        self.glasses = glasses
        self.name = name
        self.events: deque[Fields] = deque(maxlen=_KEPT_EVENTS)
        self.media: deque[Fields] = deque(maxlen=_KEPT_MEDIA)
        self.log: deque[Fields] = deque(maxlen=_KEPT_LINES)
        self.pages: Pages[tuple[str, Fields]] = Pages(_WAITING_NEWS)
        self.gallery = Gallery(glasses)
        self.ear = Ear(glasses)
        self.gone: str | None = None
        self._wake: Wake | None = None

    async def run(self) -> None:
        """Reads events until the glasses are closed. Raises LinkLostError: they are gone."""
        try:
            async for event in self.glasses.events():
                fields = event.as_json()
                self.events.append(fields)
                self.pages.publish(("event", fields))
                self._keep(event)
        except GlintError as error:
            self.gone = str(error)
            self.note(self.gone)
            raise

    async def close(self) -> None:
        """Ends the streams of all pages, and stops what they had started."""
        self.pages.end()
        await self.ear.close()
        await self.gallery.close()

    def note(self, text: str) -> None:
        """Adds a line to the log."""
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "text": text}
        self.log.append(line)
        self.pages.publish(("log", line))

    async def update(self, image: bytes) -> Updated:
        """Installs an update image, and reports its progress to the pages.

        Raises:
            UpdateError: It is not an image, or was refused or reverted.
        """
        told = -1

        def progress(sent: int, total: int) -> None:
            nonlocal told
            percent = 100 * sent // max(total, 1)
            if percent != told:
                told = percent
                self.pages.publish(("progress", {"percent": percent}))

        with tempfile.TemporaryDirectory(prefix="glint-dash-") as folder:
            path = Path(folder) / "image.bin"
            await asyncio.to_thread(path.write_bytes, image)
            return await self.glasses.update(path, progress=progress)

    def _keep(self, event: Event) -> None:
        """Keeps a photo or a recording, or its caption from an event."""
        if isinstance(event, Wake):
            self._wake = event
        elif isinstance(event, Seen) and event.media:
            said = f"{event.label} {event.probability:.2f} ({event.by})"
            for shown in reversed(self.media):
                if (shown["boot_id"], shown["id"]) == (event.boot_id, event.media):
                    shown["captions"].append(said)
                    self.pages.publish(("media", shown))
                    break
        elif isinstance(event, Media) and event.kind != "file":
            if event.kind == "audio" and not event.cause and self.ear.open:
                return  # It is part of the live sound.
            shown = event.as_json()
            shown = {key: shown[key] for key in ("boot_id", "seq", "kind", "id", "time")}
            shown["captions"] = []
            if self._wake and event.cause == self._wake.seq:
                shown["captions"].append(f"after “{self._wake.word}”")
            self.media.append(shown)
            self.gallery.take(event)
            self.pages.publish(("media", shown))
