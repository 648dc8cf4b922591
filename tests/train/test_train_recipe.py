# SPDX-License-Identifier: Apache-2.0
"""`glint train wake`: a small training from the command line, and what it refuses."""

import contextlib
import importlib.util
import json
import os
import resource
import signal
import subprocess
import sys
import time

import pytest
from workbench.emulation import sound
from workbench.host import tflm
from workbench.models import verification, wake

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="TensorFlow is not installed: pip install 'glint-workbench[train]'",
)
SMOKE = ("--minutes", "0.1", "--json")


def started(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "glint", "train", "wake", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def glint(*arguments, **options):
    with started(*arguments, **options) as process, ended(process):
        out, said = process.communicate(timeout=600)
    return process.returncode, out, said


@contextlib.contextmanager
def ended(process):
    """However the block ends, the training takes no processor from other tests after it."""
    try:
        yield
    finally:
        process.kill()


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Stands for recordings of people; the smoke test measures nothing."""
    folder = tmp_path_factory.mktemp("people")
    for i, voice in enumerate(("en-us", "en-us+f2", "en-us+m3", "en-us+f4")):
        sound.save(folder / f"{i}.wav", sound.speech("please order a large coffee", voice))
    return folder


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("?!",), "empty"), (("hey glint", "--language", "xx"), "no voice")],
)
def test_phrases_and_languages_that_cannot_be_spoken(arguments, words, tmp_path):
    status, out, said = glint(*arguments, "-o", tmp_path / "made")
    assert (status, out) == (1, "")
    (line,) = said.splitlines()
    assert words in line
    assert not (tmp_path / "made").exists()


def ctrl_c_once(process, until):
    end = time.monotonic() + 300
    with ended(process):
        while not until() and process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        return process.communicate(timeout=300)


@pytest.mark.sweep
@needs_tensorflow
def test_a_training_is_stopped_and_goes_on_to_a_model_for_the_glasses(people, tmp_path):
    folder = tmp_path / "made"
    arguments = ("smart mirror", "-o", folder, "--negatives", people, *SMOKE)
    process = started(*arguments)
    _, said = ctrl_c_once(process, lambda: any(folder.glob("work/*.npz")))
    assert process.returncode == 130
    assert "goes on from here" in said
    assert "Traceback" not in said
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("work/*.npz")}
    assert kept
    assert not list(folder.glob("*.tflite"))

    status, out, said = glint(*arguments)
    assert status == 0, said
    assert all(path.stat().st_mtime_ns == at for path, at in kept.items())
    report = json.loads(out)
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        "det.png",
        "report.json",
        "smart_mirror.json",
        "smart_mirror.tflite",
        "work",
    }
    model = (folder / "smart_mirror.tflite").read_bytes()
    loaded = tflm.Model(model)
    assert loaded.macs <= 60_000
    assert loaded.arena_bytes <= 30 * 1024
    assert len(model) <= 90 * 1024
    verification.verify(model, 20)
    assert report["figures"]["macs"] == loaded.macs
    manifest = json.loads((folder / "smart_mirror.json").read_text())
    assert manifest["micro"]["probability_cutoff"] == report["calibration"]["cutoff"]
    assert report["calibration"]["people"]
    heard = wake.listen(str(folder / "smart_mirror.tflite"), [sound.speech("smart mirror")])
    assert len(heard[0].trace) > 10
    # Another request does not mix with it.
    status, _, said = glint("hey glint", "-o", folder, *SMOKE)
    assert status == 1
    assert "another training" in said


@pytest.mark.sweep
@needs_tensorflow
def test_a_full_disk_is_said_and_nothing_half_written_stays(people, tmp_path):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    folder = tmp_path / "made"
    status, _, said = glint("smart mirror", "-o", folder, *SMOKE, preexec_fn=small_files)
    assert status == 1
    assert f"the training into {folder} stopped" in said
    assert "Traceback" not in said
    assert not list(folder.glob("work/*.npz"))
    assert os.listdir(folder) == ["work"]
