# SPDX-License-Identifier: Apache-2.0
"""Tests `glint listen --exec, --webhook, --mqtt`: events reach other programs, or stay unread."""

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import socket
import sys

import pytest
from fake_glasses import fake_advertising
from glint import forward, protocol
from glint.forward import ForwardError
from glint.forward.command import Command
from glint.forward.mqtt import parse
from glint.forward.webhook import Webhook
from test_cli import acknowledges, fails, start
from workbench.system import provide, say_step

PATIENCE_S = 120.0
WRITES = """
import os, sys
with open(sys.argv[1], "a") as file:
    file.write(os.environ["GLINT_EVENT"] + sys.stdin.read())
"""


@contextlib.asynccontextmanager
async def listening(hci, *arguments):
    process = await start("listen", "--unread", *arguments, hci=hci)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def test_a_command_gets_each_event(tmp_path):
    out = tmp_path / "out"
    (tmp_path / "writes.py").write_text(WRITES)
    command = shlex.join([sys.executable, str(tmp_path / "writes.py"), str(out)])
    async with fake_advertising() as (fake, hci):
        fake.add(protocol.EVENT_WAKE, word="okay nabu", p=0.9, at_ms=5)
        fake.add(protocol.EVENT_BUTTON, pressed=True)
        process = await start("listen", "--unread", "--seconds", 8, "--exec", command, hci=hci)
        _, said = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert (process.returncode, said) == (0, b"")
        await acknowledges(fake, 2)
    text = out.read_text()
    assert text.startswith("wake{")
    wake, button = text.removeprefix("wake").split("}button")
    assert json.loads(wake + "}")["word"] == "okay nabu"
    assert json.loads(button)["pressed"] is True


async def test_what_a_command_did_not_take_stays_unread():
    async with fake_advertising() as (fake, hci):
        for _ in range(2):
            fake.add(protocol.EVENT_BUTTON, pressed=True)
        process = await start("listen", "--unread", "--exec", "false", hci=hci)
        _, said = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert process.returncode == 1
        assert b"false ended with 1 for event 1, a button." in said
        assert fake.acknowledged == []


async def test_what_cannot_be_a_place_is_said_at_once():
    assert "cannot be run" in str(await _error(Command("/no/such/program")))
    for arguments, why in (
        (("--exec", "'"), "quotation"),
        (("--webhook", "ftp://x"), "--webhook takes http"),
        (("--mqtt", "http://x"), "--mqtt takes mqtt://"),
        (("--home-assistant",), "needs the broker"),
    ):
        assert why in await fails("listen", *arguments)
    for url in ("mqtt://", "mqtt://host:0", "mqtt://host:x", "mqtt://host/a/#", "mqtt://[", "x"):
        with pytest.raises(ForwardError, match="--mqtt takes"):
            parse(url)


async def _error(place):
    from glint.events import Button

    with pytest.raises(ForwardError) as error:
        async with place:
            await place.send(Button(1, 2, True))
    return error.value


