# SPDX-License-Identifier: Apache-2.0
"""The glasses' image group, asked with the messages of the `smp` package."""

import asyncio
import hashlib
import types

from glasses.boot import slots, start
from glasses.boot.trust import Trust
from glasses.smp import Server
from glasses.smp.images import PASSED, Images
from smp import image_management as messages
from smp.image_management import IMG_MGMT_ERR
from update_images import BOARD

CHUNK_BYTES = 300


class Glasses:
    """The image group on a flash, whose contents survive restarts of the glasses."""

    def __init__(self, folder):
        self.board = types.SimpleNamespace(flash=str(folder), name=BOARD)
        self.images = None
        self.checked = True
        self.restart()

    def stop(self):
        if self.images:
            self.images._updater._close()

    def restart(self):
        self.stop()
        stored = slots.Slots(self.board.flash + "/update")
        trust = Trust(self.board.flash, stored)
        choice = start.choose(stored, start.verifier(stored, BOARD, trust), True)
        self.server = Server()
        check = None if choice == start.SAFE else self.check
        self.images = Images(self.server, self.board, check)
        if self.images._said and self.checked:
            self.images._said = PASSED
        return choice

    def check(self):
        """The application's self-check."""
        yield

    def ask(self, request, response):
        answers = self.server.receive(bytes(request))
        if self.server.waiting:
            answers = asyncio.run(self.server.later())
        (answer,) = answers
        try:
            return response.loads(answer)
        except ValueError:
            return messages.ImageManagementErrorV2.loads(answer).err.rc

    def state(self):
        answer = self.ask(messages.ImageStatesReadRequest(), messages.ImageStatesReadResponse)
        return answer.images

    def choose(self, **fields):
        request = messages.ImageStatesWriteRequest(**fields)
        return self.ask(request, messages.ImageStatesWriteResponse)

    def send(self, **fields):
        request = messages.ImageUploadWriteRequest(**fields)
        return self.ask(request, messages.ImageUploadWriteResponse)

    def erase(self, slot=None):
        return self.ask(messages.ImageEraseRequest(slot=slot), messages.ImageEraseResponse)

    def upload(self, data, upgrade=False, until=None):
        """Returns the answer to the last message: an offset or an error."""
        at = 0
        first = {"len": len(data), "sha": hashlib.sha256(data).digest(), "upgrade": upgrade}
        while at < (until or len(data)):
            more = first if at == 0 else {}
            answer = self.send(off=at, data=data[at : at + CHUNK_BYTES], **more)
            if isinstance(answer, IMG_MGMT_ERR):
                return answer
            at = answer.off
        return at

    def boot_state(self):
        return self.images._boot({})
