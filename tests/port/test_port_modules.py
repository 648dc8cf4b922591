# SPDX-License-Identifier: Apache-2.0
"""Tests C modules and perception loop on the emulated Cortex-M55: built in, and as native .mpy."""

import json

import micdsp_cases
import numpy as np
import pytest
import tflm_oracle
from board_scripts import SCRIPTS
from workbench.build import compilers, zoo
from workbench.host import micdsp
from workbench.measure.firmware import image
from workbench.models import inference
from workbench.runners import cortexm
from workbench.runners.linux import Linux
from workbench.runners.runner import CHECKS, RunError

BOARD = "corstone300"


@pytest.fixture(scope="module", params=["built in", "native"])
def native(request):
    """Which modules come from .mpy files."""
    if request.param == "built in":
        return ()
    try:
        compilers.find_compiler(cortexm.NATIVE_ARCH)
    except compilers.CompilerError as error:
        pytest.skip(str(error))
    return ("micdsp", "tflm")


@pytest.fixture(scope="module")
def okay_nabu():
    return tflm_oracle.load("okay_nabu")


def test_micdsp_computes_what_its_core_computes(native):
    samples = np.concatenate([micdsp_cases.samples(name) for name in ("bursts", "random")])
    stdin = samples.tobytes()
    board = cortexm.CortexM(BOARD, native)
    said = json.loads(board.run(SCRIPTS / "micdsp_check.py", "100", stdin=stdin))
    features = micdsp.Frontend().process(samples)
    assert bytes.fromhex(said["features"]) == features.tobytes()
    encoder = micdsp.AdpcmEncoder()
    assert bytes.fromhex(said["adpcm"]) == encoder.encode(samples)
    assert said["allocated_bytes"] == 0


def test_tflm_behaves_as_on_the_linux_board(native, okay_nabu):
    files = {"model.tflite": okay_nabu}
    board = cortexm.CortexM(BOARD, native)
    here = json.loads(board.run(SCRIPTS / "tflm_check.py", "model.tflite", files=files))
    there = json.loads(Linux().run(SCRIPTS / "tflm_check.py", str(zoo.find("okay_nabu"))))
    for said in (here, there):  # the linux board prints scales in double precision
        said["tensors"] = [
            [*rest, f"{scale:.5g}", zero_point] for *rest, scale, zero_point in said["tensors"]
        ]
        # Kernels for different instruction sets keep different things in the arena.
        size = said.pop("arena_size")
        assert said.pop("arena_used") == size
        for name, given in (("arena", size - 1), ("no_arena", 10)):
            expected = ["MemoryError", f"arena {given} bytes given, {size} needed"]
            assert said["refusals"].pop(name) == expected
    assert here == there


def test_streaming_model_gives_the_hosts_bytes(native, okay_nabu):
    inputs = np.random.default_rng(6).integers(-128, 128, 120 * 60, dtype=np.int8).tobytes()
    files = {"model.tflite": okay_nabu}
    board = cortexm.CortexM(BOARD, native)
    outputs = board.run(CHECKS / "model_run.py", "model.tflite", stdin=inputs, files=files)
    assert outputs == inference.on_host(okay_nabu, inputs)


def test_a_hop_allocates_nothing_where_big_integers_would(okay_nabu):
    """On 32 bits, integers from 2**30 up and floats live on the heap."""
    samples = micdsp_cases.samples("bursts")[:16000]
    files = {
        "okay_nabu.tflite": okay_nabu,
        "okay_nabu.json": json.dumps(zoo.manifest("okay_nabu")).encode(),
    }
    stdin = samples.tobytes()
    arguments = (CHECKS / "hops.py", "/rom", "1000", "0", "okay_nabu")
    said = json.loads(cortexm.CortexM(BOARD).run(*arguments, stdin=stdin, files=files))
    assert said["hops"] == 1000
    assert said["allocated_bytes"] == 0


def test_refused_model_is_one_line():
    board = cortexm.CortexM(BOARD)
    with pytest.raises(RunError, match=r"^model_run: ValueError: ") as caught:
        board.run(CHECKS / "model_run.py", "m", files={"m": b"no model"})
    assert len(str(caught.value).splitlines()) == 1


def test_instructions_are_counted_and_repeat(okay_nabu):
    first, second = (cortexm.bench(BOARD, okay_nabu) for _ in range(2))
    assert abs(first.instructions - second.instructions) < 10  # where a tick of the clock falls
    # Helium multiplies sixteen at a time; TFLM's reference kernels take 586,083 on x86-64.
    assert first.macs / 16 < first.instructions < 586_083
    # Each operator's share includes reading the clock, some 300 instructions.
    profiled = sum(count for _, count in first.profile)
    assert 0.9 * first.instructions < profiled < first.instructions + 500 * len(first.profile)
    assert 0 < first.text_bytes < 100_000


def test_the_image_with_the_application_is_measured():
    """Measures as `make bench` does, so that a change to the application does not break that."""
    taken = image(BOARD)
    assert 0 < taken.tflm_text < taken.text
    assert taken.stack_peak > 0
    assert 0 < taken.heap_used < taken.heap_free
