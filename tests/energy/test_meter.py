# SPDX-License-Identifier: Apache-2.0
"""Tests a current meter beside the ledger: readings, their difference, and errors."""

import json
import re

import ppk2_player
import pytest
from typer.testing import CliRunner
from workbench.cli import energy
from workbench.energy import compare, meter
from workbench.errors import WorkbenchError

COUNTS = {f"{state}_ms": 0 for state in compare.STATES} | {"busy_us": 0}


def ledger(path, uptime_ms, used_uah, **counts):
    """The output of `glint energy show --json`."""
    said = {"uptime_ms": uptime_ms, "used_uah": used_uah, "counts": {**COUNTS, **counts}}
    path.write_text(json.dumps(said))
    return path


def samples(path, ma=20.0, seconds=60, step_ms=10, header="Timestamp(ms),Current(uA)"):
    """A record of a constant current as nRF Connect's Power Profiler writes one."""
    rows = [f"{at * step_ms},{ma * 1000}" for at in range(seconds * 1000 // step_ms + 1)]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def glint(*words):
    return CliRunner().invoke(energy.app, list(map(str, words)))


def test_a_ppk2_is_read():
    told = []
    with ppk2_player.Player(21.0) as player:
        ppk2 = meter.Ppk2(player.port, 3800, supply=False)
        measured = ppk2.measure(1.0, told.append)
        ppk2.close()
    # The converter's steps are 0.044 mA apart in this range.
    assert measured.mean_ma == pytest.approx(21.0, abs=0.05)
    assert measured.charge_uah == pytest.approx(21.0 * measured.seconds / 3.6, rel=0.01)
    assert measured.samples > 1000
    assert told[-1] == pytest.approx(1.0, abs=0.5)


def test_a_ppk2_that_stops_says_so():
    with ppk2_player.Player(21.0, stops_after_s=0.5) as player:
        ppk2 = meter.Ppk2(player.port, 3800, supply=False)
        with pytest.raises(
            meter.MeterError, match=r"stopped after 0\.\d s, having measured 2\d\.\d\d mA.*cable"
        ):
            ppk2.measure(30.0, lambda passed: None)
        ppk2.close()


def test_what_is_no_ppk2_is_told():
    with (
        ppk2_player.Player(1.0, mute=True) as player,
        pytest.raises(meter.MeterError, match=r"no PPK2 answers on /dev/"),
    ):
        meter.Ppk2(player.port, 3800, supply=False)
    with pytest.raises(meter.MeterError, match="cannot open /dev/nothing"):
        meter.Ppk2("/dev/nothing", 3800, supply=False)
    with pytest.raises(meter.MeterError, match="800 to 5000 mV, not 9000"):
        meter.Ppk2("/dev/nothing", 9000, supply=False)


@pytest.mark.parametrize(
    "header",
    ["Timestamp(ms),Current(uA)", "time [ms], current [uA]", "Time (ms),Current (µA),note"],
)
def test_a_record_is_integrated(tmp_path, header):
    measured = meter.from_csv(samples(tmp_path / "record.csv", header=header))
    assert (measured.seconds, measured.samples) == (pytest.approx(60), 6001)
    assert measured.charge_uah == pytest.approx(20_000 / 60)
    assert measured.mean_ma == pytest.approx(20)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "begins with nothing"),
        ("time,current\n1,2\n", 'such as "Timestamp(ms),Current(uA)"'),
        ("Timestamp(ms),Current(uA)\n", "has 0 samples: the meter measured nothing"),
        ("Timestamp(ms),Current(uA)\n0,1\n1,x\n", "line 3: no time and current"),
        ("Timestamp(ms),Current(uA)\n0,1\n1\n", "line 3: no time and current"),
        ("Timestamp(ms),Current(uA)\n0,1\n1,nan\n", "line 3: 1, nan"),
        ("Timestamp(ms),Current(uA)\n5,1\n4,1\n", "line 3: the time does not rise"),
        (
            "Timestamp(ms),Current(uA)\n0,1\n10,1\n20,1\n9020,1\n9030,1\n",
            "the meter stopped for 9.0 s after 0.0 s",
        ),
    ],
)
def test_a_record_that_makes_no_sense_is_refused(tmp_path, text, said):
    path = tmp_path / "record.csv"
    path.write_text(text)
    with pytest.raises(meter.MeterError, match=re.escape(said)):
        meter.from_csv(path)


@pytest.mark.parametrize(
    ("ma", "apart", "words"),
    [
        (20, 0.0, "within what the ledger says"),
        (30, (500 - 400) / 500, "the meter saw more"),
        (10, (300 - 500 / 3) / (500 / 3), "the meter saw less"),
    ],
)
def test_how_far_they_differ(tmp_path, ma, apart, words):
    # In a minute the ledger says 300 to 400 uAh; 20 mA are 333.
    record = samples(tmp_path / "record.csv", ma=ma)
    before = ledger(tmp_path / "a.json", 10_000, [50, 60], listening_ms=10_000)
    after = ledger(tmp_path / "b.json", 70_000, [350, 460], listening_ms=65_000, engaged_ms=5000)
    words_of = ("record", "--csv", record, "--before", before, "--after", after)
    done = glint(*words_of, "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["ledger_uah"] == [300, 400]
    assert said["apart"] == pytest.approx(apart)
    assert said["states_s"] == {
        "off": 0, "idle": 0, "listening": 55, "watching": 0, "engaged": 5
    }  # fmt: skip
    plain = glint(*words_of).stdout
    assert words in plain
    assert "listening 55.0 s, engaged 5.0 s" in plain


def test_a_board_that_says_nothing_still_has_its_current_measured(tmp_path):
    record = samples(tmp_path / "record.csv")
    before, after = (ledger(tmp_path / f"{at}.json", at, None) for at in (10_000, 70_000))
    plain = glint("record", "--csv", record, "--before", before, "--after", after).stdout
    assert "20.00 mA" in plain
    assert "ledger   unknown" in plain


@pytest.mark.parametrize(
    ("begin", "end", "seconds", "said"),
    [
        (70_000, 10_000, 60, "the glasses restarted between"),
        (10_000, 100_000, 60, "ends after 60.0 s and the ledger's after 90.0 s: the meter stopped"),
    ],
)
def test_readings_of_another_time_are_refused(tmp_path, begin, end, seconds, said):
    record = samples(tmp_path / "record.csv", seconds=seconds)
    before = ledger(tmp_path / "a.json", begin, [1, 2])
    after = ledger(tmp_path / "b.json", end, [3, 4])
    done = glint("record", "--csv", record, "--before", before, "--after", after)
    assert isinstance(done.exception, WorkbenchError)
    assert said in str(done.exception)


def test_a_file_that_holds_no_ledger_is_refused(tmp_path):
    record = samples(tmp_path / "record.csv")
    done = glint("record", "--csv", record, "--before", record, "--after", record)
    assert isinstance(done.exception, compare.LedgerError)
    assert "glint energy show --json" in str(done.exception)


def test_one_meter_is_to_be_named(tmp_path):
    for words in ((), ("--serial", "/dev/x", "--csv", "y")):
        assert "give one of --serial PORT and --csv FILE" in glint("record", *words).output
    assert "--before and --after" in glint("record", "--csv", tmp_path / "x.csv").output
