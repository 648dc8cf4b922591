# SPDX-License-Identifier: Apache-2.0
"""Tests `glint dash`: who is let in, and what a page and a real browser receive."""

import asyncio
import contextlib
import csv
import itertools
import json
import re
import shutil
import signal
import urllib.parse

import glint
import httpx
import pytest
import websockets
from client_fixtures import button, until
from fake_glasses import fake_advertising
from glint import protocol
from glint.dash import run
from test_cli import fails, jpeg, start
from workbench.system import provide, say_step

PATIENCE_S = 60.0
OWN = {"X-Glint": "1"}
# Options that keep it off the network, and without the sandbox that root cannot have.
CHROMIUM = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
]


@contextlib.asynccontextmanager
async def dashboard():
    """Glasses, and the address of their dashboard."""
    async with fake_advertising() as (fake, hci), glint.connect(hci=hci) as glasses:
        fake.on_photo = lambda number: fake.send_object("photo", jpeg(), number=number)
        addresses = []
        with run.listen("127.0.0.1", 0) as listening:
            serving = asyncio.create_task(run.serve(glasses, listening, addresses.append))
            await until(lambda: addresses and fake.asked)
            try:
                yield fake, addresses[0]
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)


def client(address, **more):
    base = address.partition("/?")[0]
    return httpx.AsyncClient(base_url=base, timeout=PATIENCE_S, **more)


async def test_only_who_has_the_token_is_let_in():
    async with dashboard() as (_, address), client(address) as stranger:
        for path in ("/", "/dash.js", "/api/status", "/api/events", "/api/stream"):
            assert (await stranger.get(path)).status_code == 403
        assert (await stranger.post("/api/photo", headers=OWN)).status_code == 403
        assert (await stranger.get("/?token=wrong")).status_code == 403
        entered = await stranger.get(address)
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        cookie = entered.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        page = await stranger.get("/")
        assert page.status_code == 200
        policy = page.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        # Nothing from elsewhere, nothing inline.
        assert not re.search(r"https?://|<script>|<style|\son\w+=", page.text)
        # Another host name that resolves to here, and a form on another site.
        other = {"Host": "evil.example"}
        assert (await stranger.get("/", headers=other)).status_code == 400
        assert (await stranger.post("/api/photo")).status_code == 403


async def test_what_a_page_asks_for():
    async with dashboard() as (fake, address), client(address, follow_redirects=True) as page:
        await page.get(address)
        status = (await page.get("/api/status")).json()
        assert (status["connected"], status["board"]) == (True, "fake")
        async with page.stream("GET", "/api/stream") as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == ": hello"
            fake.add(protocol.EVENT_WAKE, word="okay nabu", p=0.9, at_ms=5)
            async for line in lines:
                if line.startswith("data: "):
                    break
        assert json.loads(line.removeprefix("data: "))["word"] == "okay nabu"
        (event,) = (await page.get("/api/events")).json()
        assert (event["type"], event["seq"]) == ("wake", 1)
        head, row = csv.reader((await page.get("/api/events?format=csv")).text.splitlines())
        assert head[:3] == ["time", "type", "seq"]
        assert json.loads(row[-1])["word"] == "okay nabu"
        photo = await page.post("/api/photo", headers=OWN)
        assert (photo.headers["content-type"], photo.content) == ("image/jpeg", jpeg())
        fake.refuse = {protocol.SMP_GLINT_PHOTO: protocol.RC_BUSY}
        refused = await page.post("/api/photo", headers=OWN)
        assert (refused.status_code, refused.json()["reason"]) == (503, "busy")


async def test_the_command(tmp_path):
    assert "--listen takes HOST:PORT" in await fails("dash", "--listen", "8765")
    assert "Nothing can listen at 192.0.2.1:1" in await fails("dash", "--listen", "192.0.2.1:1")
    async with fake_advertising() as (fake, hci):
        process = await start("dash", "--listen", "127.0.0.1:0", hci=hci)
        line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).decode()
        address = line.removeprefix("open ").strip()
        async with client(address, follow_redirects=True) as page:
            assert (await page.get(address)).status_code == 200
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.communicate(), PATIENCE_S) == (b"", b"")
        assert process.returncode == 130
        assert fake.connection is None


class Browser:
    """A page in headless Chromium, by its DevTools protocol."""

    def __init__(self, socket):
        self._socket = socket
        self._numbers = itertools.count(1)

    async def call(self, method, **parameters):
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        await self._socket.send(json.dumps(message))
        while (answer := json.loads(await self._socket.recv())).get("id") != number:
            pass
        return answer["result"]

    async def value(self, expression):
        answer = await self.call("Runtime.evaluate", expression=expression)
        return answer["result"].get("value")

    async def until(self, expression):
        async with asyncio.timeout(PATIENCE_S):
            while not await self.value(expression):
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def browser(folder):
    if todo := provide(["chromium"], say_step):
        pytest.skip(f"no browser here: {todo}")
    process = await asyncio.create_subprocess_exec(
        *(shutil.which("chromium"), *CHROMIUM, f"--user-data-dir={folder}", "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            while b"DevTools listening on" not in (line := await process.stderr.readline()):
                assert line, "the browser ended"
        port = urllib.parse.urlsplit(line.split()[-1].decode()).port
        draining = asyncio.create_task(process.stderr.read())
        async with httpx.AsyncClient(trust_env=False) as http:
            pages = (await http.get(f"http://127.0.0.1:{port}/json/list")).json()
        target = next(page for page in pages if page["type"] == "page")
        async with websockets.connect(target["webSocketDebuggerUrl"], proxy=None) as socket:
            yield Browser(socket)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await draining


async def test_in_a_browser(tmp_path):
    async with dashboard() as (fake, address), browser(tmp_path) as page:
        button(fake)
        await page.call("Page.navigate", url=address)
        await page.until("document.querySelector('#state')?.textContent === 'connected'")
        await page.until("document.querySelectorAll('#events li').length === 1")
        assert "77" in await page.value("document.querySelector('#facts').textContent")
        # What the glasses send is shown as text, even when it looks like markup.
        fake.add(protocol.EVENT_WAKE, word="<img src=x onerror=alert(1)>", p=0.9, at_ms=5)
        await page.until("document.querySelectorAll('#events li').length === 2")
        newest = "document.querySelector('#events li')"
        assert "<img src=x onerror=alert(1)>" in await page.value(f"{newest}.textContent")
        assert await page.value(f"{newest}.querySelector('img') === null")
        await page.value("document.querySelector('#take').click()")
        await page.until("document.querySelector('#photo').naturalWidth === 256")
        fake.refuse = {protocol.SMP_GLINT_PHOTO: protocol.RC_BUSY}
        await page.value("document.querySelector('#take').click()")
        await page.until("document.querySelector('#trouble').textContent.includes('busy')")
