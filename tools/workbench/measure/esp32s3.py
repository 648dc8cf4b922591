# SPDX-License-Identifier: Apache-2.0
"""Tables of what the model runtime takes on an emulated ESP32-S3: part of `make bench`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from workbench.build import natmod, zoo
from workbench.models import benchmark
from workbench.runners import xtensa
from workbench.system import steps

ARCH = "xtensawin"


def models(names: Sequence[str], mirror: Path | None = None) -> dict[str, dict[str, Any]]:
    """Counts the instructions of an inference of each model; unobtainable models are left out.

    Returns:
        For each model what `glint model bench --board xtensa --json` prints, and the instructions
        on an ESP32 under "without_vectors"; nothing if a tool is missing.

    Raises:
        WorkbenchError: The runtime cannot be built or emulated, or refuses a model.
    """
    rows: dict[str, dict[str, Any]] = {}
    for name in names if not xtensa.missing() else ():
        try:
            content = zoo.find(name, mirror).read_bytes()
        except zoo.ZooError:
            continue
        rows[name] = benchmark.bench("xtensa", content).as_json(name)
        rows[name]["without_vectors"] = benchmark.bench("esp32", content).instructions
    return rows


def code_bytes(words: Sequence[str], mirror: Path | None = None) -> dict[str, int]:
    """Returns the executable RAM that each build of `tflm.mpy` takes; nothing if a tool is missing.

    Args:
        words: Names of wake word models.
        mirror: Folder to look for them in.

    Raises:
        WorkbenchError: It does not build, or a model cannot be obtained.
    """
    if xtensa.missing():
        return {}
    int8 = [f"TFLM_WITHOUT_{name}" for name in natmod.OPTIONAL_TYPES]
    chosen = natmod.without(words, mirror)
    builds = {
        "every operator and type": ("", []),
        "every operator, int8 only": ("-int8", int8),
        "without vector kernels": ("-int8-mac16", [*int8, natmod.WITHOUT_VECTORS]),
        "the wake words": ("-words", chosen),
        "the wake words without vector kernels": (
            "-words-mac16",
            [*chosen, natmod.WITHOUT_VECTORS],
        ),
    }
    with steps() as say:
        return {
            what: natmod.size(natmod.build("tflm", ARCH, say=say, defines=defines, tag=tag)).text
            for what, (tag, defines) in builds.items()
        }


def tables(rows: dict[str, dict[str, Any]], code: dict[str, int]) -> list[Table]:
    """Makes one table of instructions and one of sizes; none if a tool is missing."""
    if not code:
        return []
    title = "Xtensa, emulated: ESP32-S3's vector unit, and ESP32's MAC16 alone"
    counted = Table("model", "instructions", "a MAC", "with MAC16", "a MAC", title=title)
    for name, row in rows.items():
        counts = (row["instructions_per_invoke"], row["without_vectors"])
        cells = [text for count in counts for text in (f"{count:,}", f"{count / row['macs']:.2f}")]
        counted.add_row(name, *cells)
    sizes = Table("tflm.mpy for xtensawin runs", "executable RAM, bytes")
    for what, taken in code.items():
        sizes.add_row(what, f"{taken:,}")
    return [counted, sizes]
