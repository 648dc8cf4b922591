# SPDX-License-Identifier: Apache-2.0
"""Tests the medium's timing model against figures worked out from the specification."""

from __future__ import annotations

import random

import pytest
from workbench.emulation.medium.timing import Timing, Transmitter

L2CAP_HEADER_BYTES = 4
ATT_HEADER_BYTES = 3
SECONDS = 60.0


def goodput(timing: Timing, mtu: int) -> float:
    """Notification payload bytes per second of a sender that never waits, over a virtual minute."""
    transmitter = Transmitter(timing, random.Random(7))
    arrived_s, payload = 0.0, 0
    while arrived_s < SECONDS:
        arrived_s = transmitter.send(0.0, mtu + L2CAP_HEADER_BYTES)
        payload += mtu - ATT_HEADER_BYTES
    return payload / arrived_s


@pytest.mark.parametrize(
    ("phy", "octets", "microseconds"),
    [
        # Core 5.4, Vol 6, Part B, 4.5.10: 2120 and 1064 us are the longest packets of 1M and 2M.
        (1, 251, 2120),
        (2, 251, 1064),
        (1, 27, 328),
        (1, 0, 80),
        (2, 0, 44),
    ],
)
def test_packet_times_are_the_specifications(phy: int, octets: int, microseconds: int) -> None:
    assert Timing(phy=phy).packet_us(octets) == microseconds


@pytest.mark.parametrize(("phy", "kilobytes_per_s"), [(1, 98.9), (2, 175.0)])
def test_link_ceilings(phy: int, kilobytes_per_s: float) -> None:
    # The published ceilings count 247 bytes of each 251-byte packet.
    rate = 247 / Timing(phy=phy).exchange_us(251) * 1e3
    assert rate == pytest.approx(kilobytes_per_s, rel=0.01)


@pytest.mark.parametrize(
    ("timing", "mtu", "packets_per_event", "pieces"),
    [
        # By hand: 1M exchange 2500 us, 5 of them in 15 ms less the gap; 2M: 1408 us, 10 of them.
        (Timing(15, phy=1), 247, 5, 1),
        (Timing(15, phy=2), 247, 10, 1),
        (Timing(7.5, phy=2), 247, 5, 1),
        (Timing(30, phy=1), 247, 11, 1),
    ],
)
def test_goodput_is_whole_packets_per_event(
    timing: Timing, mtu: int, packets_per_event: int, pieces: int
) -> None:
    expected = packets_per_event * (mtu - 3) / (timing.interval_ms / 1e3)
    assert goodput(timing, mtu) == pytest.approx(expected, rel=0.01)


def test_without_data_length_extension_a_notification_takes_ten_packets() -> None:
    transmitter = Transmitter(Timing(15, ll_octets=27), random.Random(1))
    transmitter.send(0.0, 251)
    assert transmitter.packets == 10


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.1, 0.3])
def test_errors_cost_time_and_never_data(rate: float) -> None:
    timing = Timing(15, phy=2, packet_error_rate=rate)
    transmitter = Transmitter(timing, random.Random(3))
    count = 20000
    arrivals = [transmitter.send(0.0, 251) for _ in range(count)]
    assert arrivals == sorted(arrivals)
    assert transmitter.packets - transmitter.repeats == count
    assert transmitter.repeats / transmitter.packets == pytest.approx(rate, rel=0.2)
    # Each error closes its event: it carries 10 packets, or those before the first error.
    per_event = sum((1 - rate) ** k for k in range(1, 11))
    assert count / (arrivals[-1] / 0.015) == pytest.approx(per_event, rel=0.05)


def test_the_same_seed_gives_the_same_losses() -> None:
    timing = Timing(15, packet_error_rate=0.2)
    runs = []
    for _ in range(2):
        transmitter = Transmitter(timing, random.Random(timing.seed))
        runs.append([transmitter.send(i * 0.004, 100) for i in range(500)])
    assert runs[0] == runs[1]


def test_an_idle_link_waits_for_the_next_event() -> None:
    timing = Timing(30)
    arrived = Transmitter(timing, random.Random(1)).send(0.031, 27)
    assert arrived == pytest.approx(0.060 + timing.exchange_us(27) / 1e6)


@pytest.mark.parametrize(("interval_ms", "mtu"), [(15, 247), (30, 185), (7.5, 23)])
def test_nothing_beats_the_ceiling(interval_ms: float, mtu: int) -> None:
    timing = Timing(interval_ms, phy=2)
    ceiling = timing.ceiling_bytes_per_s(mtu + L2CAP_HEADER_BYTES)
    rate = goodput(timing, mtu) / (mtu - 3) * (mtu + L2CAP_HEADER_BYTES)
    assert 0.85 * ceiling < rate <= ceiling * 1.001


@pytest.mark.parametrize(
    "wrong",
    [
        {"phy": 3},
        {"ll_octets": 26},
        {"ll_octets": 252},
        {"interval_ms": 5},
        {"packet_error_rate": 1.0},
        {"drop_notifications": -0.1},
    ],
)
def test_impossible_links_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Timing(**wrong)  # type: ignore[arg-type]
