# SPDX-License-Identifier: Apache-2.0
"""Measures each operator in each type, and typical networks, for `make bench`.

The models are those that the tests generate. Making them takes a checkout, and the schema's classes
from the tflite-micro wheel.
"""

from __future__ import annotations

import importlib
import sys
import tomllib
from typing import Any

from rich.table import Table

from workbench.measure.models import RECORDED
from workbench.models import benchmark
from workbench.paths import ROOT

TESTS = ROOT / "tests" / "tflm"
CORES = {"m55": "corstone300", "m4": "mps2_an386"}
# An operator counts as slow if it takes this many times as much as our best of its kind.
SLOW = 4


def _import(name: str) -> Any:
    if str(TESTS) not in sys.path:
        sys.path.insert(0, str(TESTS))
    return importlib.import_module(name)


def missing() -> str:
    """Says why the models cannot be made here; empty if they can."""
    if not TESTS.is_dir():
        return "no tests/tflm beside the workbench"
    try:
        _import("tflm_build")
    except ImportError as error:
        return str(error)
    return ""


def operators() -> dict[str, dict[str, Any]]:
    """Counts each operator's instructions per element or multiply-accumulate.

    Returns:
        By operator, the number of these ("work"), its arena in bytes, and for each of CORES the
        instructions for one of them.

    Raises:
        WorkbenchError: A board cannot be built or emulated.
    """
    rows: dict[str, dict[str, Any]] = {}
    for name, (model, work) in _import("tflm_operators").models().items():
        row: dict[str, Any] = {"work": work}
        for core, board in CORES.items():
            measured = benchmark.bench(board, model)
            row["arena_bytes"] = measured.arena_bytes
            row[core] = round((measured.instructions or 0) / work, 2)
        rows[name] = row
    return rows


def networks() -> dict[str, dict[str, Any]]:
    """Instructions, arenas in bytes and multiply-accumulates of each generated network.

    Raises:
        WorkbenchError: A board cannot be built or emulated.
    """
    rows: dict[str, dict[str, Any]] = {}
    for name, make in _import("tflm_networks").NETWORKS.items():
        row: dict[str, Any] = {}
        for core, board in CORES.items():
            measured = benchmark.bench(board, make())
            row |= {f"{core}_arena_bytes": measured.arena_bytes, "macs": measured.macs}
            row[core] = measured.instructions
        rows[name] = row
    return rows


def recorded() -> dict[str, dict[str, float]]:
    """Returns CMSIS-NN's recorded figures, by operator and core."""
    figures: dict[str, dict[str, float]] = tomllib.loads(RECORDED.read_text())["operator"]
    return figures


def recorded_arenas() -> dict[str, int]:
    """What TFLM's arenas take on a Cortex-M4, in bytes, by network."""
    arenas: dict[str, int] = tomllib.loads(RECORDED.read_text())["network"]
    return arenas


def _best(rows: dict[str, dict[str, Any]], name: str, core: str) -> float:
    """Returns the least that an operator of the same name takes."""
    operator = name.split()[0]
    return min(float(row[core]) for other, row in rows.items() if other.split()[0] == operator)


def tables(measured: dict[str, dict[str, Any]], drawn: dict[str, dict[str, Any]]) -> list[Table]:
    """Makes a table of operators, and one of networks."""
    title = "instructions per element or multiply-accumulate; CMSIS-NN: see tflm_recorded.toml"
    table = Table("operator", title=title)
    for core in CORES:
        for column in (core, "CMSIS-NN", "ratio", "slow"):
            table.add_column(column)
    figures = recorded()
    for name, row in measured.items():
        cells = [name]
        for core in CORES:
            theirs = figures.get(name, {}).get(core)
            cells += [f"{row[core]:.2f}", f"{theirs:.2f}" if theirs else "-"]
            cells.append(f"{row[core] / theirs:.2f}" if theirs else "-")
            best = _best(measured, name, core)
            cells.append(f"{row[core] / best:.0f} times" if row[core] > SLOW * best else "")
        table.add_row(*cells)
    columns = [*(f"{core} arena" for core in CORES), "TFLM's on m4", "ratio"]
    networks_table = Table("network", "MACs", *CORES, *columns, title="generated networks")
    arenas = recorded_arenas()
    for name, row in drawn.items():
        cells = [name, *(f"{row[key]:,}" for key in ("macs", *CORES))]
        cells += [f"{row[f'{core}_arena_bytes']:,}" for core in CORES]
        theirs = arenas.get(name)
        cells.append(f"{theirs:,}" if theirs else "-")
        cells.append(f"{row['m4_arena_bytes'] / theirs:.2f}" if theirs else "-")
        networks_table.add_row(*cells)
    return [table, networks_table]
