# SPDX-License-Identifier: Apache-2.0
"""Tests `glint model`: what it prints, and its one-line errors."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tflm_build
import tflm_networks
import tflm_oracle
from workbench.host import tflm
from workbench.models import verification


def glint(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "glint", "model", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def refused(*arguments):
    done = glint(*arguments)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


@pytest.fixture
def unsupported(tmp_path):
    graph = tflm_build.Graph()
    x = graph.input((2, 2), np.float32)
    graph.operator("COS", [x], [graph.output((2, 2), np.float32)])
    path = tmp_path / "cosine.tflite"
    path.write_bytes(graph.bytes())
    return path


def test_info():
    model = tflm_oracle.load("okay_nabu")
    described = json.loads(glint("info", "okay_nabu", "--json").stdout)
    keys = ["model_bytes", "macs", "arena_bytes", "ops", "unsupported", "inputs", "outputs"]
    assert list(described) == keys
    assert described["model_bytes"] == len(model)
    assert described["macs"] == 36480
    assert described["arena_bytes"] == tflm.Model(model).arena_bytes
    assert described["ops"]["CONV_2D"] == 6
    assert described["unsupported"] == []
    (tensor,) = described["inputs"]
    assert set(tensor) == {"shape", "dtype", "scale", "zero_point"}
    assert (tensor["shape"], tensor["dtype"], tensor["zero_point"]) == ([1, 3, 40], "int8", -128)
    assert "36480" in glint("info", "okay_nabu").stdout


def test_info_of_what_cannot_run(unsupported):
    described = json.loads(glint("info", unsupported, "--json").stdout)
    assert described["unsupported"] == ["COS"]
    assert described["macs"] is described["arena_bytes"] is None
    assert described["inputs"][0]["dtype"] == "float32"
    assert "COS  NOT SUPPORTED" in glint("info", unsupported).stdout


def test_run(tmp_path):
    model = tflm_oracle.load("hey_jarvis")
    rng = np.random.default_rng(1)
    reference = tflm_oracle.reference(model)
    expected, given = b"", b""
    for _ in range(30):
        data = rng.integers(-128, 128, (1, 3, 40)).astype(np.int8)
        reference.set_input(data, 0)
        reference.invoke()
        expected += reference.get_output(0).tobytes()
        given += data.tobytes()
    (tmp_path / "in").write_bytes(given)
    done = glint("run", "hey_jarvis", "--input", tmp_path / "in", "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_bytes() == expected


def test_errors(tmp_path, unsupported):
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(tflm_oracle.load("okay_nabu")[:30000])
    (tmp_path / "in").write_bytes(bytes(60))
    files = ["--input", tmp_path / "in", "--output", tmp_path / "out"]
    assert "broken.tflite" in refused("info", broken)
    assert "no model 'nothing'" in refused("info", "nothing")
    assert "no such file" in refused("info", tmp_path / "missing.tflite")
    assert "give 120 for each inference" in refused("run", "okay_nabu", *files)
    assert "COS is not supported; supported: ADD" in refused("run", unsupported, *files)
    for message in (refused("info", broken), refused("run", "okay_nabu", *files)):
        assert len(message.splitlines()) == 1


def test_verify(unsupported):
    done = glint("verify", "okay_nabu", "--samples", 50)
    assert done.returncode == 0, done.stderr
    assert "50 inferences, every output byte equal" in done.stdout
    assert "COS is not supported" in refused("verify", unsupported)


def test_verify_compares_floats_with_a_tolerance(tmp_path, monkeypatch):
    model = tflm_networks.NETWORKS["sensor"]()
    (tmp_path / "sensor.tflite").write_bytes(model)
    done = glint("verify", tmp_path / "sensor.tflite", "--samples", 20)
    assert done.returncode == 0, done.stderr
    assert "equal to TensorFlow Lite Micro's, float32 within 1e-05" in done.stdout

    output = tflm.Model.output
    for factor, passes in ((1 + 5e-6, True), (1 + 1e-4, False)):

        def scaled(self, index, factor=factor):
            values = np.frombuffer(output(self, index), np.float32)
            return (values * np.float32(factor)).tobytes()

        monkeypatch.setattr(tflm.Model, "output", scaled)
        if passes:
            verification.verify(model, 20)
        else:
            with pytest.raises(verification.VerifyError, match="sample 0 differs"):
                verification.verify(model, 20)


def test_floats_that_are_no_numbers_differ():
    expected = np.array([1.0, -2e-7, np.inf, np.nan], np.float32)
    assert not verification.differs(expected, expected.tobytes())
    for index, value in ((0, np.nan), (1, 2e-6), (2, 3e38), (3, 0.0)):
        other = expected.copy()
        other[index] = value
        assert verification.differs(expected, other.tobytes())
    assert verification.differs(expected, expected[:3].tobytes())
