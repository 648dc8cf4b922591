# SPDX-License-Identifier: Apache-2.0
"""Tests the dashboard's page in headless Chromium, with emulated glasses and others that lie."""

import asyncio
import contextlib

import glint
import pytest
import pytest_asyncio
from emulators import emulated
from fake_glasses import fake_advertising
from glint import protocol
from test_dash import serving
from test_update_micropython import application
from workbench.browser import browser
from workbench.emulation import sound
from workbench.system import provide, say_step
from workbench.testing.emulated import Emulated

pytestmark = pytest.mark.asyncio(loop_scope="module")
NEWEST = "document.querySelector('#events li')"


class Shown:
    """A page that shows two pairs of glasses: the emulated ones, and those that a test scripts."""

    def __init__(self, page, target, glasses, fake):
        self.page = page
        self.target = target
        self.glasses = glasses
        self.fake = fake

    async def click(self, selector):
        await self.page.until(f"document.querySelector({selector!r})?.disabled === false")
        await self.page.value(f"document.querySelector({selector!r}).click()")

    async def has(self, selector, text):
        expression = f"document.querySelector({selector!r})?.textContent.includes({text!r})"
        await self.page.until(expression)

    async def choose(self, pair):
        await self.page.value(
            f"document.querySelector('#pair').value = {pair};"
            "document.querySelector('#pair').dispatchEvent(new Event('change'))"
        )
        await self.page.until("document.querySelector('#state').textContent === 'connected'")

    @contextlib.asynccontextmanager
    async def noise(self, rms):
        """The microphone hears noise all the while: a real one is never without sound."""
        left = asyncio.Event()

        async def play():
            while not left.is_set():
                await self.target.play(sound.noise(1.0, rms), realtime=True)

        playing = asyncio.create_task(play())
        try:
            yield
        finally:
            left.set()
            await playing


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown(tmp_path_factory):
    if todo := provide(["chromium"], say_step):
        pytest.skip(f"no browser here: {todo}")
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        target = await enter(Emulated(emulated("linux")))
        fake, hci = await enter(fake_advertising(name="Fake"))
        glasses = await enter(glint.connect(hci=target.sim.address, timeout_s=30))
        address = await enter(serving(glasses, await enter(glint.connect(hci=hci))))
        page = await enter(browser(tmp_path_factory.mktemp("profile")))
        await page.call("Page.navigate", url=address)
        await page.until("document.querySelector('#state')?.textContent === 'connected'")
        yield Shown(page, target, glasses, fake)


async def test_state_and_events(shown):
    await shown.has("#facts", "linux")
    await shown.has("#facts", "Okay Nabu")
    await shown.has("#ledger", "listening")
    shown.target.sim.do("button", pressed=True)
    await shown.has("#events li", "button")
    shown.target.sim.do("button", pressed=False)
    await shown.has("#events li", "pressed false")
    shown.target.sim.do("battery", percent=42, mv=3700)
    await shown.page.until("document.querySelector('#percent').textContent.includes('42')")
    # The choice of glasses, and links to all events of these.
    assert await shown.page.value("document.querySelector('#pair').options.length") == 2
    assert await shown.page.value("document.querySelector('#csv').pathname") == "/api/0/events"


async def test_what_the_glasses_say_is_text_even_if_it_looks_like_markup(shown):
    await shown.choose(1)
    shown.fake.add(protocol.EVENT_WAKE, word="<img src=x onerror=alert(1)>", p=0.9, at_ms=5)
    await shown.has("#events li", "<img src=x onerror=alert(1)>")
    assert await shown.page.value(f"{NEWEST}.querySelector('img') === null")
    shown.fake.refuse = {protocol.SMP_GLINT_PHOTO: protocol.RC_BUSY}
    await shown.click("#take")
    await shown.has("#trouble", "busy")
    await shown.choose(0)
    await shown.has("#facts", "linux")
    assert await shown.page.value("document.querySelector('#trouble').textContent") == ""


async def test_a_photo_with_what_was_seen_in_it(shown):
    await shown.click("#take")
    await shown.page.until("document.querySelector('#photos img')?.naturalWidth === 640")
    status = await shown.glasses.status()
    await shown.has("#photos figcaption", status.vision)
    assert status.vision in await shown.page.value("document.querySelector('#photos img').alt")


