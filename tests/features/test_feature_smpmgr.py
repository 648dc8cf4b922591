# SPDX-License-Identifier: Apache-2.0
"""The unmodified program smpmgr runs all its commands on emulated glasses."""

import asyncio
import importlib.util
import os
import sys
import zlib

import pytest
import pytest_asyncio
from smpclient.mcuboot import ImageInfo
from update_images import make
from workbench.testing import targets

FILE = "/models/extra.bin"
# Runs a program with an HCI transport in place of the machine's Bluetooth.
OVER_HCI = """
import sys
from glint import backend
backend.install(sys.argv[1], backend.keystore(sys.argv[1]))
from smpmgr.main import app
sys.argv = ["smpmgr", "--ble", "Glint", *sys.argv[2:]]
app()
"""


@pytest_asyncio.fixture
async def target(target_name):
    async with targets.named(target_name) as started:
        async with started.connect():
            pass  # paired, as in an operating system's settings
        yield started


async def smpmgr(target, *arguments):
    """Runs smpmgr as a process; returns what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        OVER_HCI,
        target.sim.address,
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "250", "NO_COLOR": "1", "TERM": "dumb"},
    )
    said, complained = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, complained.decode()[-1000:] + said.decode()[-1000:]
    return said.decode()


@pytest.mark.needs("hci")
@pytest.mark.skipif(importlib.util.find_spec("smpmgr") is None, reason="smpmgr is not installed")
async def test_smpmgr(target, tmp_path):
    assert "r='hello glasses'" in await smpmgr(target, "os", "echo", "hello glasses")
    assert "perception" in await smpmgr(target, "statistics", "list")
    assert "requests" in await smpmgr(target, "statistics", "smp_svr_stats")
    data = os.urandom(3000)
    (tmp_path / "extra.bin").write_bytes(data)
    await smpmgr(target, "file", "upload", tmp_path / "extra.bin", FILE)
    assert str(len(data)) in await smpmgr(target, "file", "read-size", FILE)
    assert str(zlib.crc32(data)) in await smpmgr(target, "file", "get-hash", FILE)
    assert "sha256" in await smpmgr(target, "file", "get-supported-hash-types")
    await smpmgr(target, "file", "download", FILE, tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == data
    update = tmp_path / "update.bin"
    update.write_bytes(make("9.0.0", board=target.board))
    await smpmgr(target, "image", "upload", update)
    digest = next(
        tlv.value for tlv in ImageInfo.load_file(str(update)).tlvs if tlv.header.type == 0x10
    )
    await smpmgr(target, "image", "state-write", digest.hex())
    state = await smpmgr(target, "image", "state-read")
    assert "9.0.0" in state
    assert "pending=True" in state
    await smpmgr(target, "image", "erase", "1")
    mark = target.sim.mark()
    await smpmgr(target, "os", "reset")
    await target.sim.wait_for("restarted", since=mark, timeout_s=20)
    assert "there" in await smpmgr(target, "os", "echo", "there")
