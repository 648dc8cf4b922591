# SPDX-License-Identifier: Apache-2.0
"""Watching: the glasses look by themselves, and tell when what they see has changed.

Each look takes a small grey picture. The image model runs only when that differs from the picture
it ran on last, or when its last answer was another than what was told; without a model, motion and
brightness are told. (A finder of text and codes would take its crop where `_look` tells a change.)
"""

import asyncio
from asyncio import core
from time import ticks_add, ticks_diff

from glasses import protocol
from glasses.config import MOTION
from glasses.perception.trigger import MOTION_SHARE, Told, Trigger

# So many looks in a row have to say the same before it is told, and without a model as many without
# motion before it is still.
AGREE_LOOKS = 2
STILL_LOOKS = 5
# A label that is this little more probable than the next best decides nothing.
LEAD_LEAST = 0.2
# A camera that gave no picture is asked again after this.
RETRY_MS = 5000
ERROR_TEXT_MAX = 80


class Watcher:
    """Watches while the setting `watch_every_ms` or a companion wants it.

    Args:
        app: The glasses.app.Glasses.
    """

    def __init__(self, app):
        self._app = app
        self._news = asyncio.Event()
        self._failed = False
        self._begin()
        app.link.on_watch = self.again

    def _begin(self):
        self._trigger = Trigger()
        self._told = Told()
        self._eye = None  # what looked last

    @property
    def every_ms(self):
        """From one look to the next; 0 while nobody wants any, or there is no camera."""
        app = self._app
        if app.board.camera is None:
            return 0
        wanted = (app.settings["watch_every_ms"], app.link.watch_every_ms)
        return min([ms for ms in wanted if ms] or [0])

    def again(self):
        """Somebody wants something else: what is seen is told anew, to whoever has just come."""
        self._begin()
        self._news.set()

    async def run(self):
        """Watches whenever somebody wants it, for ever."""
        while True:
            self._news.clear()
            if not self.every_ms:
                self._failed = False
                await self._news.wait()
                continue
            try:
                await self._watch()
            except (OSError, MemoryError) as error:
                if not self._failed:
                    self._app.journal.notice("camera", str(error)[:ERROR_TEXT_MAX])
                self._failed = True
                await self._pause(RETRY_MS)

    async def _watch(self):
        """Looks until nobody wants it any more. Raises OSError or MemoryError: no picture."""
        app = self._app
        hold = getattr(app.board.camera, "hold", None)
        app.ledger.begin(protocol.STATE_WATCHING)
        app.privacy.begin()
        try:
            if hold:
                hold(True)
            due_ms = core.ticks()
            while True:
                every_ms = self.every_ms
                if not every_ms:
                    return
                await self._look()
                self._failed = False
                due_ms = ticks_add(due_ms, every_ms)
                left_ms = ticks_diff(due_ms, core.ticks())
                if left_ms < 0:  # it does not catch up on looks
                    due_ms = ticks_add(due_ms, -left_ms)
                    left_ms = 0
                await self._pause(left_ms)
                self._news.clear()
        finally:
            if hold:
                hold(False)
            app.privacy.end()
            app.ledger.end(protocol.STATE_WATCHING)

    async def _pause(self, length_ms):
        """Waits, or until somebody wants something else."""
        try:
            await asyncio.wait_for_ms(self._news.wait(), length_ms)
        except asyncio.TimeoutError:
            pass

    async def _look(self):
        app, trigger, told = self._app, self._trigger, self._told
        camera, eye = app.board.camera, app.vision
        grey = await camera.capture(camera.GREY, eye.width, eye.height)
        share = await trigger.compare(grey, eye.width, eye.height)
        by, p, enough = MOTION, share, AGREE_LOOKS
        if trigger.is_dark:
            trigger.forget()  # whatever is seen when it is light again is news
            label, p = "dark", 1.0
        elif eye.name == MOTION:
            moves = trigger.has_kept and share >= MOTION_SHARE
            trigger.keep()
            label, enough = ("motion", 1) if moves else ("still", STILL_LOOKS)
        elif share >= MOTION_SHARE or told.is_doubtful or eye is not self._eye:
            trigger.keep()
            self._eye = eye
            label, p = await eye.look(grey)
            app.ledger.looked()
            by = eye.name
            if told.label is not None and eye.lead < LEAD_LEAST:
                label = None
        else:
            return
        if told.look(label, enough):
            app.journal.append(protocol.EVENT_SEEN, {"label": label, "p": p, "by": by})
