# SPDX-License-Identifier: Apache-2.0
"""Tests the command line as its users see it: a process, its output and its exit status."""

import asyncio
import dataclasses
import io
import json
import os
import re
import signal
import sys
import wave
from datetime import UTC, datetime

import pytest
import typer
from fake_glasses import FakeGlasses, fake_advertising
from glint import protocol
from glint.cli import app, render
from glint.errors import GlintError
from glint.events import Button, MediaEnd, Unknown, Wake
from PIL import Image
from typer.testing import CliRunner
from workbench.emulation.medium import Medium, serve

PATIENCE_S = 120.0  # for a process on a machine that is busy with other things


async def start(*arguments, hci=None, **environment):
    """Runs `glint` as a process."""
    environment = {**os.environ, "PYTHONWARNINGS": "error::ResourceWarning", **environment}
    environment.pop("GLINT_HCI", None)
    if hci:
        environment["GLINT_HCI"] = hci
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "glint",
        *map(str, arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )


async def glint(*arguments, hci=None):
    """Runs `glint` to its end; returns the exit status, lines of output and lines of errors."""
    process = await start(*arguments, hci=hci)
    out, said = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    return process.returncode, out.decode().splitlines(), said.decode().splitlines()


async def fails(*arguments, hci=None, status=1):
    """Runs `glint`, which must fail with one line; returns the line."""
    got, out, said = await glint(*arguments, hci=hci)
    assert (got, out, len(said)) == (status, [], 1), said
    assert said[0].startswith("glint: ")
    return said[0]


async def acknowledges(fake, seq):
    """Waits for a last acknowledgement, which may be on its way when the process has ended."""
    async with asyncio.timeout(PATIENCE_S):
        while fake.acknowledged[-1:] != [seq]:
            await asyncio.sleep(0.01)


def jpeg():
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "JPEG")
    return file.getvalue()


# Commands that succeed.


async def test_version_and_help():
    status, out, _ = await glint("--version")
    assert (status, len(out)) == (0, 1)
    assert re.fullmatch(r"glint \d+\.\d+\.\d+", out[0])
    status, out, _ = await glint("--help")
    assert status == 0
    for command in ("scan", "listen", "info", "photo", "record", "sim", "model", "wake"):
        assert any(command in line for line in out)


async def test_scan():
    async with fake_advertising() as (fake, hci):
        status, out, said = await glint("scan", "--seconds", 0.5, "--hci", hci)
        assert (status, said, len(out)) == (0, [], 1)
        assert fake.address in out[0]
        assert fake.name in out[0]


async def test_info():
    async with fake_advertising() as (fake, hci):
        status, out, said = await glint("info", hci=hci)
        assert (status, said) == (0, [])
        assert "arena             okay_nabu 26080" in out
        assert not any("energy" in line for line in out)  # their board does not report it
        status, out, _ = await glint("info", "--glasses", fake.address, "--json", hci=hci)
        facts = json.loads(out[0])
        assert (facts["battery_percent"], facts["status"]["board"]) == (77, "fake")


def test_what_info_says_of_energy():
    assert render.energy_lines(None, None) == []
    used, left = render.energy_lines([1200, 3400], [90, 300])
    assert "1.20 to 3.40 mAh" in used
    assert "1.5 to 5.0 h" in left
    assert "glint config set battery_mah" in render.energy_lines([1, 2], None)[1]


