# SPDX-License-Identifier: Apache-2.0
"""Tests `glint dash`: who is let in, and what a page's requests are answered with."""

import asyncio
import contextlib
import csv
import json
import re
import signal
import socket

import glint
import httpx
import pytest
from client_fixtures import until
from fake_glasses import fake_advertising
from glint import protocol
from glint.dash import gallery, run
from glint.dash.ear import Ear
from glint.dash.server import build
from test_cli import fails, jpeg, start

PATIENCE_S = 60.0
OWN = {"X-Glint": "1"}


@contextlib.asynccontextmanager
async def serving(*glasses):
    """The address of a dashboard of connected glasses."""
    addresses = []
    with run.listen("127.0.0.1", 0) as listening:
        task = asyncio.create_task(
            run.serve(list(glasses), listening, lambda address, _: addresses.append(address))
        )
        try:
            await until(lambda: addresses)
            yield addresses[0]
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def dashboard():
    """Glasses, and the address of their dashboard."""
    async with fake_advertising() as (fake, hci), glint.connect(hci=hci) as glasses:
        fake.on_photo = lambda number: fake.send_object("photo", jpeg(), number=number)
        async with serving(glasses) as address:
            await until(lambda: fake.asked)
            yield fake, address


def client(address, **more):
    base = address.partition("/?")[0]
    return httpx.AsyncClient(base_url=base, timeout=PATIENCE_S, **more)


@contextlib.asynccontextmanager
async def news(page, path):
    """Reads a stream of server-sent events: a function that returns the next of a kind."""
    async with page.stream("GET", path) as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == ": hello"

        async def following(kind):
            async for line in lines:
                if line == f"event: {kind}":
                    return json.loads((await anext(lines)).removeprefix("data: "))
            raise AssertionError("the stream ended")

        yield following


async def test_only_who_has_the_token_is_let_in():
    async with dashboard() as (_, address), client(address) as stranger:
        looks = ("state", "events", "stream", "media", "energy", "bonds", "config", "log", "boot")
        for path in ("/", "/main.js", "/api/pairs", *(f"/api/0/{look}" for look in looks)):
            assert (await stranger.get(path)).status_code == 403
        does = ("live", "photo", "note", "model", "setting", "bond", "window", "update")
        for act in does:
            assert (await stranger.post(f"/api/0/{act}", headers=OWN)).status_code == 403
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
        # The page may load nothing from elsewhere, and run nothing inline.
        assert not re.search(r"https?://|<script>|<style|\sstyle=|\son\w+=", page.text)
        # Another host name that resolves to here, and a form on another site.
        other = {"Host": "evil.example"}
        assert (await stranger.get("/", headers=other)).status_code == 400
        for act in does:
            assert (await stranger.post(f"/api/0/{act}")).status_code == 403


async def test_events_photos_and_recordings():
    async with dashboard() as (fake, address), client(address, follow_redirects=True) as page:
        await page.get(address)
        state = (await page.get("/api/0/state")).json()
        assert (state["connected"], state["board"]) == (True, "fake")
        async with news(page, "/api/0/stream") as following:
            wake = fake.add(protocol.EVENT_WAKE, word="okay nabu", p=0.9, at_ms=5)
            assert (await following("event"))["word"] == "okay nabu"
            fake.send_object("audio", bytes(8000), cause=wake)
            told = await following("media")
            assert (told["kind"], told["captions"]) == ("audio", ["after “okay nabu”"])
            sound = await page.get(f"/api/0/media/{told['boot_id']}/{told['seq']}")
            assert (sound.headers["content-type"], len(sound.content)) == ("audio/wav", 44 + 32000)
            number = fake.next_object
            assert (await page.post("/api/0/photo", headers=OWN)).status_code == 204
            told = await following("media")
            fake.add(protocol.EVENT_SEEN, label="cat", p=0.75, by="cats", media=number)
            assert (await following("media"))["captions"] == ["cat 0.75 (cats)"]
            photo = await page.get(f"/api/0/media/{told['boot_id']}/{told['seq']}")
            assert (photo.headers["content-type"], photo.content) == ("image/jpeg", jpeg())
        kept = (await page.get("/api/0/media")).json()
        assert [media["kind"] for media in kept] == ["audio", "photo"]
        first, *_ = (await page.get("/api/0/events")).json()
        assert (first["type"], first["seq"]) == ("wake", 1)
        head, row, *_ = csv.reader((await page.get("/api/0/events?format=csv")).text.splitlines())
        assert head[:3] == ["time", "type", "seq"]
        assert json.loads(row[-1])["word"] == "okay nabu"


async def test_what_is_refused_says_why():
    async with dashboard() as (fake, address), client(address, follow_redirects=True) as page:
        await page.get(address)
        fake.refuse = {protocol.SMP_GLINT_PHOTO: protocol.RC_BUSY}
        refused = await page.post("/api/0/photo", headers=OWN)
        assert (refused.status_code, refused.json()["reason"]) == (503, "busy")
        fake.refuse = {protocol.SMP_GLINT_RECORD: protocol.RC_BUSY}
        refused = await page.post("/api/0/live", headers=OWN)
        assert (refused.status_code, refused.json()["reason"]) == (503, "busy")
        nothing = {"name": "self", "value": 1}
        assert (await page.post("/api/0/setting", headers=OWN, json=nothing)).status_code == 503
        assert (await page.get("/api/7/state")).status_code == 404
        assert (await page.get("/api/0/media/1/999")).status_code == 503
        for act, body in (
            ("note", {"seconds": 1000}),
            ("note", {"seconds": "5"}),
            ("model", {"name": "okay_nabu", "to": "nowhere"}),
            ("setting", ["name"]),
            ("bond", {"id": "1", "name": "me"}),
        ):
            answer = await page.post(f"/api/0/{act}", headers=OWN, json=body)
            assert (answer.status_code, bool(answer.json()["error"])) == (400, True), act


