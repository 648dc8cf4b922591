# SPDX-License-Identifier: Apache-2.0
"""Estimates battery life for a given use, from counted instructions and published currents."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from workbench.build import zoo
from workbench.chips import catalog, energy
from workbench.chips.figures import Span
from workbench.chips.target import BudgetError, Target
from workbench.host import tflm
from workbench.measure import counts
from workbench.models import fit

HOPS_A_SECOND = 100
# A core whose front-end was not counted is taken to need as much as this board's, the plainest.
HOP_LIKE = "mps2_an386"
# A photo of 20 KB on the link: 2M at 15 ms, and 1M at 50 ms with a central that asks for nothing
# (`make bench-link`, in the README).
PHOTO_S: Span = (0.18, 0.4)
# Parameters that can be plotted: the unit, and the upper end if the use names no value.
PARAMETERS = {
    "battery": ("mAh", 600.0),
    "fps": ("vision inferences a second", 5.0),
    "photos": ("an hour", 60.0),
    "audio": ("minutes an hour", 60.0),
}
POINTS = 41


@dataclass(frozen=True)
class Use:
    """What the glasses are used for.

    Attributes:
        battery: mAh.
        wake: Wake word models: names of the zoo, or paths.
        vision: A vision model, or None.
        fps: Its inferences a second.
        photos: Photos an hour.
        audio: Minutes of streamed sound per hour.
    """

    battery: float
    wake: tuple[str, ...] = ()
    vision: str | None = None
    fps: float = 0.0
    photos: float = 0.0
    audio: float = 0.0


@dataclass(frozen=True)
class Budget:
    """The result of `budget`; ranges are (least, most).

    Attributes:
        target: What it runs on.
        use: What was asked for.
        load: Share of the core in use; the least assumes one instruction a cycle.
        ram_bytes, flash_bytes: What the models take.
        shares: Share of the time in each state.
        parts_ma: The mean current by consumer; empty if currents are unknown.
        mean_ma, hours: None if currents are unknown.
        not_counted: Figures of the board for which no source was found.
        notes: What the figures rest on.
        changes: Possible changes and the hours that each gives; the best first.
    """

    target: Target
    use: Use
    load: Span
    ram_bytes: int
    flash_bytes: int
    shares: dict[str, Span]
    parts_ma: dict[str, Span]
    mean_ma: Span | None
    hours: Span | None
    not_counted: list[str]
    notes: list[str]
    changes: list[tuple[str, Span]] = field(default_factory=list)

    @property
    def dominant(self) -> str | None:
        """The largest consumer of current; None if currents are unknown."""
        return max(self.parts_ma, key=lambda part: sum(self.parts_ma[part]), default=None)

    def as_json(self) -> dict[str, object]:
        """What `glint budget --json` prints."""
        chip = self.target.chip
        return {
            "board": self.target.name,
            "use": asdict(self.use),
            "load": self.load,
            "counted_on": self.target.counted_on,
            "ram_bytes": self.ram_bytes,
            "ram_free_bytes": self.target.ram_bytes,
            "flash_bytes": self.flash_bytes,
            "flash_free_bytes": self.target.flash_bytes,
            "shares": self.shares,
            "parts_ma": self.parts_ma,
            "mean_ma": self.mean_ma,
            "hours": self.hours,
            "dominant": self.dominant,
            "changes": [{"change": text, "hours": span} for text, span in self.changes],
            "price_class": chip.price_class if chip else catalog.UNKNOWN,
            "not_counted": self.not_counted,
            "notes": self.notes,
        }


def _check(use: Use) -> None:
    for name, value, most in (
        ("battery", use.battery, 100_000),
        ("fps", use.fps, 1_000),
        ("photos", use.photos, 3_600),
        ("audio", use.audio, 60),
    ):
        if not 0 <= value <= most:
            unit = PARAMETERS[name][0]
            raise BudgetError(f"--{name} is {value:g}: give 0 to {most:g} {unit}")
    if not use.battery:
        raise BudgetError("--battery is 0: give what the battery holds, in mAh")
    if use.fps and not use.vision:
        raise BudgetError("--fps without a model: give --vision MODEL, too")


@dataclass(frozen=True)
class _Model:
    file_bytes: int
    arena_bytes: int
    cycles_a_second: Span


def _model(name: str, rate: float | None, on: Target, mirror: Path | None) -> tuple[_Model, str]:
    """What a model takes at `rate` inferences a second; None stands for a wake word's own rate."""
    # A recorded model needs no file, but a wake word's says how many hops an inference takes.
    if rate is None or name not in counts.recorded():
        content = zoo.find(name, mirror).read_bytes()
        if on.name in fit.boards() and (wrong := fit.problems(content, on.name)):
            raise BudgetError(f"{name} does not fit on {on.name}: {'; '.join(wrong)}")
    if rate is None:
        hops = tflm.tensors(content)[0].shape[1]  # [1, hops, channels]
        rate = HOPS_A_SECOND / hops
    counted = counts.of(name, on.counted_on, mirror)
    least = counted.instructions[on.counted_on] * rate
    most = max(least, counted.macs * on.cycles_per_mac * rate)
    return _Model(counted.file_bytes, counted.arena_bytes, (least, most)), counted.source


