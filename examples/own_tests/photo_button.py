# SPDX-License-Identifier: Apache-2.0
"""An app: each press of the glasses' button takes a photo, which is saved into a folder."""

import asyncio
import sys
from pathlib import Path

import glint


async def photos(glasses, folder):
    """Saves photos until it is cancelled, also of presses that nobody has dealt with yet."""
    async for event in glasses.events("unread"):
        if isinstance(event, glint.Button) and event.pressed:
            photo = await glasses.photo()
            photo.save(folder / f"{event.seq}.jpg")


async def main(folder):
    async with glint.connect() as glasses:
        await photos(glasses, folder)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
