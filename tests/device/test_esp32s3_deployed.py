# SPDX-License-Identifier: Apache-2.0
"""Starts what `glint deploy` puts on an ESP32-S3, as far as linux can emulate that.

The files are those that deploy writes. File system, flash slots and models are as in MicroPython's
official image: littlefs, folders that our ROMFS reader fills, and models in the heap.
"""

import json
import subprocess
from pathlib import Path

import esp32s3_frozen
import pytest
from glasses import config
from glasses.boot import slots
from glasses.boot.image import hex_name
from workbench.build import micropython, romfs
from workbench.device import deploy, update_image
from workbench.emulation import sound
from workbench.paths import BOARDS

STUBS = Path(__file__).parent / "esp32s3"
VERSION = f'FIRMWARE = "{config.FIRMWARE}"'.encode()


@pytest.fixture(scope="module")
def bundle():
    files = deploy.bundle("esp32s3", ["okay_nabu"], "", None)
    files["config.json"] = b'{"vision": "none"}'
    assert VERSION in files["glasses/config.py"]
    # Samples in place of a PDM microphone's bits: test_esp32s3_board.py has those.
    files["board.py"] = files["board.py"].replace(b'MICROPHONE = "pdm"', b'MICROPHONE = "i2s"')
    return files


def start(folder, files, *frozen):
    """Starts the board with these files; returns what it did.

    If there is a folder `frozen` among them, its main.py starts instead of the flash's own.
    """
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    heard = sound.join(sound.silence(0.5), sound.speech("okay nabu"), sound.silence(1.0))
    (folder.parent / "sound").write_bytes(heard.astype("<i2").tobytes())
    command = [micropython.ensure("linux"), "-X", "heapsize=32m", STUBS / "deployed.py"]
    done = subprocess.run(
        [*command, folder, folder.parent / "sound", *frozen],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"MICROPYPATH": f"{STUBS}:{BOARDS / 'simulation'}:.frozen"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_what_is_deployed_hears_the_wake_word(bundle, tmp_path):
    said = start(tmp_path / "flash", bundle)
    assert said["words"] == ["Okay Nabu"]
    assert said["from"] == "glasses/app.py"
    assert said["content"] == "bytes"  # read into the heap
    assert said["settings"] == [16000, 32, 0]
    assert said["advertised"] == 1
    assert said["light"] == 1  # dark: nothing is recorded


def pending(folder, files, board):
    """An update image in slot 0 that starts next: the flash's files, and the image's name."""
    key = update_image.DEVELOPMENT_KEY
    data = update_image.sign(romfs.build(files), version="0.2.0", board=board, key=key)
    stored = slots.Slots(str(folder))
    stored.write(refused="to make the folder")
    (folder / "0.img").write_bytes(data)
    name = hex_name(stored.image(0).hash)
    stored.write(pending=name)
    return {f"update/{path.name}": path.read_bytes() for path in folder.iterdir()}, name


def test_an_update_is_unpacked_into_its_slot_and_runs_from_there(bundle, tmp_path):
    new = {name: data for name, data in bundle.items() if name.startswith(("glasses/", "models/"))}
    new["glasses/config.py"] = new["glasses/config.py"].replace(VERSION, b'FIRMWARE = "0.2.0"')
    update, name = pending(tmp_path / "update", new, "esp32s3")
    without_models = {n: data for n, data in bundle.items() if not n.startswith("models/")}
    said = start(tmp_path / "flash", without_models | update)
    assert said["firmware"] == "0.2.0"
    assert said["from"] == "/update/0/glasses/app.py"
    assert said["slot"] == ["glasses", "hash", "models"]
    assert said["words"] == ["Okay Nabu"]
    assert said["content"] == "bytes"
    assert said["state"]["trying"] == name


def test_an_update_for_another_board_is_refused_and_the_old_one_runs(bundle, tmp_path):
    update, _ = pending(tmp_path / "update", {"glasses/app.py": b""}, "linux")
    said = start(tmp_path / "flash", bundle | update)
    assert said["firmware"] == config.FIRMWARE
    assert said["words"] == ["Okay Nabu"]
    assert said["slot"] == []
    assert "linux" in said["state"]["refused"]


def test_what_our_image_has_frozen_hears_the_wake_word(bundle, tmp_path):
    """MicroPython's own makemanifest.py compiles it; the flash has no application."""
    compiled, _ = esp32s3_frozen.freeze(tmp_path / "build")
    frozen = {
        f"frozen/{path.relative_to(compiled).as_posix()}": path.read_bytes()
        for path in compiled.glob("**/*.mpy")
    }
    # It uses the emulated I2S microphone.
    named = ("models/", "config.json", "board.py", "s3.py")
    flash = {name: data for name, data in bundle.items() if name.startswith(named)}
    said = start(tmp_path / "flash", flash | frozen, "/frozen")
    assert said["words"] == ["Okay Nabu"]
    assert said["from"] == "/frozen/glasses/app.mpy"
    # A deployed application takes precedence over it.
    new = bundle["glasses/config.py"].replace(VERSION, b'FIRMWARE = "0.2.0"')
    said = start(tmp_path / "flash", bundle | {"glasses/config.py": new}, "/frozen")
    assert (said["from"], said["firmware"]) == ("glasses/app.py", "0.2.0")
    assert said["words"] == ["Okay Nabu"]
