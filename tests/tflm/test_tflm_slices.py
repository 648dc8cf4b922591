# SPDX-License-Identifier: Apache-2.0
"""An inference in slices gives the bytes of a whole one, and no slice takes longer than 5 ms.

Time is counted in instructions, one to a cycle of the board's clock, from its board.toml.
"""

import json
import re
import tomllib

import numpy as np
import pytest
import test_tflm_fast
import tflm_cases
import tflm_draw
import tflm_networks
import tflm_oracle
from board_scripts import SCRIPTS
from workbench.host import tflm
from workbench.paths import BOARDS
from workbench.runners import cortexm

SLICE_S = 0.005


def slice_macs(board):
    """Returns the number that the application passes to `step`."""
    if board == "esp32s3":
        source, name = BOARDS / board / "s3.py", "SLICE_MACS"  # of every board with that chip
    else:
        source, name = BOARDS / board / "board.py", "slice_macs"
    return int(re.search(rf"^{name} = (\d+)$", source.read_text(), re.M)[1])


def speed(board):
    """Its [models] table."""
    return tomllib.loads((BOARDS / board / "board.toml").read_text())["models"]


CASE_MACS = 10000
CASE_ELEMENTS = 20000
CALL_INSTRUCTIONS = 1500  # The instructions of a slice that does nothing; all are MicroPython's.

# There is no application for the Cortex-M4.
MAX_MACS = {"corstone300": slice_macs("corstone300"), "mps2_an386": 40000}


def slices(board, models, max_macs):
    """Returns the instructions of each slice, for each model."""
    files = {f"{name}.tflite": content for name, content in models.items()}
    counting = cortexm.CortexM(board, counting=True)
    said = json.loads(counting.run(SCRIPTS / "model_slices.py", str(max_macs), *files, files=files))
    assert [result["same"] for result in said] == [True] * len(models)
    ns_a_cycle = 1e9 / speed(board)["clock_hz"]
    return {
        name: [cycles * ns_a_cycle / cortexm.INSTRUCTION_NS for cycles in result["cycles"]]
        for name, result in zip(models, said, strict=True)
    }


def check(board, models):
    most = SLICE_S * speed(board)["clock_hz"]
    counted = slices(board, models, MAX_MACS[board])
    longest = {name: round(max(counts)) for name, counts in counted.items()}
    assert {name: count for name, count in longest.items() if count > most} == {}
    return counted


@pytest.mark.parametrize("board", MAX_MACS)
@pytest.mark.parametrize("name", [*tflm_oracle.WAKE_WORDS, *tflm_oracle.OTHERS])
def test_shared_models(board, name):
    model = tflm_oracle.load(name)
    counted = check(board, {name: model})[name]
    # Helium multiplies sixteen at a time.
    assert sum(counted) > tflm.Model(model).macs / 16


@pytest.mark.parametrize("board", MAX_MACS)
def test_networks_with_other_operators(board):
    check(board, {name: make() for name, make in tflm_networks.NETWORKS.items()})


def large_case(name):
    """The largest of the first models of one operator, drawn with larger dimensions."""

    def elements(model):
        return sum(np.prod(tensor.shape) for tensor in tflm.tensors(model))

    models = [tflm_cases.model(name, seed) for seed in range(8)]
    return max((model for model in models if elements(model) < CASE_ELEMENTS), key=elements)


@pytest.mark.parametrize("board", MAX_MACS)
def test_rows_cost_what_their_operators_say(board, monkeypatch):
    """Short slices of each operator and type, of few rows each."""
    monkeypatch.setattr(tflm_draw, "LARGEST", 12)
    # Operators without kernels for a Cortex-M4 take as many instructions on a Cortex-M55, whose
    # limit is lower.
    names = tflm_cases.CASES if board == "corstone300" else test_tflm_fast.OPERATORS
    models = {name.replace(" ", "_"): large_case(name) for name in names}
    most = SLICE_S * speed(board)["clock_hz"] / MAX_MACS[board]
    too_long = {}
    for name, counts in slices(board, models, CASE_MACS).items():
        costs = [cost for _, cost in tflm.Model(models[name]).rows()]
        limit = CALL_INSTRUCTIONS + most * max([CASE_MACS, *costs])
        if max(counts) > limit:
            too_long[name] = f"{max(counts):.0f} of {limit:.0f}"
    assert too_long == {}


def test_estimated_boards():
    """Where nothing counts instructions, the estimate in the board's board.toml decides."""
    has = speed("esp32s3")
    assert slice_macs("esp32s3") * has["cycles_per_mac"] <= SLICE_S * has["clock_hz"]
