# SPDX-License-Identifier: Apache-2.0
"""Draws the pictures of `glint boards`, `budget` and `energy` with matplotlib, into files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError

SUFFIXES = (".png", ".svg", ".pdf")
ROW = 5


class PictureError(WorkbenchError):
    """A picture cannot be written there."""


@dataclass(frozen=True)
class Corner:
    """One corner of a chip's triangle.

    Attributes:
        share: How good it is, 0 to 1 of the best that is drawn; None where it is unknown.
        text: The figure in words.
    """

    share: float | None
    text: str


def check(path: Path) -> Path:
    """Returns the path if its name and folder allow writing a picture there.

    Raises:
        PictureError: Its suffix is none of SUFFIXES, or its folder is not there.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise PictureError(f"{path}: name the picture *{', *'.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise PictureError(f"{path}: there is no folder {path.parent}")
    return path


def _figure(**settings: Any) -> Any:
    import matplotlib
    from matplotlib.figure import Figure  # needs no window and none of pyplot's state

    # Makes the file reproducible, and keeps text searchable.
    matplotlib.rcParams.update({"svg.hashsalt": "glint", "svg.fonttype": "none"})
    return Figure(layout="constrained", **settings)


def _save(figure: Any, path: Path) -> None:
    try:
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    except OSError as error:
        raise PictureError(f"cannot write {path}: {error.strerror}") from None


def triangles(path: Path, title: str, rows: Sequence[tuple[str, Sequence[Corner]]]) -> None:
    """Draws one triangle per chip, for compute, power and cost; further out is better.

    Args:
        path: As `check` takes it.
        title: Of the whole picture.
        rows: Name and the three corners; a corner that is unknown is drawn hollow, at the middle.

    Raises:
        PictureError: It cannot be written.
    """
    lines = math.ceil(len(rows) / ROW)
    figure = _figure(figsize=(3.2 * ROW, 3.4 * lines))
    figure.suptitle(title)
    turns = [math.pi / 2, math.pi * 7 / 6, math.pi * 11 / 6]
    for number, (name, corners) in enumerate(rows, 1):
        axes = figure.add_subplot(lines, ROW, number, projection="polar")
        axes.set_title(name)
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        axes.grid(False)
        axes.spines["polar"].set_visible(False)
        axes.set_xticks(turns, [corner.text for corner in corners], fontsize=8, parse_math=False)
        axes.plot([*turns, turns[0]], [1, 1, 1, 1], color="lightgrey")
        radii = [corner.share or 0.0 for corner in corners]
        axes.fill([*turns, turns[0]], [*radii, radii[0]], alpha=0.35)
        for turn, corner in zip(turns, corners, strict=True):
            filled = corner.share is not None
            face = "tab:blue" if filled else "none"
            radius = corner.share or 0.0
            axes.plot([turn], [radius], "o", markerfacecolor=face, color="tab:blue")
    _save(figure, path)


def hours(
    path: Path, title: str, label: str, xs: Sequence[float], spans: Sequence[tuple[float, float]]
) -> None:
    """Draws hours over one parameter, as the band between the least and the most.

    Args:
        path: As `check` takes it.
        title: Above it.
        label: Of the parameter, with its unit.
        xs: Its values.
        spans: The least and the most hours at each.

    Raises:
        PictureError: It cannot be written.
    """
    figure = _figure(figsize=(7, 4.5))
    axes = figure.add_subplot()
    least, most = zip(*spans, strict=True)
    axes.fill_between(xs, least, most, alpha=0.3)
    axes.plot(xs, least, color="tab:blue")
    axes.plot(xs, most, color="tab:blue", linestyle="--")
    axes.set_ylim(bottom=0)
    axes.set_xlabel(label)
    axes.set_ylabel("hours: the least (line), the most (dashed)")
    axes.set_title(title)
    axes.grid(alpha=0.3)
    _save(figure, path)


def states(path: Path, title: str, seconds: Mapping[str, float]) -> None:
    """Draws the time in each state as bars.

    Args:
        path: As `check` takes it.
        title: Above it.
        seconds: By state.

    Raises:
        PictureError: It cannot be written.
    """
    figure = _figure(figsize=(7, 3))
    axes = figure.add_subplot()
    bars = axes.barh(list(seconds), [time / 60 for time in seconds.values()])
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.invert_yaxis()
    axes.set_xlabel("minutes since boot")
    axes.set_title(title)
    _save(figure, path)
