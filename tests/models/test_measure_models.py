# SPDX-License-Identifier: Apache-2.0
"""Tests the comparison of models that `make bench` prints."""

import io

from rich.console import Console
from workbench.build import zoo
from workbench.measure import esp32s3, models


def measured(core, instructions):
    row = {"instructions_per_invoke": instructions, "arena_bytes": 13682, "text_bytes": 65000}
    if core == "x86_64":
        row |= {"us_per_invoke": 16.8, "tflm_us_per_invoke": 48.0, "time_ratio": 0.35}
        row["tflm_build"] = "a wheel"
    return row


def printed(rows):
    return text_of(models.tables(rows))


def text_of(tables):
    console = Console(width=200, record=True, file=io.StringIO())
    for table in tables:
        console.print(table)
    return " ".join(console.export_text().split())


def test_every_recorded_model_is_one_of_the_zoo():
    for name, cores in models.recorded()["model"].items():
        assert name in zoo.entries()
        assert set(cores) == set(models.CORES)
        assert cores["m55"]["cmsis"] < cores["m4"]["cmsis"] < cores["m4"]["tflm"]


def test_ratios_are_of_ours_to_the_recorded():
    rows = {"okay_nabu": {core: measured(core, 45_162) for core in models.CORES}}
    rows["alexa"] = {"missing": "not to be had"}
    text = printed(rows)
    assert "TFLM of August 2026, -O2 -DNDEBUG, QEMU -icount" in text
    m55 = ("45,162", "464,059", "0.10", "90,324", "0.50", "13,682", "27,364", "0.50")
    assert f"│ okay_nabu │ {' │ '.join(m55)} │" in text
    assert "0.35" in text
    assert "not to be had" in text
    assert "a wheel; medians of one run" in " ".join(models.notes(rows))


def test_what_is_not_counted_is_said():
    rows = {"okay_nabu": {core: measured(core, None) for core in models.CORES}}
    assert "instructions not counted" in " ".join(models.notes(rows))
    assert printed(rows)


def test_xtensa_has_instructions_a_mac_and_sizes():
    rows = {"okay_nabu": {"instructions_per_invoke": 72_804, "macs": 36_480}}
    rows["okay_nabu"]["without_vectors"] = 342_804
    text = text_of(esp32s3.tables(rows, {"the wake words": 20_024}))
    assert "│ okay_nabu │ 72,804 │ 2.00 │ 342,804 │ 9.40 │" in text
    assert "│ the wake words │ 20,024 │" in text
    assert esp32s3.tables({}, {}) == []
