# SPDX-License-Identifier: Apache-2.0
"""Checks whether a model fits and runs on a board, how fast, and what to change if not.

A board's memory and speed come from the [models] table of its board.toml.
"""

from __future__ import annotations

import contextlib
import tomllib
from dataclasses import dataclass
from typing import Any

from workbench.errors import WorkbenchError
from workbench.host import tflm
from workbench.models import hostbench, inference
from workbench.paths import BOARDS
from workbench.runners.boards import COUNTING


class CheckError(WorkbenchError):
    """There is no such board, or its board.toml has no [models] table."""


@dataclass(frozen=True)
class Room:
    """The [models] table of a board.toml.

    Attributes:
        heap_bytes: Free heap with the application loaded and no model.
        heap_source: Where that figure comes from.
        flash_bytes: For model files.
        in_place: Whether models are used in place in the flash; else they are read onto the heap.
        clock_hz: Of the core; 0 for this machine.
        cycles_per_mac: Cycles per multiply-accumulate, if no emulator counts instructions.
        speed_source: Where that figure comes from.
    """

    heap_bytes: int
    heap_source: str
    flash_bytes: int
    in_place: bool
    clock_hz: int = 0
    cycles_per_mac: float = 0.0
    speed_source: str = ""


@dataclass(frozen=True)
class Check:
    """What `check` found; sizes in bytes.

    Attributes:
        board: Its name.
        problems: Why it does not fit or run, and what to change; none if it does.
        unsupported: Operators that tflm lacks.
        ram_bytes: The arena, plus the model if it is read onto the heap; None if it cannot load.
        ram_free_bytes: Of the heap.
        flash_bytes: Size of the file.
        flash_free_bytes: Room for all models together.
        macs: Multiply-accumulates of an inference.
        instructions: Of an inference; None if they cannot be counted.
        ms: Estimate of its time.
        ms_source: What the estimate rests on.
        ram_source: What the free RAM rests on.
    """

    board: str
    problems: list[str]
    unsupported: list[str]
    ram_bytes: int | None
    ram_free_bytes: int
    flash_bytes: int
    flash_free_bytes: int
    macs: int | None
    instructions: int | None
    ms: float | None
    ms_source: str
    ram_source: str


def _tables() -> dict[str, dict[str, Any]]:
    tables = {path.parent.name: tomllib.loads(path.read_text()) for path in BOARDS.glob("*/*.toml")}
    return {name: tables[name]["models"] for name in sorted(tables) if "models" in tables[name]}


def boards() -> list[str]:
    """Lists the boards whose board.toml states their room for models."""
    return list(_tables())


def room(board: str) -> Room:
    """Reads a board's room for models.

    Raises:
        CheckError: Its board.toml does not state it, or there is no such board.
    """
    tables = _tables()
    if board not in tables:
        raise CheckError(f"no board '{board}' to check models for; there are: {', '.join(tables)}")
    return Room(**tables[board])


def check(model: bytes, board: str) -> Check:
    """Checks `model`, a .tflite, for `board`, and runs it there if the board is emulated.

    Raises:
        CheckError: There is no such board.
        tflm.ModelError: The model is malformed.
        WorkbenchError: The board cannot be built or emulated.
    """
    has = room(board)
    problems, unsupported, loaded, ram = _room_for(model, has)
    instructions, ms, source = None, None, "not estimated: it does not fit"
    if loaded and not problems:
        instructions, ms, source = _speed(model, loaded, board, has)
    return Check(
        board=board,
        problems=problems,
        unsupported=unsupported,
        ram_bytes=ram,
        ram_free_bytes=has.heap_bytes,
        flash_bytes=len(model),
        flash_free_bytes=has.flash_bytes,
        macs=loaded.macs if loaded else None,
        instructions=instructions,
        ms=ms,
        ms_source=source,
        ram_source=has.heap_source,
    )


def problems(model: bytes, board: str) -> list[str]:
    """Says why `model`, a .tflite, does not fit a board, and what to change; runs nothing.

    Raises:
        CheckError: There is no such board.
        tflm.ModelError: The model is malformed.
    """
    return _room_for(model, room(board))[0]


