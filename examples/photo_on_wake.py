# SPDX-License-Identifier: Apache-2.0
"""Takes a photo whenever the glasses hear their wake word.

    python photo_on_wake.py [FOLDER]

Ends with Ctrl-C.
"""

import asyncio
import sys
from datetime import datetime
from pathlib import Path

import glint


async def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    async with glint.connect() as glasses:
        print("Say the wake word.", flush=True)
        async for event in glasses.events():
            if not isinstance(event, glint.Wake):
                continue
            try:
                photo = await glasses.photo()
            except glint.GlintError as error:
                print(f"No photo: {error}")
                continue
            path = folder / f"{datetime.now():%Y%m%d-%H%M%S}-{event.seq}.jpg"
            photo.save(path)
            print(f"{event.word}: {path}", flush=True)


if __name__ == "__main__":
    try:
        asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "photos")))
    except KeyboardInterrupt:
        pass
    except glint.GlintError as error:
        sys.exit(str(error))
