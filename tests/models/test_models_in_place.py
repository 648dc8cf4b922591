# SPDX-License-Identifier: Apache-2.0
"""Models in a ROMFS are used in place: they take no heap, on either emulated board."""

import json
import subprocess

import pytest
import tflm_oracle
from workbench.build import micropython, romfs, zoo
from workbench.emulation import flashimage
from workbench.emulation.qemu import Qemu, load_machine
from workbench.paths import FIRMWARE

BOARD = "corstone300"
NAME = "okay_nabu"
SCRIPT = """
import gc
from glasses.perception import models, wake
gc.collect()
before = gc.mem_alloc()
detector = wake.load({folder!r}, {name!r})
gc.collect()
taken = gc.mem_alloc() - before
content = models.content({folder!r}, {name!r})
print(taken < len(content) // 2, type(content).__name__, len(content), models.names({folder!r}))
"""


@pytest.fixture(scope="module")
def model():
    return tflm_oracle.load(NAME)


@pytest.fixture(scope="module")
def files(model):
    manifest = json.dumps(zoo.manifest(NAME)).encode()
    return {f"models/{NAME}.tflite": model, f"models/{NAME}.json": manifest}


def on_corstone300(tmp_path, files, rom, code):
    flash = tmp_path / "flash.bin"
    flashimage.create(flash, files, machine=load_machine(BOARD), rom=romfs.build(rom))
    with Qemu(BOARD, micropython.ensure(BOARD), flash=flash) as qemu:
        qemu.console.enter_raw_repl()
        return qemu.console.run(code)


def on_linux(tmp_path, files, rom, code):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "rom.img").write_bytes(romfs.build(rom))
    done = subprocess.run(
        [micropython.ensure("linux"), "-c", code],
        cwd=tmp_path,
        env={"MICROPYPATH": f"{FIRMWARE}:.frozen", "GLINT_ROM": str(tmp_path / "rom.img")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(params=[on_linux, on_corstone300])
def run(request, tmp_path):
    return lambda files, rom, code: request.param(tmp_path, files, rom, code)


def test_a_model_in_the_romfs_takes_no_heap(run, files, model):
    said = run({}, files, SCRIPT.format(folder="models", name=NAME))
    assert said == f"True memoryview {len(model)} ['{NAME}']\n"


def test_the_folder_comes_first(run, files, model):
    other = {f"models/{NAME}.tflite": b"not it", "models/x.tflite": b"x"}
    said = run(files, other, SCRIPT.format(folder="models", name=NAME))
    assert said == f"False bytes {len(model)} ['{NAME}', 'x']\n"


def test_a_model_that_is_nowhere(run, files):
    code = "from glasses.perception import wake\n"
    code += "try:\n wake.load('models', 'x')\nexcept OSError: print('no')"
    assert run({}, files, code) == "no\n"
