# SPDX-License-Identifier: Apache-2.0
"""How long the link layer takes to carry data: connection events, PHY, packet errors."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

# Overhead around a payload, and the gap after it: Bluetooth Core 5.4, Vol 6, Part B, 2.1 and 4.1.
_PREAMBLE_BYTES = {1: 1, 2: 2}
_OVERHEAD_BYTES = 4 + 2 + 3  # access address, header, CRC
_MIC_BYTES = 4
INTERFRAME_US = 150
LL_OCTETS_WITHOUT_DLE = 27
LL_OCTETS_MAX = 251
_CEILING_S = 30.0


@dataclass(frozen=True)
class Timing:
    """The parameters of the emulated link; with `interval_ms` 0 everything arrives at once.

    Attributes:
        interval_ms: Connection interval; 0 turns the model off.
        phy: 1 or 2 Mbit/s.
        ll_octets: Payload of a link-layer packet; 27 is a link without data length extension.
        packet_error_rate: Share of link-layer packets that are retransmitted in the next connection
            event: they arrive late, but are never lost.
        drop_notifications: Share of notifications that the receiver's OS loses.
        supervision_s: Supervision timeout: how long out of range until the link counts as lost.
        seed: Of the random numbers, so that a run can be repeated.
    """

    interval_ms: float = 0.0
    phy: int = 1
    ll_octets: int = LL_OCTETS_MAX
    packet_error_rate: float = 0.0
    drop_notifications: float = 0.0
    supervision_s: float = 4.0
    seed: int = 1

    def __post_init__(self) -> None:
        if self.phy not in _PREAMBLE_BYTES:
            raise ValueError(f"phy {self.phy}: 1 or 2 Mbit/s")
        if not LL_OCTETS_WITHOUT_DLE <= self.ll_octets <= LL_OCTETS_MAX:
            raise ValueError(f"ll_octets {self.ll_octets}: 27 to 251")
        if self.interval_ms and not 7.5 <= self.interval_ms <= 4000:
            raise ValueError(f"interval_ms {self.interval_ms}: 0, or 7.5 to 4000")
        for name in ("packet_error_rate", "drop_notifications"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name)}: at least 0, less than 1")

    def packet_us(self, payload_bytes: int) -> float:
        """Air time of one encrypted packet, or of an empty one."""
        mic = _MIC_BYTES if payload_bytes else 0
        length = _PREAMBLE_BYTES[self.phy] + _OVERHEAD_BYTES + payload_bytes + mic
        return length * 8 / self.phy

    def exchange_us(self, payload_bytes: int) -> float:
        """Time of a packet, its empty acknowledgement, and the gap after each."""
        return self.packet_us(payload_bytes) + self.packet_us(0) + 2 * INTERFRAME_US

    def ceiling_bytes_per_s(self, pdu_bytes: int, *, errors: bool = False) -> float:
        """The most L2CAP PDU bytes a second one direction carries, in PDUs of `pdu_bytes`.

        Only complete packets that fit into a connection event count. Packet errors are either left
        out or averaged over a long run.
        """
        timing = self if errors else replace(self, packet_error_rate=0.0)
        transmitter = Transmitter(timing, random.Random(self.seed))
        arrived_s, count = 0.0, 0
        while arrived_s < _CEILING_S:
            arrived_s = transmitter.send(0.0, pdu_bytes)
            count += 1
        return count * pdu_bytes / arrived_s


class Transmitter:
    """One direction of one link: computes when data sent now will arrive.

    The other direction's data rides in the acknowledgements and is not counted against this one.

    Attributes:
        packets: Link-layer packets sent, repetitions included.
        repeats: The repetitions among them.
    """

    def __init__(self, timing: Timing, rng: random.Random) -> None:
        self._timing = timing
        self._rng = rng
        self._interval_s = timing.interval_ms / 1000
        self._busy_until_s = 0.0
        self.packets = 0
        self.repeats = 0

    def _next_event_s(self, after_s: float) -> float:
        # Slightly more than `after_s`, or rounding would find the event that has just ended.
        return (math.floor(after_s / self._interval_s + 1e-9) + 1) * self._interval_s

    def send(self, now_s: float, pdu_bytes: int) -> float:
        """Returns when an L2CAP PDU (header included) handed over at `now_s` has arrived."""
        timing = self._timing
        at_s = self._busy_until_s
        if at_s < now_s:
            at_s = math.ceil(now_s / self._interval_s) * self._interval_s
        left = pdu_bytes
        while left > 0:
            payload = min(left, timing.ll_octets)
            exchange_s = timing.exchange_us(payload) / 1e6
            closes_s = self._next_event_s(at_s) - INTERFRAME_US / 1e6
            if at_s + exchange_s > closes_s:
                at_s = self._next_event_s(at_s)
            self.packets += 1
            if self._rng.random() < timing.packet_error_rate:
                # A packet without acknowledgement closes the event; it is sent again in the next.
                self.repeats += 1
                at_s = self._next_event_s(at_s)
                continue
            at_s += exchange_s
            left -= payload
        self._busy_until_s = at_s
        return at_s
