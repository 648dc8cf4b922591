# SPDX-License-Identifier: Apache-2.0
"""Puts event records in order, so that nothing is lost without being noticed.

This is pure logic without Bluetooth: the client feeds it notifications and answers, and it says
what to deliver and what to ask for again. A record that the operating system dropped is still in
the glasses' journal, and is asked for again. What the journal no longer has becomes a `Gap`.
"""

import dataclasses
import logging
from collections.abc import Callable

from glint import protocol
from glint.errors import ProtocolError
from glint.events import Event, Gap, decode

_log = logging.getLogger(__name__)

# Asks for what is to come: no event has this number, and the glasses begin with their next.
LATEST = protocol.LIMIT_SEQUENCE + 1
# Records held between a start request and its answer; a journal holds fewer.
_MAX_HELD = 4096
# How often one record is asked for before it counts as lost: it may be one that cannot be decoded.
_MAX_TRIES = 3
# Glasses make fewer records during a request: a number further ahead cannot be theirs.
_MAX_AHEAD = 4096


class Sequence:
    """The order of one pair of glasses' events, across links and reboots.

    Attributes:
        boot: The run of the glasses that the numbers belong to, once known.
        expected: Sequence number of the next record; 0 until the first start.
        duplicates: Records that came a second time and were left out.
        bad_records: Records that could not be decoded, or had an impossible number.
    """

    def __init__(
        self,
        deliver: Callable[[Event, int], None],
        ask_again: Callable[[], None],
        rebooted: Callable[[], None],
    ) -> None:
        """Makes an order that has not started.

        Args:
            deliver: Called with each event in order, and the number that may be acknowledged once
                the event has been handled.
            ask_again: Called when a record was lost in transfer: the caller should start again
                from `expected`.
            rebooted: Called when the answer comes from another boot than the one before.
        """
        self._deliver = deliver
        self._ask_again = ask_again
        self._rebooted = rebooted
        self._held: list[Event] | None = None
        self._missing = 0  # The record that was asked for again, and how often.
        self._tries = 0
        self._following = 0  # What the last answer said.
        self.boot: int | None = None
        self.expected = 0
        self.duplicates = 0
        self.bad_records = 0

    def begin(self, since: int) -> None:
        """Prepares for a start request: what arrives before its answer is held."""
        self._held = []
        self.expected = since

    def started(self, boot: int, first: int, following: int) -> bool:
        """Takes the answer to a start request.

        Args:
            boot: Boot that the glasses are in.
            first: Oldest sequence number that they keep.
            following: Sequence number that their next record will have.

        Returns:
            False if the numbers asked for were those of an earlier boot: start again from 0.
        """
        held, self._held = self._held or [], None
        self._following = following
        rebooted = self.boot is not None and boot != self.boot
        self.boot = boot
        if rebooted:
            self._rebooted()
        if self.expected == LATEST and not rebooted:
            self.expected = following
        elif self.expected and (rebooted or self.expected > following):
            self.expected = 0
            return False
        if self.expected == 0:
            self.expected = max(first, 1)
        elif first > self.expected:
            self._lost(first, held[0].time_ms if held else 0)
            self.expected = first
        if self.expected >= following:  # Nothing was missing: the tries start over.
            self._tries = min(self._tries, _MAX_TRIES - 1)
        # What was already in flight comes first, then what was asked for; from then on a gap is a
        # loss.
        begun = False
        for event in held:
            if event.seq == self.expected:
                self._accept(event)
                begun = True
            elif begun and event.seq > self.expected:
                self._ask_for_expected(event.seq, event.time_ms)
                break
        return True

    def feed(self, record: bytes) -> None:
        """Takes one notification of the events characteristic."""
        try:
            event = decode(record)
        except ProtocolError as error:
            # If its number was real, the next record shows the gap.
            self.bad_records += 1
            _log.warning("%s", error)
            return
        if self._held is not None:
            if len(self._held) < _MAX_HELD:
                self._held.append(event)
        elif self.expected == 0:
            pass  # Nobody has asked for events yet.
        elif event.seq < self.expected:
            self.duplicates += 1
        elif event.seq == self.expected:
            self._accept(event)
        elif isinstance(event, Gap):
            count = max(event.count, event.seq - self.expected)
            self._accept(dataclasses.replace(event, count=count))
        else:
            self._ask_for_expected(event.seq, event.time_ms)

    def check(self, following: int) -> None:
        """Takes the number that the next record will have, as the last ones may have been lost."""
        if self._held is None and 0 < self.expected < following:
            self._ask_for_expected(following, 0)

    def _ask_for_expected(self, seen: int, time_ms: int) -> None:
        """Handles a gap: the record `seen` exists, and the expected one before it has not come.

        What does not come after several requests is lost, up to the one that came.
        """
        if self._missing != self.expected:
            self._missing = self.expected
            self._tries = 0
        if self._tries >= _MAX_TRIES - 1 and seen >= self._following + _MAX_AHEAD:
            self.bad_records += 1
            _log.warning("Ignored a record with the impossible number %d.", seen)
            return
        if self._tries == _MAX_TRIES:
            self._lost(seen, time_ms)
            self.expected = seen
            self._missing, self._tries = self.expected, 0
        self._tries += 1
        self.begin(self.expected)
        self._ask_again()

    def _accept(self, event: Event) -> None:
        self.expected = event.seq + 1
        self._deliver(event, event.seq)

    def _lost(self, before: int, time_ms: int) -> None:
        gap = Gap(before, time_ms, count=before - self.expected)
        self._deliver(gap, before - 1)
