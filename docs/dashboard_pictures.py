# SPDX-License-Identifier: Apache-2.0
"""`python docs/dashboard_pictures.py FOLDER [CAMERA]`: draws the dashboard, of emulated glasses.

Needs Chromium. Writes dashboard.png, as on a desk, and dashboard-phone.png.
"""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
from pathlib import Path

import glint
from glint.dash import run
from PIL import Image
from workbench.browser import Page, browser
from workbench.emulation import sound
from workbench.emulation.simprocess import SimProcess, simulator

COLOURS = 64
DESK = (1280, 960)
PHONE = (390, 844)


async def say(sim: SimProcess, text: str, folder: Path) -> None:
    """Says something to the glasses."""
    path = folder / "said.wav"
    sound.save(path, sound.join(sound.silence(1.0), sound.speech(text), sound.noise(4.0, 400)))
    sim.do("mic", files=[str(path)])


def save(picture: bytes, path: Path) -> None:
    """Saves a picture with few colours, as PNG."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size} bytes")


async def draw(page: Page, path: Path, size: tuple[int, int], *, mobile: bool = False) -> None:
    """Saves what is seen of the page at some size."""
    await page.resize(*size, mobile=mobile)
    await page.value("document.fonts.ready")
    save(await page.screenshot(), path)


async def show(page: Page, sim: SimProcess, address: str, folder: Path) -> None:
    """Opens the page, and has the glasses hear and see something."""
    await page.call("Page.navigate", url=address)
    await page.until("document.querySelector('#state')?.textContent === 'connected'")
    await page.until("document.querySelector('#bonds li') !== null")
    await page.value("document.querySelector('#take').click()")
    await page.until("document.querySelector('#photos img')?.naturalWidth > 0")
    await page.until("document.querySelector('#photos figcaption').textContent.includes('(')")
    await say(sim, "okay nabu", folder)
    await page.until("document.querySelector('#notes audio') !== null")
    await asyncio.sleep(6.0)  # until what followed the word is recorded
    await say(sim, "what do you see", folder)
    await page.value("document.querySelector('#hear').click()")
    await page.until("document.querySelector('#level').value > -50")
    await page.until("document.querySelector('#words meter') !== null")


async def main(target: str, camera: str | None = None) -> None:
    """Draws the pictures into the folder `target`; the camera sees the pictures of `camera`."""
    scenes = ["--camera", camera] if camera else []
    addresses: asyncio.Queue[str] = asyncio.Queue()
    with tempfile.TemporaryDirectory() as name, run.listen("127.0.0.1", 0) as listening:
        folder = Path(name)
        async with (
            simulator("--word", "okay_nabu", "--word", "alexa", *scenes) as sim,
            glint.connect(hci=sim.address) as glasses,
            browser(folder / "profile") as page,
        ):
            serving = asyncio.create_task(
                run.serve([glasses], listening, lambda address, _: addresses.put_nowait(address))
            )
            await page.resize(*DESK)
            await show(page, sim, await addresses.get(), folder)
            await draw(page, Path(target) / "dashboard.png", DESK)
            await draw(page, Path(target) / "dashboard-phone.png", PHONE, mobile=True)
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
