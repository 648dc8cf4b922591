# SPDX-License-Identifier: Apache-2.0
"""Tests `glint model check`, and `run`, `bench` and `verify` on boards."""

import json
import shutil

import numpy as np
import pytest
import tflm_build
import tflm_oracle
from typer.testing import CliRunner
from workbench.build import micropython
from workbench.cli import register
from workbench.emulation.qemu import Qemu
from workbench.models import fit, hostbench, inference, verification

BOARD = "corstone300"


@pytest.fixture(scope="module")
def cli():
    import typer

    app = typer.Typer()
    register(app)
    runner = CliRunner()
    return lambda *words: runner.invoke(app, ["model", *map(str, words)])


def wide(path, *, side, channels):
    """A model of one operator whose input has side x side x channels bytes."""
    graph = tflm_build.Graph()
    shape = (1, side, side, channels)
    x = graph.input(shape, np.int8, scale=0.1)
    graph.operator("LOGISTIC", [x], [graph.output(shape, np.int8, scale=1 / 256, zero_point=-128)])
    path.write_bytes(graph.bytes())
    return path


def test_a_model_that_fits_is_run_there(cli):
    done = cli("check", "okay_nabu", "--board", BOARD, "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["board"], said["problems"], said["macs"]) == (BOARD, [], 36480)
    assert said["ram_bytes"] < said["ram_free_bytes"]
    assert said["ms"] == pytest.approx(said["instructions"] / 32e6 * 1e3)
    assert "QEMU counts no cycles" in said["ms_source"]


def test_what_is_read_into_ram_counts(cli):
    here, there = (
        json.loads(cli("check", "okay_nabu", "--board", board, "--json").stdout)
        for board in ("linux", "esp32s3")
    )
    assert there["ram_bytes"] - here["ram_bytes"] == len(tflm_oracle.load("okay_nabu"))
    assert there["instructions"] is None
    assert "estimate" in there["ms_source"]


def test_half_quantized_models_are_to_be_converted_again(cli, tmp_path):
    """TensorFlow's dynamic range quantization makes such models: int8 weights, the rest float32."""
    graph = tflm_build.Graph()
    x, weights = graph.input((1, 2), np.float32), graph.tensor((1, 2), scale=0.1, data=[[1, 2]])
    out = graph.output((1, 1), np.float32)
    graph.operator("FULLY_CONNECTED", [x, weights], [out], "FullyConnectedOptions")
    (tmp_path / "half.tflite").write_bytes(graph.bytes())
    done = cli("check", tmp_path / "half.tflite", "--board", BOARD)
    assert done.exit_code == 1
    said = " ".join(done.output.split())
    assert "FULLY_CONNECTED: float32 with int8 (output t2); convert the model again" in said


def test_an_arena_that_does_not_fit(cli, tmp_path):
    model = wide(tmp_path / "wide.tflite", side=1500, channels=1)
    done = cli("check", model, "--board", BOARD)
    assert done.exit_code == 1
    assert f"does not fit on {BOARD}" in done.output
    assert "2250000 bytes" in done.output
    assert "make the input smaller" in done.output


def test_the_largest_tensor_is_one_in_the_arena(cli, tmp_path):
    """Neither a variable's handle nor weights count."""
    graph, size = tflm_build.Graph(), 1500000
    handle = graph.tensor((), "resource")
    graph.operator("VAR_HANDLE", [], [handle], "VarHandleOptions", sharedName="state")
    x, kept = graph.input((1, size), scale=0.1), graph.tensor((1, size), scale=0.1)
    graph.operator("READ_VARIABLE", [handle], [kept])
    graph.operator("ASSIGN_VARIABLE", [handle, x], [])
    weights = graph.tensor((2, size), "int4", scale=0.1, data=np.zeros((2, size), np.int8))
    out = graph.output((1, 2), scale=0.1)
    graph.operator("FULLY_CONNECTED", [kept, weights], [out], "FullyConnectedOptions")
    path = tmp_path / "state.tflite"
    path.write_bytes(graph.bytes())
    done = cli("check", path, "--board", BOARD)
    assert done.exit_code == 1
    assert f"1x{size} int8, {size} bytes" in done.output


def test_an_operator_that_is_missing(cli, tmp_path):
    graph = tflm_build.Graph()
    x = graph.input((2, 2), np.float32)
    graph.operator("COS", [x], [graph.output((2, 2), np.float32)])
    path = tmp_path / "cosine.tflite"
    path.write_bytes(graph.bytes())
    done = cli("check", path, "--board", BOARD, "--json")
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert said["unsupported"] == ["COS"]
    assert "COS" in said["problems"][0]


def test_a_file_that_does_not_fit(monkeypatch):
    monkeypatch.setattr(fit, "room", lambda board: fit.Room(10**6, "a test", 10_000, True))
    (problem,) = fit.check(tflm_oracle.load("okay_nabu"), "linux").problems
    assert "the flash has room for 10000" in problem


def test_what_boards_say_of_their_heap_is_so():
    code = """
import gc, board, micdsp
from glasses import app
from glasses.perception import loop, vision, wake
heard = loop.Perception(board.mic, [])
gc.collect()
print(gc.mem_free())
"""
    with Qemu(BOARD, micropython.ensure(BOARD)) as qemu:
        qemu.console.enter_raw_repl()
        free = int(qemu.console.run(code))
    said = fit.room(BOARD).heap_bytes
    assert free - 40_000 < said < free + 20_000


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_instructions_on_this_machine_repeat(cli):
    done = cli("bench", "okay_nabu", "--json")
    said = json.loads(done.stdout)
    keys = ["board", "model", "instructions_per_invoke", "arena_bytes", "text_bytes", "macs"]
    assert list(said)[:6] == keys
    assert said["board"] == "host"
    again = hostbench.instructions(tflm_oracle.load("okay_nabu"))
    assert said["instructions_per_invoke"] == again
    assert said["macs"] < again < 586_083  # what TFLM's reference kernels take on x86-64
    assert said["time_ratio"] > 0
    assert "tflite-micro" in said["tflm_build"]


def test_without_valgrind_it_says_so(monkeypatch, cli):
    which = shutil.which
    monkeypatch.setattr(
        hostbench.shutil, "which", lambda name: None if name == "valgrind" else which(name)
    )
    done = cli("bench", "hey_jarvis")
    assert done.exit_code == 0
    assert "not counted: valgrind was not found" in done.stdout


def test_verify_on_a_board(cli):
    done = cli("verify", "okay_nabu", "--board", BOARD, "--samples", 30)
    assert done.exit_code == 0, done.output
    assert f"30 inferences on {BOARD}, every output byte equal" in done.stdout


def test_verify_names_the_first_layer_that_differs_on_a_board(monkeypatch):
    """The boards compute wrong outputs of the model, or also of every operator."""
    model = tflm_oracle.load("okay_nabu")
    honest = inference.on_host

    def wrong(board, changed, data):
        result = honest(changed, data)
        return result if changed is not model else bytes(byte ^ 1 for byte in result)

    monkeypatch.setattr(inference, "on", wrong)
    with pytest.raises(verification.VerifyError, match=r"differs on toaster; no single layer"):
        verification.verify(model, 4, "toaster")
    monkeypatch.setattr(inference, "on", lambda board, changed, data: b"\x55" * len(data) * 100)
    with pytest.raises(verification.VerifyError, match=r"operator \d+ \w+ is the first"):
        verification.verify(model, 4, "toaster")


def test_run_on_the_board_gives_the_hosts_bytes(cli, tmp_path):
    inputs = np.random.default_rng(6).integers(-128, 128, 120 * 10, dtype=np.int8).tobytes()
    (tmp_path / "in").write_bytes(inputs)
    files = ["--input", tmp_path / "in", "--output", tmp_path / "out"]
    assert cli("run", "okay_nabu", *files, "--board", BOARD).exit_code == 0
    expected = inference.on_host(tflm_oracle.load("okay_nabu"), inputs)
    assert (tmp_path / "out").read_bytes() == expected


def test_a_board_that_is_none(cli):
    for command in ("check", "bench", "verify"):
        done = cli(command, "okay_nabu", "--board", "toaster")
        assert done.exit_code != 0
        assert "no board 'toaster'" in str(done.exception)
