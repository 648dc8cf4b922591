# SPDX-License-Identifier: Apache-2.0
"""Measures one inference of a model, on this machine or on an emulated microcontroller."""

from __future__ import annotations

from dataclasses import dataclass, field

from workbench.errors import WorkbenchError
from workbench.host import tflm
from workbench.models import hostbench, inference
from workbench.runners.boards import COUNTING

# The chips that the emulated Xtensa core imitates, with a vector unit and without.
CHIPS = ("xtensa", "esp32")
BOARDS = (inference.HOST, *COUNTING, *CHIPS)


class ModelBenchError(WorkbenchError):
    """Instructions cannot be counted on that board."""


@dataclass(frozen=True)
class Bench:
    """What one inference takes on a board.

    Attributes:
        board: Its name.
        instructions: Of the core, not its cycles; None if they cannot be counted.
        not_counted: The reason why not.
        arena_bytes: Working memory.
        text_bytes: The model runtime, with all operators.
        macs: Multiply-accumulates.
        profile: Each operator in order, with its instructions; on Xtensa, each function.
        times: Times on this machine, with the wheel's, or the reason why there are none.
    """

    board: str
    instructions: int | None
    arena_bytes: int
    text_bytes: int
    macs: int
    not_counted: str = ""
    profile: list[tuple[str, int]] = field(default_factory=list)
    times: hostbench.Times | str = ""

    def as_json(self, model: str, *, profile: bool = False) -> dict[str, object]:
        """What `glint model bench --json` prints."""
        described: dict[str, object] = {
            "board": self.board,
            "model": model,
            "instructions_per_invoke": self.instructions,
            "arena_bytes": self.arena_bytes,
            "text_bytes": self.text_bytes,
            "macs": self.macs,
        }
        if isinstance(self.times, hostbench.Times):
            described["us_per_invoke"] = round(self.times.us, 2)
            described["tflm_us_per_invoke"] = round(self.times.reference_us, 2)
            described["time_ratio"] = round(self.times.ratio, 3)
            described["tflm_build"] = self.times.reference
        if profile:
            described["profile"] = self.profile
        return described


def bench(board: str, model: bytes) -> Bench:
    """Measures one inference of `model`, a .tflite, on one of BOARDS.

    Raises:
        ModelBenchError: It is not one of them.
        tflm.ModelError, runner.RunError: The model is malformed or cannot be run.
        WorkbenchError: The board cannot be built or emulated.
    """
    # Imported where they are needed: emulators take a while to import.
    if board in COUNTING:
        from workbench.runners import cortexm

        measured = cortexm.bench(board, model)
        return Bench(
            board=board,
            instructions=measured.instructions,
            arena_bytes=measured.arena_bytes,
            text_bytes=measured.text_bytes,
            macs=measured.macs,
            profile=measured.profile,
        )
    if board in CHIPS:
        from workbench.models import xtensacount
        from workbench.runners import xtensa

        chip = xtensa.ESP32S3 if board == "xtensa" else xtensa.ESP32
        loaded = tflm.Model(model)
        input_bytes = sum(inference.tensor_bytes(tensor) for tensor in loaded.inputs)
        functions = xtensacount.instructions(model, input_bytes, chip)
        return Bench(
            board=board,
            instructions=sum(functions.values()),
            arena_bytes=loaded.arena_bytes,
            text_bytes=xtensacount.text_bytes(),
            macs=loaded.macs,
            profile=list(functions.items()),
        )
    if board != inference.HOST:
        raise ModelBenchError(
            f"no board '{board}' to count instructions on; there are: {', '.join(BOARDS)}"
        )
    loaded = tflm.Model(model)
    count, why = None, ""
    times: hostbench.Times | str
    try:
        count = hostbench.instructions(model)
    except hostbench.HostBenchError as error:
        why = str(error)
    try:
        times = hostbench.times(model)
    except hostbench.HostBenchError as error:
        times = str(error)
    return Bench(
        board=board,
        instructions=count,
        not_counted=why,
        arena_bytes=loaded.arena_bytes,
        text_bytes=hostbench.text_bytes(),
        macs=loaded.macs,
        times=times,
    )
