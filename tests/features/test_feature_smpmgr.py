# SPDX-License-Identifier: Apache-2.0
"""The unmodified program smpmgr runs all its commands on emulated glasses."""

import asyncio
import importlib.util
import json
import os
import sys
import zlib

import pytest
import pytest_asyncio
from smpclient.mcuboot import ImageInfo
from update_images import make
from workbench.testing import targets

FILE = "/models/extra.bin"
# Runs smpmgr with an HCI transport in place of the machine's Bluetooth: once for each line of
# arguments, in a process of its own. Only its imports, 2 s of a core, are done but once.
OVER_HCI = """
import json, os, sys
from glint import backend
from smpmgr.main import app
hci = sys.argv[1]
backend.install(hci, backend.keystore(hci))
for line in sys.stdin:
    output, *arguments = json.loads(line)
    child = os.fork()
    if child == 0:
        file = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.argv = ["smpmgr", "--ble", "Glint", *arguments]
        app()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest_asyncio.fixture
async def target(target_name):
    async with targets.named(target_name) as started:
        async with started.connect():
            pass  # paired, as in an operating system's settings
        yield started


@pytest_asyncio.fixture
async def smpmgr(target, tmp_path):
    """Runs smpmgr with arguments; returns what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        OVER_HCI,
        target.sim.address,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "250", "NO_COLOR": "1", "TERM": "dumb"},
    )

    async def run(*arguments):
        output = tmp_path / "output"
        process.stdin.write(json.dumps([str(output), *map(str, arguments)]).encode() + b"\n")
        status = await asyncio.wait_for(process.stdout.readline(), 60)
        said = output.read_text()
        assert status == b"0\n", said[-2000:]
        return said

    yield run
    process.stdin.close()
    await process.wait()


@pytest.mark.needs("hci")
@pytest.mark.skipif(importlib.util.find_spec("smpmgr") is None, reason="smpmgr is not installed")
async def test_smpmgr(target, smpmgr, tmp_path):
    assert "r='hello glasses'" in await smpmgr("os", "echo", "hello glasses")
    assert "perception" in await smpmgr("statistics", "list")
    assert "requests" in await smpmgr("statistics", "smp_svr_stats")
    data = os.urandom(3000)
    (tmp_path / "extra.bin").write_bytes(data)
    await smpmgr("file", "upload", tmp_path / "extra.bin", FILE)
    assert str(len(data)) in await smpmgr("file", "read-size", FILE)
    assert str(zlib.crc32(data)) in await smpmgr("file", "get-hash", FILE)
    assert "sha256" in await smpmgr("file", "get-supported-hash-types")
    await smpmgr("file", "download", FILE, tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == data
    update = tmp_path / "update.bin"
    update.write_bytes(make("9.0.0", board=target.board))
    await smpmgr("image", "upload", update)
    digest = next(
        tlv.value for tlv in ImageInfo.load_file(str(update)).tlvs if tlv.header.type == 0x10
    )
    await smpmgr("image", "state-write", digest.hex())
    state = await smpmgr("image", "state-read")
    assert "9.0.0" in state
    assert "pending=True" in state
    await smpmgr("image", "erase", "1")
    mark = target.sim.mark()
    await smpmgr("os", "reset")
    await target.sim.wait_for("restarted", since=mark, timeout_s=20)
    assert "there" in await smpmgr("os", "echo", "there")
