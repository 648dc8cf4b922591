# SPDX-License-Identifier: Apache-2.0
"""Tests `glint boards`: the table, the comparison and its picture."""

import json
import xml.etree.ElementTree as ElementTree

import pytest
import typer
from typer.testing import CliRunner
from workbench.build import zoo
from workbench.chips import catalog, compare
from workbench.cli import register
from workbench.errors import WorkbenchError
from workbench.measure import counts
from workbench.models import benchmark


@pytest.fixture(scope="module")
def glint():
    app = typer.Typer()
    register(app)
    runner = CliRunner()
    return lambda *words: runner.invoke(app, list(map(str, words)), catch_exceptions=True)


def test_the_table_says_where_figures_come_from(glint):
    rows = json.loads(glint("boards", "--json").stdout)
    (s3,) = (row for row in rows if row["name"] == "ESP32-S3")
    assert (s3["state"], s3["price_class"], s3["power_class"]) == ("emulated", "$", "medium")
    assert s3["figures"]["active_ma"]["is"] == [17.9, 25]
    assert all(source["url"].startswith("http") for source in s3["figures"]["npu"]["source"])
    assert s3["figures"]["process_nm"] is None
    assert "nRF54L15" in glint("boards").stdout


def test_a_model_is_compared_where_it_was_counted(glint, tmp_path):
    picture = tmp_path / "triangles.svg"
    done = glint("boards", "--compare", "okay_nabu", "--json", "--picture", picture)
    assert done.exit_code == 0, done.output
    rows = {row["chip"]: row for row in json.loads(done.stdout)}
    counted = counts.recorded()["okay_nabu"].instructions
    s3 = rows["ESP32-S3"]
    assert s3["instructions"] == counted["xtensa"]
    assert s3["ms_at_least"] == pytest.approx(counted["xtensa"] / 240e6 * 1e3)
    # 300 mAh at never less than light sleep's current and never more than awake.
    assert pytest.approx(s3["hours"][0]) == 300 / 25
    assert s3["hours"][0] < s3["hours"][1] < 300 / 0.23
    assert rows["STM32N6"]["hours"] is None  # no source for its currents was found
    assert rows["nRF54L15"]["instructions"] is None  # nothing counts a Cortex-M33 yet
    drawn = "".join(ElementTree.parse(picture).getroot().itertext()) or picture.read_text()
    assert "ESP32-S3" in drawn
    assert "Fullhan" not in drawn


def test_faster_inferences_cost_hours():
    def at(rate):
        rows = compare.compare(
            catalog.load(), "person_detect", battery_mah=300, per_second=rate, mirror=None
        )
        return next(row for row in rows if row.chip.name == "ESP32-S3")

    slow, fast = at(1), at(10)
    assert fast.load == pytest.approx(10 * slow.load)
    assert fast.hours[1] < slow.hours[1]
    assert fast.hours[0] == slow.hours[0]  # a core that never sleeps always takes the same


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--compare", "okay_nabu", "--battery", "-1"), "more than 0 mAh"),
        (("--compare", "okay_nabu", "--per-second", "0"), "more than 0 inferences"),
        (("--compare", "okay_nabu", "--picture", "x.doc"), "name the picture"),
        (("--compare", "okay_nabu", "--picture", "nowhere/x.svg"), "there is no folder nowhere"),
        (("--compare", "okey_nabu"), "did you mean okay_nabu"),
    ],
)
def test_what_cannot_be_compared_is_told_why(glint, words, said):
    done = glint("boards", *words)
    assert isinstance(done.exception, WorkbenchError)
    assert said in str(done.exception)


def test_the_record_is_what_is_counted_now():
    content = zoo.find("okay_nabu").read_bytes()
    now = benchmark.bench("corstone300", content).instructions
    on_record = counts.recorded()["okay_nabu"].instructions["corstone300"]
    assert on_record == pytest.approx(now, rel=0.25), "run python -m workbench.measure.counts"