async def test_why_the_server_failed_is_told():
    async with fake_advertising() as (_, hci), glint.connect(hci=hci) as glasses:
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            datagrams.bind(("127.0.0.1", 0))
            with pytest.raises(ValueError, match="Stream Socket"):
                await asyncio.wait_for(run.serve([glasses], datagrams, lambda *_: None), PATIENCE_S)


async def test_an_upload_that_is_broken_off_is_no_fault_of_the_server():
    headers = {"host": "here", "cookie": "glint=token", "x-glint": "1"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/0/update",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await build([], "token", ["here"])(scope, receive, send)
    assert sent[0]["status"] == 400


async def test_a_photo_that_does_not_arrive_makes_room_for_others(monkeypatch):
    monkeypatch.setattr(gallery, "_MAX_KEPT", 1)
    async with fake_advertising() as (fake, hci), glint.connect(hci=hci) as glasses:
        kept = gallery.Gallery(glasses)
        events = glasses.events()
        coming = asyncio.create_task(anext(events))
        await until(lambda: fake.asked)
        fake.send_object("photo", jpeg(), stop_at=1)
        media = await asyncio.wait_for(coming, PATIENCE_S)
        kept.take(media)
        asked = asyncio.create_task(kept.get(media.boot_id, media.seq))
        fake.send_object("photo", jpeg())
        kept.take(await asyncio.wait_for(anext(events), PATIENCE_S))
        with pytest.raises(glint.MediaError, match="no longer kept"):
            await asyncio.wait_for(asked, PATIENCE_S)
        await kept.close()


async def test_who_listens_after_the_microphone_failed_hears_it_again():
    async with fake_advertising() as (fake, hci), glint.connect(hci=hci) as glasses:

        def record(number, _):
            fake.send_object("audio", bytes(8000), number=number, at_ms=0)
            fake.refuse = {protocol.SMP_GLINT_RECORD: protocol.RC_FAILED}

        fake.on_record = record
        ear = Ear(glasses)
        async with contextlib.aclosing(ear.follow()) as slow:
            assert await asyncio.wait_for(anext(slow), PATIENCE_S)
            await until(lambda: not ear.open)
            fake.refuse = {}
            async with contextlib.aclosing(ear.follow()) as other:
                assert await asyncio.wait_for(anext(other), PATIENCE_S)


async def test_several_pairs_and_one_that_is_lost():
    async with (
        fake_advertising(name="Left") as (left, one),
        fake_advertising(name="Right") as (right, other),
        glint.connect(hci=one, timeout_s=3) as first,
        glint.connect(hci=other) as second,
        serving(first, second) as address,
        client(address, follow_redirects=True) as page,
    ):
        await page.get(address)
        assert (await page.get("/api/pairs")).json() == ["Left", "Right"]
        async with news(page, "/api/1/stream") as following:
            await until(lambda: right.asked)
            right.add(protocol.EVENT_BUTTON, pressed=True)
            assert (await following("event"))["type"] == "button"
        assert (await page.get("/api/0/events")).json() == []
        left.away_s = 60.0
        await left.drop_link()
        async with asyncio.timeout(PATIENCE_S):
            while not (state := (await page.get("/api/0/state")).json()).get("gone"):
                await asyncio.sleep(0.05)
        assert state["connected"] is False
        assert (await page.get("/api/1/state")).json()["connected"]


async def test_the_command():
    assert "--listen takes HOST:PORT" in await fails("dash", "--listen", "8765")
    assert "name an address of this machine" in await fails("dash", "--listen", "[::]:0")
    assert "Nothing can listen at 192.0.2.1:1" in await fails("dash", "--listen", "192.0.2.1:1")
    async with fake_advertising() as (fake, hci):
        process = await start("dash", "--listen", "0.0.0.0:0", hci=hci)
        said = []
        async with asyncio.timeout(PATIENCE_S):
            while not said or "phone" not in said[-1]:
                said.append((await process.stdout.readline()).decode())
        address = said[0].removeprefix("open ").strip()
        assert "0.0.0.0" not in address
        # The code for a phone, in half blocks; what it says is segno's business.
        assert sum("█" in line or "▄" in line for line in said) > 10
        async with client(address, follow_redirects=True) as page:
            assert (await page.get(address)).status_code == 200
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.communicate(), PATIENCE_S) == (b"", b"")
        assert process.returncode == 130
        assert fake.connection is None


@pytest.mark.parametrize(
    ("host", "others"), [("127.0.0.1", False), ("0.0.0.0", True), ("::1", False)]
)
def test_who_reaches_it(host, others):
    try:
        listening = run.listen(host, 0)
    except glint.GlintError:
        assert ":" in host, "there is no IPv6 here"
        pytest.skip("this machine has no IPv6")
    with listening:
        name, reached = run.reached_by(listening)
        assert reached is others
        with socket.create_connection((name.strip("[]"), listening.getsockname()[1])):
            pass