class Server:
    """An HTTP server that answers as a test says, and keeps the requests."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.bodies = []

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/hook"
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def answer(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        body = json.loads(await reader.readexactly(length))
        status = self.statuses.pop(0) if self.statuses else 204
        if status < 300:
            self.bodies.append(body)
        writer.write(b"HTTP/1.1 %d x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % status)
        await writer.drain()
        writer.close()


async def test_a_webhook_is_asked_again(monkeypatch):
    from glint.events import Button

    monkeypatch.setattr(forward, "PAUSES_S", (0.01, 0.01))
    async with Server(500, 429, 200) as server, Webhook(server.url) as hook:
        await hook.send(Button(7, 2, True))
        assert [body["seq"] for body in server.bodies] == [7]
    for statuses, why in (((404,), "refuses event 1: 404"), ((500,) * 9, "takes no events: .*500")):
        async with Server(*statuses) as server:
            error = await _error(Webhook(server.url))
        assert error.args[0].startswith(server.url)
        with pytest.raises(ForwardError, match=why):
            raise error
    assert "takes no events" in str(await _error(Webhook("http://127.0.0.1:9/")))


async def test_the_command_line_posts():
    async with Server() as server, fake_advertising() as (fake, hci):
        fake.add(protocol.EVENT_BUTTON, pressed=True)
        async with listening(hci, "--webhook", server.url), asyncio.timeout(PATIENCE_S):
            while not server.bodies:
                await asyncio.sleep(0.05)
    assert server.bodies[0]["type"] == "button"


@pytest.fixture
def port():
    if todo := provide(["mosquitto"], say_step):
        pytest.skip(f"no broker here: {todo}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.asynccontextmanager
async def broker(port):
    process = await asyncio.create_subprocess_exec(
        shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin"),
        *("-p", str(port)),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.05)
        yield
    finally:
        process.terminate()
        await process.wait()


async def messages_until(client, *topics):
    """Collects messages by topic, until there is one for each."""
    found = {}
    async with asyncio.timeout(PATIENCE_S):
        async for message in client.messages:
            found.setdefault(str(message.topic), []).append(message.payload.decode())
            if found.keys() >= set(topics):
                return found


async def test_a_broker_and_home_assistant(port):
    import aiomqtt

    base = "home/eyes/glint_f00000000001"
    config = "homeassistant/device/glint_f00000000001/config"
    async with fake_advertising() as (fake, hci), broker(port):
        fake.add(protocol.EVENT_WAKE, word="okay nabu", p=0.9, at_ms=5)
        url = f"mqtt://127.0.0.1:{port}/home/eyes"
        async with (
            aiomqtt.Client("127.0.0.1", port) as reader,
            listening(hci, "--mqtt", url, "--home-assistant") as process,
        ):
            await reader.subscribe("#")
            found = await messages_until(
                reader, config, f"{base}/wake", f"{base}/available", f"{base}/battery"
            )
            assert found[f"{base}/available"] == ["online"]
            assert json.loads(found[f"{base}/wake"][0])["word"] == "okay nabu"
            assert json.loads(found[f"{base}/battery"][0])["percent"] == 77
            told = json.loads(found[config][0])
            for name, entity in told["components"].items():
                assert entity["state_topic"] == f"{base}/{name}"
                assert entity["unique_id"] == f"glint_f00000000001_{name}"
            assert told["device"]["model"] == "fake"
            assert told["availability_topic"] == f"{base}/available"
            # A killed process can send nothing: the broker sends its last will.
            process.kill()
            found = await messages_until(reader, f"{base}/available")
            assert found[f"{base}/available"] == ["offline"]


async def test_a_broker_that_comes_back_gets_what_it_missed(port):
    import aiomqtt

    async with fake_advertising() as (fake, hci):
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(broker(port))
            process = await start("listen", "--mqtt", f"mqtt://127.0.0.1:{port}", hci=hci)
            async with asyncio.timeout(PATIENCE_S):
                while not fake.asked:
                    await asyncio.sleep(0.05)
        fake.add(protocol.EVENT_BUTTON, pressed=True)
        await asyncio.sleep(1)
        assert fake.acknowledged == []
        async with broker(port), aiomqtt.Client("127.0.0.1", port) as reader:
            await reader.subscribe("glint/+/battery")
            fake.add(protocol.EVENT_BATTERY, percent=5, mv=3300)
            topic = "glint/glint_f00000000001/battery"
            async with asyncio.timeout(PATIENCE_S):
                async for message in reader.messages:
                    if json.loads(message.payload).get("mv") == 3300:
                        break
            assert str(message.topic) == topic
            await acknowledges(fake, 2)  # the broker has confirmed both
            process.terminate()
            await process.communicate()


async def test_no_broker_is_said(port):
    async with fake_advertising() as (_, hci), asyncio.timeout(PATIENCE_S):
        said = await fails("listen", "--mqtt", f"mqtt://u:secret@127.0.0.1:{port}", hci=hci)
    assert f"The broker 127.0.0.1:{port} takes no events" in said
    assert "secret" not in said
