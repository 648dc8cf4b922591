# SPDX-License-Identifier: Apache-2.0
"""SMP's image group, its reset, and what the Glint group says about starting."""

import asyncio

from glasses import boot, protocol, smp
from glasses.image import ImageError
from glasses.update import HASH_BYTES, Updater

# An application that has run for so long has not crashed at its start.
HEALTHY_MS = 30000
# For the answer to leave first.
RESET_AFTER_MS = 500
# So that it fits a response.
REPORT_MAX = 600


class Images:
    """Answers requests about images on `board` with `server`."""

    def __init__(self, server, board, safe=False):
        self._safe = safe
        self._updater = Updater(board.flash + "/update", board.name)
        self._reset = asyncio.Event()
        group, glint = protocol.SMP_GROUP_IMAGE, protocol.SMP_GROUP_GLINT
        server.handle(group, protocol.SMP_IMAGE_STATE, smp.READ, self._state)
        server.handle(group, protocol.SMP_IMAGE_STATE, smp.WRITE, _refusing(self._choose))
        server.handle(group, protocol.SMP_IMAGE_UPLOAD, smp.WRITE, _refusing(self._upload))
        server.handle(group, protocol.SMP_IMAGE_ERASE, smp.WRITE, _refusing(self._erase))
        server.handle(glint, protocol.SMP_GLINT_BOOT, smp.READ, self._boot)
        server.handle(glint, protocol.SMP_GLINT_DOWNGRADE, smp.WRITE, self._downgrade)
        server.handle(protocol.SMP_GROUP_OS, protocol.SMP_OS_RESET, smp.WRITE, self._request_reset)

    async def run(self):
        """Notes when the application has run well, and resets when asked to."""
        try:
            await asyncio.wait_for(self._reset.wait(), HEALTHY_MS / 1000)
        except asyncio.TimeoutError:
            if not self._safe:
                self._updater.stored.healthy()
            await self._reset.wait()
        await asyncio.sleep(RESET_AFTER_MS / 1000)
        self._updater.stored.stopped()
        boot.reset()

    def _request_reset(self, body):
        self._reset.set()
        return {}

    def _state(self, body):
        return {"images": self._updater.images(), "splitStatus": 0}

    def _choose(self, body):
        digest = body.get("hash")
        confirm = bool(body.get("confirm"))
        if digest is not None:
            self._updater.choose(digest, confirm)
        elif not confirm:
            raise ImageError("no hash", protocol.IMAGE_RC_INVALID_HASH)
        elif self._safe:
            raise ImageError("safe mode", protocol.IMAGE_RC_CONFIRMATION_DENIED)
        else:
            self._updater.confirm()
        return self._state(body)

    def _upload(self, body):
        updater = self._updater
        at, data = body["off"], body["data"]
        if not isinstance(data, bytes):
            raise TypeError("data")
        if at == 0:
            if body.get("image"):
                raise ImageError("there is one image", protocol.IMAGE_RC_INVALID_SLOT)
            if "len" not in body:
                raise ImageError("no length", protocol.IMAGE_RC_INVALID_LENGTH)
            digest = body.get("sha")
            if digest is not None and (not isinstance(digest, bytes) or len(digest) != HASH_BYTES):
                raise ImageError("sha", protocol.IMAGE_RC_INVALID_HASH)
            there = updater.begin(body["len"], digest, body.get("upgrade"))
            if there:
                return {"off": there}
        return {"off": updater.write(at, data)}

    def _erase(self, body):
        if body.get("slot", 1) != 1:
            raise ImageError("that slot runs", protocol.IMAGE_RC_INVALID_SLOT)
        self._updater.erase()
        return {}

    def _boot(self, body):
        stored = self._updater.stored
        return {
            "safe": self._safe,
            "crash": stored.crash_report()[-REPORT_MAX:],
            "refused": self._updater.refused[-REPORT_MAX // 2 :],
        }

    def _downgrade(self, body):
        self._updater.downgrade = True
        return {}


def _refusing(handler):
    """`handler`, whose ImageError and OSError become refusals that SMP knows."""

    def handle(body):
        try:
            return handler(body)
        except ImageError as error:
            print("update refused:", error)
            raise smp.RequestError(error.rc, str(error))
        except OSError as error:
            print("update refused:", error)
            raise smp.RequestError(protocol.IMAGE_RC_WRITE_FAILED, str(error))

    return handle
