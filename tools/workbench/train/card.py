# SPDX-License-Identifier: Apache-2.0
"""Writes the results of a training: model, manifest, report, plot and a model card."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.models.wake import Errors, Evaluation
from workbench.train.calibrate import FALSE_ACCEPTS_PER_HOUR, Calibration
from workbench.train.files import whole

# TensorFlow Lite Micro, which other firmware runs such models with, needs about twice tflm's arena.
OTHERS_ARENA = 2


def manifest(
    phrase: str, name: str, language: str, cutoff: float, window: int, arena_bytes: int
) -> dict[str, Any]:
    """Returns a microWakeWord v2 manifest."""
    return {
        "type": "micro",
        "wake_word": phrase,
        "author": "glint train wake",
        "website": "",
        "model": f"{name}.tflite",
        "trained_languages": [language],
        "version": 2,
        "micro": {
            "probability_cutoff": cutoff,
            "feature_step_size": 10,
            "sliding_window_size": window,
            "tensor_arena_size": OTHERS_ARENA * arena_bytes,
            "minimum_esphome_version": "2024.7.0",
        },
    }


def write(path: Path, content: bytes) -> None:
    """Writes a file atomically."""
    with whole(path) as file:
        file.write(content)


def plot(path: Path, det: Sequence[Errors], evaluation: Evaluation) -> None:
    """Plots misses over false accepts, and the probability over time in a few recordings."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    points = [
        (one.false_accepts_per_hour, one.miss_rate * 100)
        for one in det
        if one.false_accepts_per_hour is not None and one.miss_rate is not None
    ]
    left.plot(*zip(*points, strict=True), marker=".")
    left.axvline(FALSE_ACCEPTS_PER_HOUR, color="grey", linestyle=":")
    left.set(xlabel="false accepts an hour", ylabel="missed (%)", title="each cutoff", xlim=(0, 20))
    for some, colour in ((evaluation.positives, "C2"), (evaluation.negatives, "C3")):
        for one in [each.heard for each in some if each.heard][:6]:
            right.plot([0.03 * i for i in range(len(one.trace))], one.trace, colour, alpha=0.6)
    right.axhline(evaluation.cutoff, color="grey", linestyle=":")
    right.set(xlabel="s", ylabel="probability", title="phrases green, others red", ylim=(0, 1))
    with whole(path) as file:
        figure.savefig(file, format="png", dpi=100)


def _calibrated(calibration: Calibration) -> str:
    whose = "recordings of people" if calibration.people else "synthetic speech"
    how = "extrapolated from the highest peaks" if calibration.extrapolated else "counted"
    return (
        f"{calibration.cutoff:g}, read off {calibration.hours:.2f} h of {whose} without the phrase "
        f"(false accepts to be expected {how}: {calibration.expected_per_hour:.2f} an hour)"
    )


def text(report: Mapping[str, Any], calibration: Calibration) -> str:
    """Returns the model card in Markdown."""
    figures, synthetic = report["figures"], report["synthetic"]
    clips = ", ".join(f"{count} {kind}" for kind, count in report["clips"].items())
    engines = ", ".join(f"{n} voices of {name}" for name, n in report["voices"].items())
    near = "".join(f"| {row['text']} | {row['heard']:.0%} |\n" for row in report["near"])
    missing = (
        ""
        if calibration.people
        else (
            "\n**No recordings of people were given**: how often the phrase is missed, and how\n"
            "often other speech wakes the device, is unknown. Train with `--negatives DIR`.\n"
        )
    )
    return f"""# {report["phrase"]}

A wake word model, trained from text alone by

    {report["command"]}

| | |
|---|---|
| language | {report["language"]} |
| file | {figures["model_bytes"]} bytes |
| arena | {figures["arena_bytes"]} bytes, in tflm |
| an inference, each 30 ms | {figures["macs"]} MACs |
| cutoff | {_calibrated(calibration)} |
| missed | {synthetic["miss_rate"]:.1%} of {synthetic["positives"]} synthetic phrases, unseen |
| trained on | clips: {clips}; {report["steps"]} steps, seed {report["seed"]} |
| voices | {engines}; and voices made of them with WORLD |
| licence | Apache-2.0, as Glint |
{missing}
How often texts around the phrase wake the device, in synthetic voices:

| text | heard |
|---|---|
{near}
![Misses over false accepts, and probabilities over time](det.png)

Measure it on recordings of people:

    glint wake eval {report["model"]} --positives DIR --negatives DIR

and count its instructions on a board with `glint model bench {report["model"]} --board BOARD`.
"""


def as_json(report: Mapping[str, Any]) -> bytes:
    """Returns the report as JSON."""
    return (json.dumps(report, indent=2, ensure_ascii=False) + "\n").encode()
