# SPDX-License-Identifier: Apache-2.0
"""Tests glint.sync, the API for apps without an event loop of their own."""

import asyncio
import os
import signal
import sys

import glint
import glint.sync
import pytest
from client_fixtures import button
from fake_glasses import fake_advertising
from glint import protocol

SCRIPT = """
import sys
import glint.sync
with glint.sync.connect() as glasses:
    print("waiting", flush=True)
    try:
        for event in glasses.events():
            print(event)
    finally:
        print("left", glasses.status().board, flush=True)
"""


async def test_a_script(tmp_path):
    data = b"\xff\xd8" + bytes(5000)

    def script(hci):
        with glint.sync.connect(hci=hci, timeout_s=5) as glasses:
            assert glasses.connected
            assert glasses.status().board == "fake"
            assert glasses.info().model == "fake"
            assert glasses.photo().data == data
            seqs = [event.seq for event in glasses.events("unread", timeout_s=0.5)]
            with pytest.raises(glint.RequestError) as refusal:
                glasses.record(3)
            assert refusal.value.reason is glint.Reason.BUSY
        other = glint.sync.connect("Other", hci=hci, timeout_s=0.3)
        with pytest.raises(glint.NotFoundError), other:
            pass
        return seqs

    async with fake_advertising() as (fake, hci):
        fake.on_photo = lambda number: fake.send_object("photo", data, number=number)
        fake.refuse = {protocol.SMP_GLINT_RECORD: protocol.RC_BUSY}
        button(fake, 3)
        assert await asyncio.to_thread(script, hci) == [1, 2, 3, 4, 5]
        assert fake.connection is None


def test_methods_are_there_to_be_completed():
    for name in ("photo", "record", "status", "models", "update", "set_config"):
        assert getattr(glint.sync.Glasses, name).__doc__
    help_text = glint.sync.Glasses.record.__doc__
    assert "Records the microphone" in help_text


async def test_what_is_called_back_cannot_wait_for_itself():
    async with fake_advertising() as (fake, hci):
        fake.on_photo = lambda number: fake.send_object("photo", bytes(500), number=number)

        def script():
            with glint.sync.connect(hci=hci) as glasses:
                glasses.photo(progress=lambda *_: glasses.status())

        with pytest.raises(glint.GlintError, match="from your own thread"):
            await asyncio.to_thread(script)


@pytest.mark.skipif(sys.platform == "win32", reason="a process there gets no SIGINT of its own")
async def test_ctrl_c_ends_the_wait_and_leaves_well(tmp_path):
    async with fake_advertising() as (fake, hci):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SCRIPT),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "GLINT_HCI": hci},
        )
        async with asyncio.timeout(120):
            assert await process.stdout.readline() == b"waiting\n"
            while not fake.asked:
                await asyncio.sleep(0.05)
            process.send_signal(signal.SIGINT)
            said, errors = await process.communicate()
        assert said == b"left fake\n"
        assert errors.strip().endswith(b"KeyboardInterrupt")
        assert fake.connection is None
