# SPDX-License-Identifier: Apache-2.0
"""Tests `glint vision test` against the interpreter of the tflite-micro wheel."""

import json

import numpy as np
import pytest
import tflm_oracle
import typer
from PIL import Image
from typer.testing import CliRunner
from workbench.cli import register
from workbench.emulation import pictures
from workbench.errors import WorkbenchError

NAME = "person_detect"


def vision(*words):
    app = typer.Typer()
    register(app)
    done = CliRunner().invoke(app, ["vision", "test", *map(str, words)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture
def model(tmp_path):
    (tmp_path / "mine.tflite").write_bytes(tflm_oracle.load(NAME))
    (tmp_path / "mine.json").write_text('{"labels": ["no person", "person"]}')
    return tmp_path / "mine.tflite"


def test_it_says_what_the_reference_says(model, tmp_path):
    paths = sorted(pictures.draw_scenes(tmp_path / "scenes").iterdir())
    done = vision(model, *paths, "--json")
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    reference = tflm_oracle.reference(model.read_bytes())
    for path, row in zip(paths, rows, strict=True):
        grey = np.frombuffer(pictures.grey(path, 96, 96), np.uint8)
        reference.set_input((grey.astype(int) - 128).astype(np.int8).reshape(1, 96, 96, 1), 0)
        reference.invoke()
        shares = (reference.get_output(0).ravel().astype(int) + 128) / 256
        label = ["no person", "person"][int(shares.argmax())]
        assert (row["file"], row["label"]) == (str(path), label)
        assert row["p"] == pytest.approx(shares.max(), abs=1e-4)
        assert row["scores"]["person"] == pytest.approx(shares[1], abs=1e-4)


def test_a_picture_that_cannot_be_read_is_named_and_skipped(model, tmp_path):
    Image.new("L", (10, 10)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    done = vision(model, tmp_path / "bad.png", tmp_path / "good.png", "--json")
    assert done.exit_code == 1
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["file"].endswith("good.png")
    assert "skipped" in done.stderr
    assert "bad.png" in done.stderr


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ("{}", "lacks labels"),
        ("no JSON", "no manifest"),
        ('{"labels": ["a"]}', "2 outputs, 1 labels"),
    ],
)
def test_a_manifest_that_does_not_match(model, tmp_path, manifest, why):
    model.with_suffix(".json").write_text(manifest)
    with pytest.raises(WorkbenchError, match=why):
        vision(model, tmp_path / "any.png")


def test_a_wake_word_is_no_image_model(tmp_path):
    with pytest.raises(WorkbenchError, match="lacks labels"):
        vision("okay_nabu", tmp_path / "any.png")