def lacking(model: bytes, board: str) -> list[str]:
    """Returns what `problems` does; nothing for a board whose room is not known.

    Raises:
        tflm.ModelError: The model is malformed.
    """
    return problems(model, board) if board in boards() else []


def _room_for(
    model: bytes, has: Room
) -> tuple[list[str], list[str], tflm.Model | None, int | None]:
    """Returns problems, missing operators, the model if it loads, and the RAM that it takes."""
    problems: list[str] = []
    unsupported = sorted(set(tflm.operators(model)) - set(tflm.supported()))
    loaded = None
    try:
        loaded = tflm.Model(model)
    except tflm.MissingOperatorError as error:
        names = ", ".join(unsupported)
        if not names:  # an operator in a form that tflm does not run
            names, _, _ = str(error).partition(";")
        problems.append(
            f"not supported: {names}; build the model from operators that "
            f"`from workbench.host import tflm; tflm.supported()` lists, without {names}"
        )
    except tflm.UnsupportedError as error:
        problems.append(
            f"not supported: {error}; convert the model again, quantized to int8 throughout: "
            "weights, activations, inputs and outputs"
        )
    if len(model) > has.flash_bytes:
        problems.append(
            f"the file has {len(model)} bytes, the flash has room for {has.flash_bytes}: quantize "
            "the weights to int8, or train a model with fewer of them"
        )
    ram = None
    if loaded:
        ram = loaded.arena_bytes + (0 if has.in_place else len(model))
        if ram > has.heap_bytes:
            problems.append(_too_large(model, loaded, ram, has))
    return problems, unsupported, loaded, ram


def _too_large(model: bytes, loaded: tflm.Model, ram: int, has: Room) -> str:
    kept = tflm.Model(model, flags=tflm.KEEP_ALL).tensors()
    largest = max(kept, key=inference.tensor_bytes)
    shape = "x".join(map(str, largest.shape))
    parts = f"its arena takes {loaded.arena_bytes} bytes"
    if not has.in_place:
        parts += f" and the file {len(model)}, which this board reads into RAM"
    return (
        f"{parts}: {ram} of RAM, and {has.heap_bytes} are free; make the input smaller or the "
        f"first layers narrower (the largest tensor is {largest.name or 'unnamed'}, {shape} "
        f"{largest.dtype}, {inference.tensor_bytes(largest)} bytes)"
    )


def _speed(
    model: bytes, loaded: tflm.Model, board: str, has: Room
) -> tuple[int | None, float | None, str]:
    """Returns the instructions of an inference, its time in ms, and what that rests on."""
    if board in COUNTING:
        from workbench.runners import cortexm  # takes a while

        instructions = cortexm.bench(board, model).instructions
        source = (
            f"at least: instructions that QEMU counted, one a cycle of {has.clock_hz / 1e6:g} MHz; "
            "QEMU counts no cycles"
        )
        return instructions, instructions / has.clock_hz * 1e3, source
    if has.cycles_per_mac:
        ms = loaded.macs * has.cycles_per_mac / has.clock_hz * 1e3
        source = (
            f"{has.cycles_per_mac:g} cycles a multiply-accumulate at {has.clock_hz / 1e6:g} MHz: "
            f"{has.speed_source}"
        )
        return None, ms, source
    counted: int | None = None
    with contextlib.suppress(hostbench.HostBenchError):
        counted = hostbench.instructions(model)
    return counted, hostbench.time_here(loaded) * 1e3, "median of inferences on this machine"


def lines(checked: Check) -> list[str]:
    """Formats the lines that `glint model check` prints."""
    verdict = "does not fit" if checked.problems else "fits and runs"
    said = [f"{verdict} on {checked.board}"]
    said += [f"  change  {problem}" for problem in checked.problems]
    if checked.ram_bytes is not None:
        said.append(
            f"ram     {checked.ram_bytes} bytes of {checked.ram_free_bytes} free "
            f"({checked.ram_source})"
        )
    said.append(f"flash   {checked.flash_bytes} bytes of {checked.flash_free_bytes} for models")
    if checked.macs is not None:
        said.append(f"macs    {checked.macs} an inference")
    if checked.instructions is not None:
        said.append(f"instructions  {checked.instructions} an inference")
    if checked.ms is not None:
        said.append(f"time    {checked.ms:.2f} ms an inference ({checked.ms_source})")
    return said
