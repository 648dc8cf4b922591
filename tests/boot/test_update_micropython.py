# SPDX-License-Identifier: Apache-2.0
"""Tests updates on MicroPython: verification, unpacking, and complete starts of emulated boards."""

import asyncio
import contextlib
import functools
import hashlib
import json
import subprocess
import sys

from emulators import emulated
from glasses.boot import slots
from glasses.boot.image import ImageError, hex_name
from glint import backend
from glint import connect as connect_glasses
from test_update_image import verify
from update_images import APP, BOARD, make
from workbench.build import micropython, romfs
from workbench.device import deploy, update_image
from workbench.emulation import flashimage, sim
from workbench.emulation.qemu import load_machine
from workbench.paths import FIRMWARE
from workbench.testing.base import settings

# Prints the device's verdict on each image, and on the unpacked files of the first.
ON_DEVICE = """
import hashlib, json, os, sys
from glasses.boot.image import Image, ImageError, hex_name
from glasses.boot import slots, start
from glasses.boot.trust import Trust
folder = FOLDER
stored = slots.Slots(folder + "/update")
trust = Trust(folder, stored)
said = []
for name in sorted(os.listdir(folder + "/images")):
    path = folder + "/images/" + name
    with open(path, "rb") as file:
        try:
            image = Image(file, os.stat(path)[6])
            said.append(hex_name(image.verify(file, "linux", trust)))
        except ImageError as error:
            said.append(str(error))
start.unpacker(stored, "linux", trust)(0)
files = {}
for name in FILES:
    with open("%s/0/%s" % (stored.folder, name), "rb") as file:
        files[name] = hex_name(hashlib.sha256(file.read()).digest())
print(json.dumps([said, files]))
"""

SMPCLIENT = """
import asyncio, sys
from bleak import BleakClient, BleakScanner
from glint import backend
from smpclient import SMPClient
from smpclient.generics import error
from smpclient.requests.image_management import ImageStatesRead, ImageStatesWrite
from smpclient.requests.os_management import ResetWrite
from smpclient.transport.ble import SMPBLETransport

async def request(client, what):
    answer = await client.request(what)
    assert not error(answer), answer
    return answer

async def main(address, *steps):
    backend.install(address, backend.keystore(address))
    async with BleakClient(await BleakScanner.find_device_by_name("Glint")) as client:
        await client.pair()
        await client.read_gatt_char("2a24")
    async with SMPClient(SMPBLETransport(), "Glint") as client:
        for step in steps:
            if step == "confirm":
                await request(client, ImageStatesWrite(confirm=True))
            elif step == "test":
                states = await request(client, ImageStatesRead())
                await request(client, ImageStatesWrite(hash=states.images[1].hash))
            elif step == "reset":
                await request(client, ResetWrite())
            elif step == "show":
                for state in (await request(client, ImageStatesRead())).images:
                    print(state.slot, state.version, state.active, state.confirmed)
            else:
                with open(step, "rb") as file:
                    data = file.read()
                async for _ in client.upload(data):
                    pass
    await backend.close(address)

asyncio.run(main(*sys.argv[1:]))
"""


def test_micropython_says_what_cpython_says(tmp_path):
    good = make("1.2.3", payload=romfs.build(APP))
    candidates = [
        good,
        make(kind="ed25519"),
        make(kind="ecdsa-p256"),
        make(kind="rsa-2048"),
        make(board="esp32s3"),
        *[
            bytes(good[:at]) + bytes((good[at] ^ 1,)) + good[at + 1 :]
            for at in (0, 9, 40, 500, -300)
        ],
        good[:-1],
    ]
    (tmp_path / "images").mkdir()
    (tmp_path / "update").mkdir()
    (tmp_path / "update" / "0.img").write_bytes(good)
    expected = []
    for index, data in enumerate(candidates):
        (tmp_path / "images" / f"{index:03}").write_bytes(data)
        try:
            verify(data)
        except ImageError as error:
            expected.append(str(error))
        else:
            expected.append(hashlib.sha256(data).hexdigest())
    assert len(set(expected)) > 6
    script = f"FOLDER = {str(tmp_path)!r}\nFILES = {list(APP)!r}\n{ON_DEVICE}"
    done = subprocess.run(
        [micropython.ensure("linux"), "-c", script],
        capture_output=True,
        check=False,
        env={"MICROPYPATH": f"{FIRMWARE}:.frozen"},
    )
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
    said, files = json.loads(done.stdout)
    assert said == expected
    assert files == {name: hashlib.sha256(data).hexdigest() for name, data in APP.items()}


def application(version, changes=(), board=BOARD):
    """An update image with this tree's application."""
    payload = application_files(changes, board)
    key = update_image.DEVELOPMENT_KEY
    return update_image.sign(payload, version=version, board=board, key=key)