async def test_level_and_words_while_the_page_listens(shown):
    mark = shown.target.sim.mark()
    async with shown.noise(100):
        await shown.click("#hear")
        await shown.page.until("document.querySelector('#hear').ariaPressed === 'true'")
        await shown.target.sim.wait_for("light", since=mark, on=True)
        await shown.has("#words", "okay_nabu")
    async with shown.noise(6000):
        await shown.page.until("document.querySelector('#level').value > -30")
        await shown.click("#hear")
        await shown.page.until("document.querySelector('#hear').ariaPressed === 'false'")
        await shown.target.sim.wait_for("light", since=mark, on=False)
    # What was listened to is no note.
    assert await shown.page.value("document.querySelectorAll('#notes audio').length") == 0


async def test_a_note_to_play(shown):
    await shown.page.value("document.querySelector('#note [name=seconds]').value = 1")
    async with shown.noise(3000):
        await shown.click("#note button")
        audio = "document.querySelector('#notes audio')"
        await shown.page.until(f"{audio} && ({audio}.preload = 'metadata')")
        await shown.page.until(f"{audio}.duration >= 1")


async def test_models_and_settings(shown):
    await shown.has("#models", "alexa")
    await shown.page.value("document.querySelector('[aria-label=\"Stop using alexa\"]').focus()")
    await shown.click("[aria-label='Stop using alexa']")
    await shown.page.until("document.querySelector('[aria-label=\"Use alexa\"]') !== null")
    await shown.page.until("document.activeElement.id === 'models'")
    assert (await shown.glasses.status()).words == ["Okay Nabu"]
    field = "document.querySelector('#settings [name=wake_audio_ms]')"
    await shown.page.until(f"{field} !== null")
    submit = f"window.submitted = {field}.form; submitted.requestSubmit()"
    await shown.page.value(f"{field}.value = 2500; {submit}")
    await shown.page.until("!submitted.isConnected")  # The settings are shown anew.
    assert (await shown.glasses.config())["wake_audio_ms"] == 2500
    await shown.page.value(f"{field}.value = 1; {submit}")
    await shown.has("#trouble", "1000")
    assert (await shown.glasses.config())["wake_audio_ms"] == 2500


async def test_companions(shown):
    await shown.has("#bonds", "this one")
    (bond,) = await shown.glasses.bonds()
    name = f"[aria-label='Name of companion {bond.id}']"
    await shown.page.value(f'document.querySelector("{name}").value = "desk"')
    await shown.click(f"[aria-label='Name companion {bond.id}']")
    await shown.page.until(f'document.querySelector("{name}").value === "desk"')
    await shown.click("#window")
    await shown.has("#open", "open for")
    async with asyncio.timeout(30):
        while (await shown.glasses.bonds())[0].name != "desk":
            await asyncio.sleep(0.05)
    assert await shown.glasses.pairing_left() > 0


async def test_it_fits_a_phone_and_is_named_for_a_screen_reader(shown):
    await shown.page.resize(360, 740, mobile=True)
    assert await shown.page.value("document.documentElement.scrollWidth") <= 360
    nameless = """[...document.querySelectorAll(
        "button, input, select, meter, progress, audio, img")].filter((one) =>
        !(one.ariaLabel || one.labels?.length || one.alt || one.textContent.trim()))
        .map((one) => one.outerHTML).join()"""
    assert await shown.page.value(nameless) == ""
    # Each can be reached by the keyboard.
    controls = "[...document.querySelectorAll('button, input, select')]"
    assert await shown.page.value(f"{controls}.every((one) => one.tabIndex === 0)")
    await shown.page.resize(1200, 900)


async def test_an_update_and_a_file_that_is_none(shown, tmp_path):
    path = tmp_path / "image.bin"
    for data, where, told in (
        (b"no image", "#trouble", "image"),
        (application("0.2.0"), "#updated", "0.2.0 runs, and is confirmed"),
    ):
        path.write_bytes(data)
        await shown.page.choose_file("#update [name=image]", path)
        await shown.click("#update button")
        await shown.has(where, told)
    assert await shown.page.value("document.querySelector('#sent').value") == 100
    await shown.has("#log", "The link")
    lines = await shown.page.value("document.querySelectorAll('#log li').length")
    await shown.choose(1)
    await shown.choose(0)
    await shown.page.until(f"document.querySelectorAll('#log li').length === {lines}")
