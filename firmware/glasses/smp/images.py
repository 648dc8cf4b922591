# SPDX-License-Identifier: Apache-2.0
"""SMP's image group, its reset, and what the Glint group says about starting."""

import asyncio

from glasses import protocol, smp
from glasses.boot import keys
from glasses.boot.image import ImageError
from glasses.boot.reset import reset
from glasses.update import HASH_BYTES, Updater

# An application that has run for so long has not crashed at its start.
HEALTHY_MS = 30000
# For the answer to leave first.
RESET_AFTER_MS = 500
# An update on trial that nobody confirms for so long is reverted.
TRIAL_MS = 300000
# A companion that waits for the self-check is to hear how it ended.
FAILED_MS = 3000
# So that it fits a response.
REPORT_MAX = 600

ERROR_TEXT_MAX = 100

# What the self-check says while it runs, and when all is well.
CHECKING = "running"
PASSED = "passed"


class Images:
    """Answers requests about images on `board` with `server`.

    Args:
        check: Returns a generator that raises when the application is not well; None in safe mode.
    """

    def __init__(self, server, board, check=None):
        self._safe = check is None
        self._updater = Updater(board.flash, board.name)
        self._reset = asyncio.Event()
        self._check = check
        self._said = CHECKING if self._updater.on_trial else ""
        group, glint = protocol.SMP_GROUP_IMAGE, protocol.SMP_GROUP_GLINT
        server.handle(group, protocol.SMP_IMAGE_STATE, smp.READ, self._state)
        server.handle(group, protocol.SMP_IMAGE_STATE, smp.WRITE, _refusing(self._choose))
        server.handle(group, protocol.SMP_IMAGE_UPLOAD, smp.WRITE, _refusing(self._upload))
        server.handle(group, protocol.SMP_IMAGE_ERASE, smp.WRITE, _refusing(self._erase))
        server.handle(glint, protocol.SMP_GLINT_BOOT, smp.READ, self._boot)
        server.handle(glint, protocol.SMP_GLINT_DOWNGRADE, smp.WRITE, self._downgrade)
        server.handle(glint, protocol.SMP_GLINT_TRUST, smp.READ, self._trust)
        server.handle(protocol.SMP_GROUP_OS, protocol.SMP_OS_RESET, smp.WRITE, self._request_reset)

    async def run(self):
        """Notes when the application has run well, and resets when asked to."""
        if self._said:
            asyncio.create_task(self._try())
        try:
            await asyncio.wait_for(self._reset.wait(), HEALTHY_MS / 1000)
        except asyncio.TimeoutError:
            if not self._safe:
                self._updater.stored.healthy()
            await self._reset.wait()
        await asyncio.sleep(RESET_AFTER_MS / 1000)
        self._updater.stored.stopped()
        reset()

    async def _try(self):
        """Checks an update on trial, and reverts it if it fails."""
        try:
            for _ in self._check():
                await asyncio.sleep(0)
        except Exception as error:
            self._said = "%s: %s" % (type(error).__name__, error)
            why, wait_ms = "its self-check failed: " + self._said, FAILED_MS
        else:
            self._said = PASSED
            why, wait_ms = "it was not confirmed within %d s" % (TRIAL_MS // 1000), TRIAL_MS
        await asyncio.sleep(wait_ms / 1000)
        if self._updater.on_trial:
            print("update reverted:", why)
            self._updater.stored.write(refused=why[-REPORT_MAX // 2 :])
            self._reset.set()

    def restart(self):
        """Restarts the glasses soon."""
        self._reset.set()

    def _request_reset(self, body):
        self.restart()
        return {}

    def _state(self, body):
        return {"images": self._updater.images(), "splitStatus": 0}

    def _choose(self, body):
        digest = body.get("hash")
        confirm = body.get("confirm", False)
        if confirm and self._said not in ("", PASSED):
            raise ImageError("self-check: " + self._said, protocol.IMAGE_RC_CONFIRMATION_DENIED)
        if confirm and digest is None and self._safe:
            raise ImageError("safe mode", protocol.IMAGE_RC_CONFIRMATION_DENIED)
        if digest is not None:
            self._updater.choose(digest, confirm)
        elif not confirm:
            raise ImageError("no hash", protocol.IMAGE_RC_INVALID_HASH)
        else:
            self._updater.confirm()
        return self._state(body)

    def _upload(self, body):
        updater = self._updater
        at, data = body["off"], body["data"]
        if at == 0:
            if body.get("image"):
                raise ImageError("there is one image", protocol.IMAGE_RC_INVALID_SLOT)
            if "len" not in body:
                raise ImageError("no length", protocol.IMAGE_RC_INVALID_LENGTH)
            digest = body.get("sha")
            if digest is not None and len(digest) != HASH_BYTES:
                raise ImageError("sha", protocol.IMAGE_RC_INVALID_HASH)
            there = updater.begin(body["len"], digest, body.get("upgrade", False))
            if there:
                return self._finish(there) if updater.complete else {"off": there}
        at = updater.write(at, data)
        return self._finish(at) if updater.complete else {"off": at}

    async def _finish(self, at):
        steps = self._updater.finishing()
        try:
            for _ in steps:
                await asyncio.sleep(0)  # sound does not wait, nor do events
        except (ImageError, OSError) as error:
            raise _refused(error)
        finally:
            steps.close()
        return {"off": at}

    def _erase(self, body):
        if body.get("slot", 1) != 1:
            raise ImageError("that slot is running", protocol.IMAGE_RC_INVALID_SLOT)
        self._updater.erase()
        return {}

    def _boot(self, body):
        stored = self._updater.stored
        return {
            "safe": self._safe,
            "check": self._said[:ERROR_TEXT_MAX],
            "crash": stored.crash_report()[-REPORT_MAX:],
            "refused": self._updater.refused[-REPORT_MAX // 2 :],
        }

    def _trust(self, body):
        trust = self._updater.trust
        rows = [
            {"name": name, "hash": key_hash, "development": key_hash == keys.DEVELOPMENT}
            for key_hash, name in trust.trusted()
        ]
        return {
            "keys": rows,
            "counter": trust.counter,
            "closed": trust.closed,
            "damaged": trust.damaged,
            "signed": self._updater.signed(),
        }

    def _downgrade(self, body):
        self._updater.downgrade = True
        return {}


def _refusing(handler):
    """`handler`, whose ImageError and OSError become refusals that SMP knows."""

    def handle(body):
        try:
            return handler(body)
        except (ImageError, OSError) as error:
            raise _refused(error)

    return handle


def _refused(error):
    print("update refused:", error)
    rc = error.rc if isinstance(error, ImageError) else protocol.IMAGE_RC_WRITE_FAILED
    return smp.RequestError(rc, str(error))
