# SPDX-License-Identifier: Apache-2.0
"""Reads a bench current meter: Nordic's PPK2 on a serial port, or a CSV file from any meter."""

from __future__ import annotations

import csv
import itertools
import math
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import WorkbenchError

# A PPK2 always sends this many samples a second (ppk2-api 0.9.2, PPK_Fetch).
PPK2_HZ = 100_000
SILENT_S = 2.0
POLL_S = 0.02
# Gaps between a CSV's samples of up to this many usual intervals do not count as interruptions.
PAUSE_TIMES = 20
TIME_S = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
CURRENT_MA = {"a": 1e3, "ma": 1.0, "ua": 1e-3, "na": 1e-6}
COLUMN = re.compile(r"\s*(time|timestamp|current)\s*[(\[]?\s*([a-zµ]+)\s*[)\]]?\s*", re.IGNORECASE)


class MeterError(WorkbenchError):
    """The meter does not answer, has stopped, or its record makes no sense."""


@dataclass(frozen=True)
class Measured:
    """A meter's measurement.

    Attributes:
        seconds: Its duration.
        charge_uah: The charge that went through the meter, in microampere-hours.
        samples: The number of samples.
        lost: Share of the expected samples that did not arrive.
    """

    seconds: float
    charge_uah: float
    samples: int
    lost: float = 0.0

    @property
    def mean_ma(self) -> float:
        """The mean current."""
        return self.charge_uah * 3.6 / self.seconds


class Ppk2:
    """A Power Profiler Kit II, which measures the glasses' supply and can also provide it."""

    def __init__(self, port: str, millivolts: int, *, supply: bool) -> None:
        """Opens it and reads its calibration.

        Args:
            port: Its serial port.
            millivolts: Of the supply, 800 to 5000.
            supply: Whether it provides the supply; else it only measures.

        Raises:
            MeterError: No PPK2 answers there.
        """
        import serial
        from ppk2_api import ppk2_api

        if not 800 <= millivolts <= 5000:
            raise MeterError(f"a PPK2 takes 800 to 5000 mV, not {millivolts}")
        self._port = port
        try:
            self._meter = ppk2_api.PPK2_API(port, timeout=1, write_timeout=1, exclusive=True)
        except (OSError, serial.SerialException) as error:
            raise MeterError(f"cannot open {port}: {error}") from None
        if not self._meter.get_modifiers():
            raise MeterError(f"no PPK2 answers on {port}: is this its port, and is it on?")
        if supply:
            self._meter.use_source_meter()
        else:
            self._meter.use_ampere_meter()
        self._meter.set_source_voltage(millivolts)
        if supply:
            self._meter.toggle_DUT_power("ON")

    def measure(self, seconds: float, progress: Callable[[float], None]) -> Measured:
        """Measures for a given time.

        Args:
            seconds: The least time.
            progress: Called with the seconds that have passed.

        Raises:
            MeterError: It stopped; the message says when, and what it had measured by then.
        """
        self._read()  # drops earlier samples
        self._meter.start_measuring()
        total_ua, count = 0.0, 0
        start = last = time.monotonic()
        try:
            while (now := time.monotonic()) - start < seconds:
                if data := self._read():
                    samples, _ = self._meter.get_samples(data)
                    total_ua += sum(samples)
                    count += len(samples)
                    last = now
                elif now - last > SILENT_S:
                    raise MeterError(self._stopped(last - start, total_ua, count))
                progress(now - start)
                time.sleep(POLL_S)
        except OSError as error:
            why = self._stopped(last - start, total_ua, count)
            raise MeterError(f"{why} ({error})") from None
        finally:
            self._meter.stop_measuring()
        passed = time.monotonic() - start
        if not count:
            raise MeterError(self._stopped(0.0, total_ua, count))
        lost = max(0.0, 1 - count / (passed * PPK2_HZ))
        return Measured(passed, total_ua / count * passed / 3600, count, lost)

    def _read(self) -> bytes:
        data: bytes = self._meter.get_data()
        return data

    def _stopped(self, after_s: float, total_ua: float, count: int) -> str:
        mean = f"{total_ua / count / 1e3:.2f} mA on average" if count else "nothing"
        return (
            f"the meter on {self._port} stopped after {after_s:.1f} s, having measured {mean}: "
            "look at its cable and its supply, and begin again; the glasses go on"
        )

    def close(self) -> None:
        """Closes the port; a supply stays on."""
        if self._meter.ser:
            self._meter.ser.close()


def from_csv(path: Path) -> Measured:
    """Integrates the record of a meter: a column of times and one of currents, named with units.

    nRF Connect's Power Profiler writes "Timestamp(ms),Current(uA)". Times rise; the current of a
    sample lasts until the next.

    Raises:
        MeterError: It is not such a record, or the meter stopped within it.
        OSError: It cannot be read.
    """
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = csv.reader(file)
        at, time_s, current, ma = _columns(path, next(rows, []))
        times, currents = [], []
        for row in rows:
            if not row:
                continue
            try:
                times.append(float(row[at]) * time_s)
                currents.append(float(row[current]) * ma)
            except (ValueError, IndexError):
                raise MeterError(f"{path}, line {rows.line_num}: no time and current") from None
            if not math.isfinite(times[-1]) or not math.isfinite(currents[-1]):
                raise MeterError(f"{path}, line {rows.line_num}: {row[at]}, {row[current]}")
            if len(times) > 1 and times[-1] <= times[-2]:
                raise MeterError(f"{path}, line {rows.line_num}: the time does not rise")
    if len(times) < 2:
        raise MeterError(f"{path} has {len(times)} samples: the meter measured nothing")
    steps = [later - before for before, later in itertools.pairwise(times)]
    usual = statistics.median(steps)
    longest = max(steps)
    if longest > PAUSE_TIMES * usual and longest > SILENT_S:
        stopped = times[steps.index(longest)] - times[0]
        raise MeterError(
            f"{path}: the meter stopped for {longest:.1f} s after {stopped:.1f} s; record it again"
        )
    charge = sum(step * now for step, now in zip(steps, currents, strict=False))
    return Measured(times[-1] - times[0], charge / 3.6, len(times))


def _columns(path: Path, header: list[str]) -> tuple[int, float, int, float]:
    """Finds the columns of times and currents, and the factors of their units to s and mA."""
    found: dict[str, tuple[int, float]] = {}
    for index, name in enumerate(header):
        if match := COLUMN.fullmatch(name):
            what = "current" if match[1].lower() == "current" else "time"
            unit = match[2].lower().replace("µ", "u")
            units = CURRENT_MA if what == "current" else TIME_S
            if unit in units:
                found.setdefault(what, (index, units[unit]))
    if set(found) != {"time", "current"}:
        raise MeterError(
            f"{path} begins with {', '.join(header) or 'nothing'}; it has to begin with two names "
            'with their units, such as "Timestamp(ms),Current(uA)"'
        )
    return (*found["time"], *found["current"])
