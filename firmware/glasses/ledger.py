# SPDX-License-Identifier: Apache-2.0
"""The energy ledger: how long the glasses were in which state, what they did, and what that took.

What it took is only as good as what the board says of its currents; what it says nothing of is not
counted. See SPEC.md, "The ledger".
"""

import asyncio

from glasses import protocol, storage

# How often the time is put on account. The audio loop has no part in it.
SETTLE_MS = 1000
# In the order of protocol.STATE_*.
STATES = ("off", "idle", "listening", "watching", "engaged")
# An inference each 1 to 6 hops is a whole number of these.
PARTS = 60
NC_A_UAH = 3600000  # nanocoulombs, which are microamperes for a millisecond


class Ledger:
    """Counts since boot.

    Whatever has the glasses do more than listen says when it begins and ends:

        ledger.begin(protocol.STATE_ENGAGED)
    """

    def __init__(self, currents, time_ms, perception, link):
        """Begins to count.

        `currents` is the board's `currents_ua`: by state or event, the least and the most; see
        boards/README.md. `time_ms` is called for the time since boot.
        """
        self._currents = currents
        self._time_ms = time_ms
        self._perception = perception
        self._link = link
        self._since_ms = time_ms()
        self._hops = perception.hops
        self._users = [0] * len(STATES)
        self._state_ms = [0] * len(STATES)
        self._connected_ms = 0
        self._event_us = 0  # connected, and not yet a whole connection event
        self._connection_events = 0
        self._inferred = 0  # inferences, in parts of PARTS
        self._looks = 0

    @property
    def state(self):
        """What the glasses do: one of protocol.STATE_*."""
        for state in range(len(STATES) - 1, -1, -1):
            if self._users[state]:
                return state
        return protocol.STATE_LISTENING if self._perception.detectors else protocol.STATE_IDLE

    def begin(self, state):
        """Somebody has the glasses do this."""
        self.settle()
        self._users[state] += 1

    def end(self, state):
        """And does not any more."""
        self.settle()
        self._users[state] -= 1

    def looked(self):
        """An image model has run once."""
        self._looks += 1

    def settle(self):
        """Puts the time since the last call on account."""
        now_ms = self._time_ms()
        passed_ms, self._since_ms = now_ms - self._since_ms, now_ms
        self._state_ms[self.state] += passed_ms
        hops, self._hops = self._perception.hops - self._hops, self._perception.hops
        for detector in self._perception.detectors:
            self._inferred += hops * PARTS // detector.model.inputs[0].shape[-2]
        if not self._link.connected:
            self._event_us = 0
            return
        self._connected_ms += passed_ms
        if self._link.interval_us:
            self._event_us += passed_ms * 1000
            self._connection_events += self._event_us // self._link.interval_us
            self._event_us %= self._link.interval_us

    def counts(self):
        """What the statistics say of it."""
        self.settle()
        counts = {}
        for i in range(len(STATES)):
            counts[STATES[i] + "_ms"] = self._state_ms[i]
        counts["busy_us"] = self._perception.counts()["busy_us"]
        counts["inferences"] = self._inferred // PARTS
        counts["looks"] = self._looks
        counts["connected_ms"] = self._connected_ms
        counts["connection_events"] = self._connection_events
        counts["radio_bytes"] = self._link.notified_bytes
        counts["flash_writes"], counts["flash_bytes"] = storage.written
        return counts

    def used_uah(self):
        """The least and the most that this took, uAh; None where the board says nothing of it."""
        counts = self.counts()
        sums = [0, 0]
        known = False
        for i in range(len(STATES)):
            ends = self._waiting(STATES[i])
            if ends is not None and counts[STATES[i] + "_ms"]:
                known = True
                for end in (0, 1):
                    sums[end] += ends[end] * counts[STATES[i] + "_ms"]
        if not known:
            return None
        for name, amount, nc in (
            ("busy", counts["busy_us"] // 1000, 1),
            ("connection_event_uc", counts["connection_events"], 1000),
            ("radio_kb_uc", counts["radio_bytes"] // 1000, 1000),
            ("flash_write_uc", counts["flash_writes"], 1000),
        ):
            ends = self._currents.get(name, (0, 0))
            for end in (0, 1):
                sums[end] += ends[end] * amount * nc
        return [int(nc) // NC_A_UAH for nc in sums]

    def _waiting(self, state):
        """What it takes to wait in a state; of one that is not known, what is."""
        for name in (state, "listening", "idle"):
            if name in self._currents:
                return self._currents[name]
        return None

    def status(self, percent, battery_mah):
        """What status says of it: nothing of what is not known.

        `percent` is the battery's charge, `battery_mah` what it holds when full, 0 for unknown.
        """
        used = self.used_uah()
        if used is None:
            return {}
        said = {"used_uah": used}
        least, most = used
        if battery_mah and least:
            left_uah = battery_mah * 10 * percent
            passed_min = self._since_ms // 60000
            said["left_min"] = [left_uah * passed_min // most, left_uah * passed_min // least]
        return said

    async def run(self):
        """Settles for ever."""
        while True:
            await asyncio.sleep_ms(SETTLE_MS)
            self.settle()
