# SPDX-License-Identifier: Apache-2.0
"""In the companion: leaves a note on the glasses, or lists the notes there.

    python note.py [TEXT]

The glasses need extension.py, which stands beside this file.
"""

import asyncio
import sys
from typing import ClassVar

import glint
from smp import error, message

GROUP = 70
NOTES = 0


class NotesErrorV1(error.ErrorV1):
    """A refusal that every command may get: one that the glasses do not know, say."""

    _GROUP_ID = GROUP


class NotesErrorV2(error.ErrorV2[int]):
    """A refusal with a code of our group's own."""

    _GROUP_ID = GROUP


class Notes:
    """What all requests of our group have."""

    _GROUP_ID: ClassVar[int] = GROUP
    _COMMAND_ID: ClassVar[int] = NOTES
    _ErrorV1 = NotesErrorV1
    _ErrorV2 = NotesErrorV2


class NotesReadResponse(message.ReadResponse):
    _GROUP_ID = GROUP
    _COMMAND_ID = NOTES

    notes: list[str]


class NotesRead(Notes, message.ReadRequest):
    _Response = NotesReadResponse


class NoteWriteResponse(message.WriteResponse):
    _GROUP_ID = GROUP
    _COMMAND_ID = NOTES

    count: int


class NoteWrite(Notes, message.WriteRequest):
    _Response = NoteWriteResponse

    text: str


async def main(text: str) -> None:
    async with glint.connect() as glasses:
        if text:
            answer = await glasses.request(NoteWrite(text=text))
            print(f"Kept; there are {answer.count} notes.")
        else:
            print(*(await glasses.request(NotesRead())).notes, sep="\n")


if __name__ == "__main__":
    try:
        asyncio.run(main(" ".join(sys.argv[1:])))
    except glint.GlintError as problem:
        sys.exit(str(problem))
