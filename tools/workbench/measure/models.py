# SPDX-License-Identifier: Apache-2.0
"""Tables that compare the model runtime with TensorFlow Lite Micro: part of `make bench`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from rich.table import Table

from workbench.build import zoo
from workbench.models import benchmark

RECORDED = Path(__file__).with_name("tflm_recorded.toml")
# Boards by their core's name in RECORDED.
CORES = {"x86_64": "host", "m4": "mps2_an386", "m55": "corstone300"}


def recorded() -> dict[str, Any]:
    """Returns TFLM's recorded figures."""
    return tomllib.loads(RECORDED.read_text())


def models(mirror: Path | None = None) -> dict[str, dict[str, Any]]:
    """Measures every recorded model that can be obtained, on each core.

    Returns:
        By model and core what `glint model bench --json` prints; {"missing": why} for a model that
        cannot be obtained.

    Raises:
        WorkbenchError: A board cannot be built or emulated, or refuses a model.
    """
    rows: dict[str, dict[str, Any]] = {}
    for name in recorded()["model"]:
        try:
            content = zoo.find(name, mirror).read_bytes()
        except zoo.ZooError as error:
            rows[name] = {"missing": str(error)}
            continue
        rows[name] = {
            core: benchmark.bench(board, content).as_json(name) for core, board in CORES.items()
        }
    return rows


def _ratio(ours: int | None, theirs: int | None) -> str:
    return f"{ours / theirs:.2f}" if ours and theirs else "-"


def tables(rows: dict[str, dict[str, Any]]) -> list[Table]:
    """Makes one table for this machine, and one for each emulated core."""
    figures = recorded()
    made = []
    for core, board in CORES.items():
        title = f"{core} ({board}): instructions an inference; TFLM: {figures['source']}"
        table = Table("model", "ours", "TFLM", "ratio", title=title)
        if core == "x86_64":
            table.title = title.replace("QEMU -icount", "valgrind")
            table.add_column("time")
            table.add_column("wheel's time")
            table.add_column("ratio, one run")
        else:
            for column in ("+CMSIS-NN", "ratio", "arena", "its arena", "ratio"):
                table.add_column(column)
        for name, row in rows.items():
            if core in row:
                table.add_row(name, *_cells(row[core], figures["model"][name][core]))
            else:
                table.add_row(name, row["missing"])
        made.append(table)
    return made


def _cells(ours: dict[str, Any], theirs: dict[str, int]) -> list[str]:
    count, tflm = ours["instructions_per_invoke"], theirs["tflm"]
    cells = [f"{count:,}" if count else "-", f"{tflm:,}", _ratio(count, tflm)]
    if "cmsis" in theirs:
        arena = ours["arena_bytes"]
        cells += [f"{theirs['cmsis']:,}", _ratio(count, theirs["cmsis"])]
        return [*cells, f"{arena:,}", f"{theirs['arena']:,}", _ratio(arena, theirs["arena"])]
    if "time_ratio" not in ours:
        return [*cells, "-", "-", "-"]
    cells += [f"{ours['us_per_invoke']:,.1f} us", f"{ours['tflm_us_per_invoke']:,.1f} us"]
    return [*cells, f"{ours['time_ratio']:.2f}"]


def notes(rows: dict[str, dict[str, Any]]) -> list[str]:
    """Describes what the tables rest on."""
    said = []
    for row in rows.values():
        for core in CORES:
            measured = row.get(core, {})
            if "tflm_build" in measured:
                said.append(f"wheel's time: {measured['tflm_build']}; medians of one run")
            if core in row and measured["instructions_per_invoke"] is None:
                said.append(f"{core}: instructions not counted: is valgrind installed?")
    text = ", ".join(
        f"{core} {row[core]['text_bytes']:,}"
        for row in list(rows.values())[:1]
        for core in CORES
        if core in row
    )
    return [*dict.fromkeys(said), f"text of the runtime with all operators, bytes: {text}"]