def commands(group, path=()):
    """Returns every command below a group, with the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def test_help_says_all_that_was_written():
    """Words in square brackets would be taken for markup and left out."""
    for path, command in commands(typer.main.get_command(app.build())):
        for parameter in command.params:
            assert "[" not in (parameter.help or ""), (path, parameter.name)


async def test_listen_and_save(tmp_path):
    async with fake_advertising() as (fake, hci):
        seq = fake.add(protocol.EVENT_WAKE, word="okay nabu", p=0.97, at_ms=5)
        process = await start("listen", "--unread", "--save", tmp_path, "--json", hci=hci)
        first = json.loads(await asyncio.wait_for(process.stdout.readline(), PATIENCE_S))
        assert datetime.fromisoformat(first.pop("time")).tzinfo
        assert first == {
            **{"type": "wake", "seq": 1, "time_ms": 0, "boot_id": fake.boot},
            **{"word": "okay nabu", "probability": 0.97, "at_ms": 5},
        }
        fake.send_object("audio", bytes(1000), cause=seq)
        fake.send_object("photo", jpeg())
        async with asyncio.timeout(PATIENCE_S):
            events = [json.loads(await process.stdout.readline()) for _ in range(6)]
        # A program stopped before it asks for the next event gets the last one again.
        await acknowledges(fake, fake.next - 1)
        process.send_signal(signal.SIGINT)
        assert await process.communicate() == (b"", b"")
        types = [event["type"] for event in events]
        assert sorted(types) == ["media", "media", "media_end", "media_end", "saved", "saved"]
        heard, seen = (event["path"] for event in events if event["type"] == "saved")
        assert "okay_nabu" in heard
        with wave.open(heard) as file:
            assert file.getnframes() == 2000
        with Image.open(seen) as image:
            assert image.size == (256, 256)


async def test_listen_prints_plain_lines():
    async with fake_advertising() as (fake, hci):
        fake.add(protocol.EVENT_WAKE, word="okay\x1b[2Jnabu", p=0.97, at_ms=5)
        fake.add(protocol.EVENT_BUTTON, pressed=True)
        process = await start("listen", "--unread", "--seconds", 5, hci=hci)
        out, said = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert (process.returncode, said) == (0, b"")
        lines = out.decode().splitlines()
        assert [line[19:] for line in lines] == [
            "  wake       okay\N{REPLACEMENT CHARACTER}[2Jnabu  0.97",
            "  button     pressed",
        ]
        assert all(re.search(r"\d\d:\d\d:\d\d", line[:19]) for line in lines)
        await acknowledges(fake, 2)


async def test_photo_and_record(tmp_path):
    async with fake_advertising() as (fake, hci):
        data = jpeg()
        fake.on_photo = lambda number: fake.send_object(
            "photo", data, number=number, width=256, height=256
        )
        fake.on_record = lambda number, ms: fake.send_object("audio", bytes(8 * ms), number=number)
        status, out, said = await glint("photo", "-o", tmp_path / "seen.jpg", hci=hci)
        assert (status, said) == (0, [])
        assert f"256x256, {len(data)} bytes" in out[0]
        assert (tmp_path / "seen.jpg").read_bytes() == data
        status, out, _ = await glint(
            *("record", "-o", tmp_path / "heard.wav", "--seconds", 1.5, "--json"), hci=hci
        )
        assert (status, json.loads(out[0])["seconds"]) == (0, 1.5)
        with wave.open(str(tmp_path / "heard.wav")) as file:
            assert file.getnframes() == 24000


# Errors: one line and a status.


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a test take Bluetooth away")
async def test_no_adapter(monkeypatch):
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent")
    assert "No Bluetooth on this machine" in await fails("scan")
    assert "No Bluetooth on this machine" in await fails("listen")


async def test_no_controller():
    assert "glint sim" in await fails("info", hci="tcp-client:127.0.0.1:9")


async def test_nobody_advertises():
    server = await serve(Medium(), "tcp:127.0.0.1:0")
    try:
        hci = server.address
        assert "No glasses heard" in await fails("scan", "--seconds", 0.3, hci=hci)
        assert "No glasses heard" in await fails("listen", "--timeout", 0.3, hci=hci)
    finally:
        await server.close()


async def test_other_glasses_only():
    async with fake_advertising() as (fake, hci):
        line = await fails("info", "--glasses", "Other", "--timeout", 0.5, hci=hci)
        assert "Other" in line
        assert fake.name in line


async def test_glasses_killed_mid_stream(tmp_path):
    async with fake_advertising() as (_, hci):
        away = FakeGlasses("Away", "F0:00:00:00:00:02")
        await away.start(hci)
        away.send_object("audio", bytes(9000), stop_at=500)
        arguments = "--glasses", "Away", "--timeout", 1, "--save", tmp_path
        process = await start("listen", "--unread", *arguments, hci=hci)
        await process.stdout.readline()
        await asyncio.sleep(0.2)
        await away.stop()
        out, said = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert (process.returncode, out) == (1, b"")
        lines = said.decode().splitlines()
        assert "was lost: come closer. Trying to reconnect." in lines[0]
        assert "Away was lost, and it was not heard again within 1 s" in lines[-1]
        assert list(tmp_path.iterdir()) == []


async def test_medium_killed_mid_stream():
    async with fake_advertising() as (fake, hci):
        fake.add(protocol.EVENT_BUTTON, pressed=True)
        process = await start("listen", "--unread", "--timeout", 1, hci=hci)
        await process.stdout.readline()
        await fake.stop()
        await fake.server.close()
        _, said = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert process.returncode == 1
        assert "No controller at" in said.decode().splitlines()[-1]


async def test_refused():
    async with fake_advertising() as (fake, hci):
        fake.refuse = {protocol.SMP_GLINT_PHOTO: protocol.RC_NO_CAMERA}
        assert "no camera" in await fails("photo", "-o", "seen.jpg", hci=hci)
        fake.refuse = {protocol.SMP_GLINT_RECORD: protocol.RC_BUSY}
        assert "busy" in await fails("record", "-o", "heard.wav", hci=hci)


async def test_files_that_cannot_be(tmp_path):
    assert "photo.jpg" in await fails("photo", "-o", "seen.xyz")
    assert "heard.wav" in await fails("record", "-o", "heard.mp3")
    assert "no folder" in await fails("photo", "-o", tmp_path / "none" / "seen.jpg")
    (tmp_path / "file").touch()
    assert "File exists" in await fails("listen", "--save", tmp_path / "file")


async def test_wrong_usage():
    status, out, said = await glint("photo")
    assert (status, out) == (2, [])
    assert any("--output" in line for line in said)
    status, _, said = await glint("nosuch")
    assert status == 2
    assert any("nosuch" in line for line in said)


async def test_ctrl_c_closes_the_link():
    async with fake_advertising() as (fake, hci):
        fake.add(protocol.EVENT_BUTTON, pressed=True)
        process = await start("listen", "--unread", hci=hci)
        await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, said = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert (process.returncode, out, said) == (130, b"", b"")
        assert fake.connection is None


async def test_a_reader_that_stops_reading():
    async with fake_advertising() as (fake, hci):
        fake.add(protocol.EVENT_BUTTON, pressed=True)
        process = await start("listen", "--unread", hci=hci)
        await process.stdout.readline()
        process.stdout._transport.close()
        for _ in range(3):
            fake.add(protocol.EVENT_BUTTON, pressed=True)
        said = await asyncio.wait_for(process.stderr.read(), PATIENCE_S)
        assert said == b""
        await asyncio.wait_for(process.wait(), PATIENCE_S)


def test_a_missing_extra_is_named(monkeypatch):
    class Broken:
        name = "workbench"

        def load(self):
            raise ImportError("No module named 'numpy'")

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Broken()])
    command_line = app.build()
    with pytest.raises(GlintError, match=r"No command 'demo'.*numpy.*pip install glint-workbench"):
        command_line(["demo"])
    result = CliRunner().invoke(command_line, ["--help"])
    assert "listen" in result.stdout


async def test_what_glasses_say_does_not_reach_the_terminal_raw():
    async with fake_advertising(name="Fake\x1b[2J") as (_, hci):
        line = await fails("info", "--glasses", "Other", "--timeout", 0.5, hci=hci)
        assert "\x1b" not in line


def test_events_as_objects_and_lines():
    wake = Wake(3, 1500, "okay_nabu", 0.5, 1400)
    assert wake.as_json()["type"] == "wake"
    assert render.event_text(wake).plain == "            earlier  wake       okay_nabu  0.50"
    happened = datetime(2026, 1, 31, 12, 34, 56, 789000).astimezone()
    dated = dataclasses.replace(wake, time=happened.astimezone(UTC))
    assert render.event_text(dated).plain == "2026-01-31 12:34:56  wake       okay_nabu  0.50"
    assert datetime.fromisoformat(dated.as_json()["time"]) == happened
    ended = MediaEnd(4, 0, id=2, crc=1, error=None)
    assert ended.as_json()["type"] == "media_end"
    later = Unknown(5, 0, 77, {"a": b"b"})
    assert json.loads(json.dumps(later.as_json()))["code"] == 77
    assert "77" in render.event_text(later).plain
    assert "released" in render.event_text(Button(6, 0, False)).plain