def _sum(*spans: Span) -> Span:
    return sum(span[0] for span in spans), sum(span[1] for span in spans)


def plan(on: Target, use: Use, mirror: Path | None = None) -> Budget:
    """Computes what `use` takes on a target, without suggesting changes.

    Raises:
        BudgetError: A figure of `use` is negative or absurd, or a model does not fit.
        WorkbenchError: There is no such model, or it cannot be counted.
    """
    _check(use)
    taken = [_model(name, None, on, mirror) for name in use.wake]
    if use.vision:
        taken.append(_model(use.vision, use.fps, on, mirror))
    models = [model for model, _ in taken]
    like = on.counted_on if on.counted_on in counts.hops() else HOP_LIKE
    hop = counts.hops()[like] + len(use.wake) * counts.pushes()[like]
    heard = float(hop * HOPS_A_SECOND)
    cycles = _sum((heard, heard), *(model.cycles_a_second for model in models))
    load = (cycles[0] / on.clock_hz, cycles[1] / on.clock_hz)
    arena = sum(model.arena_bytes for model in models)
    flash = sum(model.file_bytes for model in models)
    ram = arena + (0 if on.in_place else flash)
    if on.ram_bytes is not None and ram > on.ram_bytes:
        raise BudgetError(
            f"the models do not fit on {on.name}: together they take {ram} bytes of RAM, and "
            f"{on.ram_bytes} are free; leave one out, or choose a smaller vision model"
        )
    if on.flash_bytes is not None and flash > on.flash_bytes:
        raise BudgetError(
            f"the models do not fit on {on.name}: together they take {flash} bytes of flash, and "
            f"{on.flash_bytes} are free; leave one out"
        )
    if load[0] > 1:
        raise BudgetError(
            f"the core of {on.name} would be busy {load[0]:.0%} of the time: give fewer --fps or a "
            "smaller model"
        )
    notes = [f"instructions of {on.counted_on}, {source}" for source in {said for _, said in taken}]
    if on.counted_on not in counts.hops():
        notes.append(f"the front-end was not counted on {on.counted_on}: as on {HOP_LIKE}")
    notes.append("one instruction a cycle at least; how many more cycles a chip takes is not known")
    if on.cycles_per_mac:
        notes[-1] = f"at least one instruction a cycle, at most {on.cycles_per_mac:g} cycles a MAC"
    budget = Budget(
        target=on,
        use=use,
        load=load,
        ram_bytes=ram,
        flash_bytes=flash,
        shares=_shares(use),
        parts_ma={},
        mean_ma=None,
        hours=None,
        not_counted=on.energy.unknown if on.energy else [],
        notes=notes,
    )
    return _with_currents(budget, on.energy) if on.energy else budget


def _shares(use: Use) -> dict[str, Span]:
    """Returns the share of the time in each state; the states do not overlap."""
    photos = (use.photos * PHOTO_S[0] / 3600, use.photos * PHOTO_S[1] / 3600)
    audio = use.audio / 60
    engaged = (min(audio + photos[0], 1.0), min(audio + photos[1], 1.0))
    resting = "watching" if use.fps else "listening" if use.wake else "idle"
    return {resting: (1 - engaged[1], 1 - engaged[0]), "engaged": engaged}


