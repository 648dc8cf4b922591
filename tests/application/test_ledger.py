# SPDX-License-Identifier: Apache-2.0
"""Tests the energy ledger against a current meter that watches the same glasses."""

import ast
import random
import types

import pytest
from glasses import ledger, protocol
from workbench.chips import energy
from workbench.paths import BOARDS

CURRENTS_UA = {
    "idle": (9_000, 11_000),
    "listening": (18_000, 22_000),
    "watching": (90_000, 110_000),
    "engaged": (60_000, 70_000),
    "busy": (20_000, 24_000),
    "connection_event_uc": (9, 11),
    "radio_kb_uc": (400, 600),
    "flash_write_uc": (100, 200),
}
DETECTOR = types.SimpleNamespace(
    model=types.SimpleNamespace(inputs=[types.SimpleNamespace(shape=(1, 3, 40))])
)


class Bench:
    """Glasses on a bench: their activity, and the true current in milliamperes, sampled meanwhile.

    Each state's current lies between the board's bounds, with noise on every sample. It takes 2 ms
    to rise and fall, which the ledger ignores.
    """

    def __init__(self, monkeypatch, currents=CURRENTS_UA, seed=1):
        self.random = random.Random(seed)
        self.now_ms = 0
        self.perception = types.SimpleNamespace(hops=0, busy_us=0, detectors=[DETECTOR])
        self.perception.counts = lambda: {"busy_us": self.perception.busy_us}
        self.link = types.SimpleNamespace(connected=False, interval_us=0, notified_bytes=0)
        monkeypatch.setattr(ledger.storage, "written", [0, 0])
        self.ledger = ledger.Ledger(currents, lambda: self.now_ms, self.perception, self.link)
        self.true_ma = {
            name: self.random.uniform(*ends) / 1000 for name, ends in CURRENTS_UA.items()
        }
        self.level_ma = self.true_ma["listening"]
        self.charge_uc = 0.0

    def run(self, length_ms):
        """Lets time pass: the meter samples each millisecond, the ledger settles each second."""
        state = ledger.STATES[self.ledger.state]
        for _ in range(length_ms):
            self.now_ms += 1
            self.level_ma += (self.true_ma[state] - self.level_ma) / 2
            sample_ma = self.level_ma * self.random.gauss(1, 0.05)
            if self.now_ms % 10 == 0:  # a hop of 0.8 ms of computing
                self.perception.hops += 1
                self.perception.busy_us += 800
                sample_ma += 0.8 * self.true_ma["busy"]
            self.charge_uc += sample_ma
            if self.link.connected and self.now_ms % 30 == 0:
                self.charge_uc += self.true_ma["connection_event_uc"] * 1000
                self.link.notified_bytes += 200
                self.charge_uc += 0.2 * self.true_ma["radio_kb_uc"] * 1000
            if self.now_ms % 1000 == 0:
                self.ledger.settle()

    @property
    def measured_uah(self):
        """The charge that the meter has measured."""
        return self.charge_uc / 3600


@pytest.mark.parametrize("seed", range(2))
def test_what_it_says_is_what_a_meter_says(monkeypatch, seed):
    bench = Bench(monkeypatch, seed=seed)
    # With each state's true current, the ledger has to be within 5 %.
    true = {name: (ma * 1000,) * 2 for name, ma in bench.true_ma.items()}
    exact = ledger.Ledger(true, lambda: bench.now_ms, bench.perception, bench.link)
    bench.link.connected, bench.link.interval_us = True, 30_000
    for _ in range(12):
        what = bench.random.choice((None, protocol.STATE_WATCHING, protocol.STATE_ENGAGED))
        for each in (bench.ledger, exact) if what is not None else ():
            each.begin(what)
        bench.run(bench.random.randrange(50, 3000))
        for each in (bench.ledger, exact) if what is not None else ():
            each.end(what)
        bench.run(bench.random.randrange(50, 3000))
    least, most = exact.used_uah()
    assert least == most == pytest.approx(bench.measured_uah, rel=0.05)
    # And the board's own bounds enclose it.
    least, most = bench.ledger.used_uah()
    assert least * 0.99 < bench.measured_uah < most * 1.01
    assert most < 1.3 * least


def test_it_counts_what_was_done(monkeypatch):
    bench = Bench(monkeypatch)
    bench.run(1000)
    bench.ledger.begin(protocol.STATE_WATCHING)
    bench.ledger.begin(protocol.STATE_ENGAGED)  # the higher one counts
    bench.run(500)
    bench.ledger.end(protocol.STATE_ENGAGED)
    bench.run(250)
    bench.ledger.end(protocol.STATE_WATCHING)
    bench.ledger.looked()
    bench.perception.detectors = []
    bench.run(1250)
    counts = bench.ledger.counts()
    assert {name: value for name, value in counts.items() if name.endswith("_ms")} == {
        "off_ms": 0,
        "idle_ms": 1250,
        "listening_ms": 1000,
        "watching_ms": 250,
        "engaged_ms": 500,
        "connected_ms": 0,
    }
    assert sum(counts[f"{state}_ms"] for state in ledger.STATES) == bench.now_ms
    assert counts["inferences"] == 1750 // 30
    assert (counts["looks"], counts["busy_us"]) == (1, 300 * 800)
    assert tuple(f"{state}_ma" for state in ledger.STATES) == tuple(
        f"{state}_ma" for state in energy.STATES
    )


def test_connection_events_are_counted_once_their_interval_is_known(monkeypatch):
    bench = Bench(monkeypatch)
    bench.link.connected = True
    bench.run(3000)
    assert bench.ledger.counts()["connection_events"] == 0
    bench.link.interval_us = 30_000
    bench.run(30_000)
    counts = bench.ledger.counts()
    assert (counts["connected_ms"], counts["connection_events"]) == (33_000, 1000)


def test_hours_left_follow_the_battery(monkeypatch):
    bench = Bench(monkeypatch, {"listening": (20_000, 40_000)})
    bench.run(600_000)
    said = bench.ledger.status(50, 300)
    assert said["used_uah"] == [3333, 6666]
    # Half of 300 mAh at 40 and at 20 mA.
    assert said["left_min"] == [pytest.approx(225, rel=0.01), pytest.approx(450, rel=0.01)]
    assert "left_min" not in bench.ledger.status(50, 0)


def test_a_board_that_says_nothing_is_not_guessed_at(monkeypatch):
    bench = Bench(monkeypatch, {})
    bench.run(1000)
    assert bench.ledger.used_uah() is None
    assert bench.ledger.status(50, 300) == {}


def test_the_firmware_has_the_currents_of_board_toml():
    tree = ast.parse((BOARDS / "esp32s3" / "s3.py").read_text())
    (said,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "CURRENTS_UA"
    )
    for board in ("esp32s3", "esp32s3_devkitc1", "esp32s3_generic"):
        known = energy.load(board)
        spans = {**known.states_ma, "busy": known.busy_ma}
        expected = {
            name: tuple(round(end * 1000) for end in span)
            for name, span in spans.items()
            if span and name != "off"  # nobody counts while it is off
        }
        assert said == expected
