# SPDX-License-Identifier: Apache-2.0
"""Tests `glint budget`: hours, load, memory, what dominates, and what it refuses."""

import json
import re

import pytest
import typer
from typer.testing import CliRunner
from workbench.chips import budget, energy, target
from workbench.chips.figures import CatalogError
from workbench.cli import register
from workbench.errors import WorkbenchError
from workbench.measure import counts

DAY = {"battery": 300, "wake": ("okay_nabu",), "audio": 5}


@pytest.fixture(scope="module")
def glint():
    app = typer.Typer()
    register(app)
    runner = CliRunner()
    return lambda *words: runner.invoke(app, list(map(str, words)))


@pytest.fixture(scope="module")
def s3():
    return target.target("esp32s3")


def test_hours_are_what_the_figures_give(s3):
    made = budget.budget(s3, budget.Use(300))
    # It neither listens nor streams: board.toml's idle_ma, and the front-end's cycles.
    hop = counts.hops()["mps2_an386"]
    assert made.load == (pytest.approx(hop * 100 / 240e6),) * 2
    known = energy.load("esp32s3")
    most = known.states_ma["idle"][1] + known.busy_ma[1] * made.load[1]
    assert made.hours == (pytest.approx(300 / most), pytest.approx(300 / 17.9))


def test_load_is_counted_instructions_over_the_clock():
    made = budget.budget(target.target("corstone300"), budget.Use(300, ("okay_nabu",)))
    hop = counts.hops()["corstone300"]
    word = counts.recorded()["okay_nabu"].instructions["corstone300"]
    push = counts.pushes()["corstone300"]
    assert made.load[0] == pytest.approx((100 * (hop + push) + 100 / 3 * word) / 32e6)
    assert made.hours is None  # it is not silicon: it takes no current
    assert made.ram_bytes == counts.recorded()["okay_nabu"].arena_bytes


def test_more_of_anything_lasts_less(s3):
    little = budget.budget(s3, budget.Use(**DAY))
    for more in ({"audio": 30}, {"vision": "person_detect", "fps": 2}, {"photos": 600}):
        much = budget.budget(s3, budget.Use(**{**DAY, **more}))
        assert much.hours[0] < little.hours[0]
    double = budget.budget(s3, budget.Use(**{**DAY, "battery": 600}))
    assert double.hours == tuple(pytest.approx(2 * end) for end in little.hours)


def test_what_dominates_and_what_to_change(s3):
    made = budget.budget(s3, budget.Use(**{**DAY, "audio": 60}))
    assert made.dominant == "streaming sound"
    changes = dict(made.changes)
    assert changes["half as much streamed sound"][0] > 1.5 * made.hours[0]
    # Glasses that stream all the time never sleep; those that only listen gain most by sleeping.
    assert not any("sleep" in text for text in changes)
    listening = budget.budget(s3, budget.Use(**{**DAY, "audio": 0}))
    text, hours = listening.changes[0]
    assert "sleep where it waits, at 0.23 to 3.3 mA" in text
    assert hours[0] > listening.hours[0]


def test_what_is_not_known_is_said(glint):
    done = glint("budget", "--wake", "okay_nabu", "--json")
    said = json.loads(done.stdout)
    assert "watching_ma" in said["not_counted"]
    assert said["price_class"] == "$"
    assert any("counted on" in note for note in said["notes"])
    plain = glint("budget", "--wake", "okay_nabu").stdout
    assert re.search(r"hours +\d+\.\d to \d+\.\d h with 300 mAh on esp32s3", plain)
    assert "unknown watching_ma" in plain
    assert "hours   unknown" in glint("budget", "--board", "corstone300").stdout


def test_a_chip_without_a_board_here(glint):
    said = json.loads(glint("budget", "--board", "esp32-s3", "--json").stdout)
    assert said["board"] == "ESP32-S3"
    assert said["hours"][0] == pytest.approx(12, rel=0.02)  # 300 mAh, never asleep: 25 mA


def test_hours_are_drawn(glint, tmp_path):
    picture = tmp_path / "hours.svg"
    done = glint("budget", "--wake", "okay_nabu", "--audio", "10", "--plot", picture)
    assert done.exit_code == 0, done.output
    assert "<svg" in picture.read_text()
    xs, spans = budget.over(target.target("esp32s3"), budget.Use(**DAY), "audio")
    assert (xs[0], xs[-1]) == (0, 10)
    assert [span[0] for span in spans] == sorted((span[0] for span in spans), reverse=True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--board", "esp99"), "no board and no chip 'esp99'; there are: corstone300"),
        (("--board", "W517"), "no board here counts instructions for W517"),
        (("--board", "linux"), "nothing counts instructions for linux"),
        (("--battery", "-5"), "--battery is -5"),
        (("--battery", "0"), "--battery is 0"),
        (("--audio", "61"), "--audio is 61: give 0 to 60 minutes an hour"),
        (("--photos", "-1"), "--photos is -1"),
        (("--fps", "nan", "--vision", "person_detect"), "--fps is nan"),
        (("--fps", "2"), "--fps without a model"),
        (("--wake", "okey_nabu"), "did you mean okay_nabu"),
        (
            ("--board", "esp32s3_generic", "--vision", "person_detect"),
            "do not fit on esp32s3_generic",
        ),
        (("--vision", "person_detect", "--fps", "100"), "would be busy"),
        (("--plot", "x.txt"), "name the picture"),
        (("--plot", "x.svg", "--over", "fps"), "--over fps without a model"),
        (("--plot", "x.svg", "--over", "speed"), "nothing to vary is called 'speed'"),
        (("--plot", "x.svg", "--board", "corstone300"), "no hours to draw"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_way_out(glint, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    done = glint("budget", *words)
    assert isinstance(done.exception, WorkbenchError), done.output
    assert said in str(done.exception)


ENERGY = """
[energy]
idle_ma = { is = 10, source = "idf_power" }
unknown = ["off_ma", "listening_ma", "watching_ma", "engaged_ma", "busy_ma",
  "connection_event_uc", "radio_kb_uc", "flash_write_uc"]
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("is = 10, source", "is = -10, source", "idle_ma is negative: -10"),
        ("is = 10", "is = 90000", "idle_ma is absurd"),
        (', source = "idf_power"', "", "idle_ma has no source"),
        ('"off_ma", ', "", "off_ma stands nowhere"),
        ("idle_ma =", "idle_mah =", "idle_mah: no such figure"),
    ],
)
def test_a_board_needs_sources_too(tmp_path, old, new, said):
    (tmp_path / "board.toml").write_text(ENERGY)
    known = energy.load(f"{tmp_path}/")
    assert known.states_ma["idle"] == (10, 10)
    assert known.waiting_ma("engaged") == (10, 10)
    (tmp_path / "board.toml").write_text(ENERGY.replace(old, new))
    with pytest.raises(CatalogError, match=re.escape(said)):
        energy.load(f"{tmp_path}/")