def _with_currents(budget: Budget, known: energy.Energy) -> Budget:
    use = budget.use
    resting = next(iter(budget.shares))
    wait, stream = known.waiting_ma(resting), known.waiting_ma("engaged")
    more = (max(stream[0] - wait[0], 0.0), max(stream[1] - wait[1], 0.0))
    busy = known.busy_ma or (0.0, 0.0)
    audio = use.audio / 60
    parts: dict[str, Span] = {f"the core waiting, {resting}": wait}
    parts["computing"] = (busy[0] * budget.load[0], busy[1] * min(budget.load[1], 1.0))
    if audio:
        parts["streaming sound"] = (more[0] * audio, more[1] * audio)
    if use.photos:
        parts["sending photos"] = (
            more[0] * use.photos * PHOTO_S[0] / 3600,
            more[1] * use.photos * PHOTO_S[1] / 3600,
        )
    mean = _sum(*parts.values())
    hours = (use.battery / mean[1], use.battery / mean[0])
    return replace(budget, parts_ma=parts, mean_ma=mean, hours=hours)


def budget(on: Target, use: Use, mirror: Path | None = None) -> Budget:
    """Computes a plan as `plan` does, and suggests changes.

    Raises:
        BudgetError, WorkbenchError: As for `plan`.
    """
    planned = plan(on, use, mirror)
    if planned.hours is None:
        return planned
    others: dict[str, Use] = {}
    if use.fps:
        others["half as many vision inferences"] = replace(use, fps=use.fps / 2)
    if use.audio:
        others["half as much streamed sound"] = replace(use, audio=use.audio / 2)
    if use.photos:
        others["half as many photos"] = replace(use, photos=use.photos / 2)
    if len(use.wake) > 1:
        others[f"one wake word, {use.wake[0]}, only"] = replace(use, wake=use.wake[:1])
    changed = {text: plan(on, other, mirror).hours for text, other in others.items()}
    if slept := _asleep(planned):
        text = (
            f"let the core sleep where it waits, at {slept[0][0]:g} to {slept[0][1]:g} mA, which "
            "the firmware does not do yet"
        )
        changed[text] = slept[1]
    gains = [(text, span) for text, span in changed.items() if span and _more(span, planned.hours)]
    gains.sort(key=lambda gain: -sum(gain[1]))
    return replace(planned, changes=gains)


def _asleep(planned: Budget) -> tuple[Span, Span] | None:
    """Returns the sleep current, and the hours if the chip slept while waiting, or None."""
    on, known = planned.target, planned.target.energy
    asleep = on.chip.span("sleep_ma") if on.chip else None
    if not asleep or not known:
        return None
    resting = next(iter(planned.shares))
    wait, busy = known.waiting_ma(resting), known.busy_ma or (0.0, 0.0)
    if asleep[1] >= wait[0]:
        return None
    # It wakes up to compute, and then takes as much as before.
    awake = (busy[0] + wait[0] - asleep[1], busy[1] + wait[1] - asleep[0])
    slept = replace(known, states_ma={**known.states_ma, resting: asleep}, busy_ma=awake)
    hours = _with_currents(planned, slept).hours
    return (asleep, hours) if hours else None


def _more(span: Span, than: Span) -> bool:
    """Whether a range is larger by at least 1 % at either end."""
    return span[0] > than[0] * 1.01 or span[1] > than[1] * 1.01


def over(
    on: Target, use: Use, name: str, mirror: Path | None = None
) -> tuple[list[float], list[Span]]:
    """Computes the hours over one of PARAMETERS, from 0 to twice the value asked for.

    Raises:
        BudgetError: It is none of them, no currents are known, or as for `plan`.
    """
    if name not in PARAMETERS:
        raise BudgetError(f"nothing to vary is called '{name}': {', '.join(PARAMETERS)}")
    if name == "fps" and not use.vision:
        raise BudgetError("--over fps without a model: give --vision MODEL, too")
    given = getattr(use, name)
    end = min(2 * given, {"audio": 60.0}.get(name, math.inf)) if given else PARAMETERS[name][1]
    xs: list[float] = []
    spans: list[Span] = []
    for number in range(1 if name == "battery" else 0, POINTS):
        x = end * number / (POINTS - 1)
        try:
            hours = plan(on, Use(**{**asdict(use), name: x}), mirror).hours
        except BudgetError:
            if not xs:
                raise
            break  # from here on the core does not keep up
        if hours is None:
            raise BudgetError(f"no hours to draw: the currents of {on.name} are not known")
        xs.append(x)
        spans.append(hours)
    return xs, spans