def application_files(changes=(), board=BOARD):
    """The ROMFS of `application`."""
    files = {
        path: data
        for path, data in deploy.bundle(board, ["okay_nabu"], "", None).items()
        if path.startswith("glasses/")
    }
    return romfs.build(files | dict(changes))


class Board:
    """An emulated board that keeps its flash from start to start."""

    def __init__(self, flash, name=BOARD):
        self.name = name
        self.flash = flash
        flash.mkdir(exist_ok=True)
        self.said = []
        self.restarts = 0
        settings = {"name": "Glint", "words": ["okay_nabu"], "vision": "none"}
        sim.prepare_flash(flash, settings, None, lambda *_, **__: None)

    def _say(self, event, line="", **_):
        if event == "console":
            self.said.append(line)
        self.restarts += event == "restarted"

    @contextlib.asynccontextmanager
    async def started(self):
        self.said.clear()
        self.restarts = 0
        # A companion in another medium is a different one to the glasses.
        (self.flash / "bonds.json").unlink(missing_ok=True)
        simulation = sim.Simulation(self._say, settings.stack)
        try:
            await simulation.start(self.name, micropython.ensure(self.name), self.flash)
            yield simulation
        finally:
            await backend.close(simulation.address)
            await simulation.stop()

    async def running(self, simulation):
        """The running version."""
        async with connect_glasses(hci=simulation.address) as glasses:
            return (await glasses.status()).firmware

    async def smp(self, simulation, *steps):
        """Lets the unmodified smpclient do something; returns what it printed."""
        restarts = self.restarts
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SMPCLIENT, simulation.address, *steps),
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0
        if steps[-1] == "reset":
            async with asyncio.timeout(10):
                while self.restarts == restarts or not simulation.radio.advertising.is_set():
                    await asyncio.sleep(0.05)
        return said.decode().splitlines()

    def pend(self, data, **how):
        """Puts an image into slot 0, to start next."""
        stored = slots.Slots(str(self.flash / "update"))
        stored.write(refused="to make the folder")
        (self.flash / "update" / "0.img").write_bytes(data)
        stored.write(pending=hex_name(stored.image(0).hash), **how)
        if self.name != "linux":
            self._burn()

    def _burn(self):
        files = [path for path in self.flash.rglob("*") if path.is_file()]
        content = {str(path.relative_to(self.flash)): path.read_bytes() for path in files}
        machine = load_machine(self.name)
        flashimage.create(self.flash / "flash.bin", content, machine=machine)


async def test_smpclient_updates_the_glasses(tmp_path):
    board = Board(tmp_path / "flash")
    path = tmp_path / "new.bin"
    path.write_bytes(application("0.2.0"))
    async with board.started() as simulation:
        smp = functools.partial(board.smp, simulation)
        assert await smp("show", str(path), "test", "reset") == ["0 0.1.0 True True"]
        assert await board.running(simulation) == "0.2.0"
        await smp("reset")  # nobody confirmed it
        assert await board.running(simulation) == "0.1.0"
        await smp("test", "reset")
        assert await smp("confirm", "show") == ["0 0.2.0 True True"]
    async with board.started() as simulation:
        assert await board.running(simulation) == "0.2.0"


async def test_an_application_that_crashes_is_reverted_or_ends_in_safe_mode(tmp_path):
    board = Board(tmp_path / "flash")
    broken = application("0.3.0", {"glasses/journal.py": b"raise RuntimeError('boom')\n"}.items())
    board.pend(broken)
    async with board.started() as simulation:
        assert await board.running(simulation) == "0.1.0"
        assert board.restarts == 1

    board.pend(broken, permanent=True)
    fixed = tmp_path / "fixed.bin"
    fixed.write_bytes(application("0.4.0"))
    async with board.started() as simulation:
        assert board.restarts == slots.CRASHES_MAX
        assert any("safe mode" in line for line in board.said)
        assert any("RuntimeError: boom" in line for line in board.said)
        smp = functools.partial(board.smp, simulation)
        # One more chance, and then safe mode again.
        assert await smp("reset") == []
        assert board.restarts == slots.CRASHES_MAX + 2
        assert await smp(str(fixed), "test", "reset") == []
        assert await smp("confirm", "show") == ["0 0.4.0 True True", "1 0.3.0 False False"]
        assert await smp("reset") == []
        assert await board.running(simulation) == "0.4.0"


async def test_a_cortex_m55_starts_it_and_reverts(tmp_path):
    board = Board(tmp_path, emulated("corstone300"))
    board.pend(application("0.2.0", board="corstone300"))
    async with board.started() as simulation:
        assert await board.running(simulation) == "0.2.0"
        await board.smp(simulation, "reset")
        assert await board.running(simulation) == "0.1.0"
