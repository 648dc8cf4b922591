# SPDX-License-Identifier: Apache-2.0
"""Tests the order of events: no unnoticed loss and no duplicates, whatever the link loses."""

import random
import struct

import cbor2
import pytest
from glint import protocol
from glint.events import Button, Gap
from glint.sequence import Sequence
from hypothesis import given, settings
from hypothesis import strategies as st


def record(seq, code=protocol.EVENT_BUTTON, **fields):
    return struct.pack("<IIB", seq, seq * 10 & 0xFFFFFFFF, code) + cbor2.dumps(
        fields or {"pressed": True}
    )


class Listener:
    """A `Sequence`, and what it reported."""

    def __init__(self):
        self.events = []
        self.numbers = []
        self.asked = 0
        self.reboots = 0
        self.sequence = Sequence(self._deliver, self._ask, self._reboot)

    def _deliver(self, event, number):
        self.events.append(event)
        self.numbers.append(number)

    def _ask(self):
        self.asked += 1

    def _reboot(self):
        self.reboots += 1

    def start(self, since=0, *, boot=1, first=1, following=1):
        self.sequence.begin(since)
        return self.sequence.started(boot, first, following)

    def feed(self, *seqs):
        for seq in seqs:
            self.sequence.feed(record(seq))

    @property
    def seqs(self):
        return [event.seq for event in self.events if not isinstance(event, Gap)]

    @property
    def gaps(self):
        return [(event.seq, event.count) for event in self.events if isinstance(event, Gap)]


def test_events_before_anybody_asked_are_not_delivered():
    listener = Listener()
    listener.feed(1, 2)
    assert listener.events == []
    assert listener.asked == 0


def test_in_order():
    listener = Listener()
    assert listener.start(first=3, following=5)
    listener.feed(3, 4, 5)
    assert listener.seqs == [3, 4, 5]
    assert listener.numbers == [3, 4, 5]


def test_what_comes_twice_is_left_out():
    listener = Listener()
    listener.start()
    listener.feed(1, 2, 1, 2, 2, 3)
    assert listener.seqs == [1, 2, 3]
    assert listener.sequence.duplicates == 3


def test_what_got_lost_on_the_way_is_asked_for_again():
    listener = Listener()
    listener.start()
    listener.feed(1, 4)
    assert (listener.seqs, listener.asked) == ([1], 1)
    listener.feed(5, 2)  # one was still on its way
    assert listener.seqs == [1]
    listener.sequence.started(1, 1, 6)
    listener.feed(3, 4, 5)
    assert listener.seqs == [1, 2, 3, 4, 5]
    assert listener.gaps == []


def test_a_hole_in_what_came_with_the_answer_is_asked_for():
    listener = Listener()
    listener.sequence.begin(0)
    listener.feed(1, 2, 5, 6)
    listener.sequence.started(1, 1, 7)
    assert (listener.seqs, listener.asked) == ([1, 2], 1)
    listener.feed(3, 4, 5, 6)
    listener.sequence.started(1, 1, 7)
    assert listener.seqs == [1, 2, 3, 4, 5, 6]


def test_what_the_journal_dropped_is_a_gap():
    listener = Listener()
    listener.start()
    listener.feed(1, 2)
    assert listener.start(3, first=10, following=12)
    listener.feed(10, 11)
    assert listener.gaps == [(10, 7)]
    assert listener.seqs == [1, 2, 10, 11]
    # The gap alone does not acknowledge events that have not been read.
    assert listener.numbers == [1, 2, 9, 10, 11]


def test_the_glasses_own_gap_record_is_taken_once():
    listener = Listener()
    listener.start()
    listener.feed(1)
    listener.sequence.feed(record(5, protocol.EVENT_GAP, count=4))
    listener.feed(6)
    assert listener.gaps == [(5, 4)]
    assert listener.seqs == [1, 6]
    assert listener.asked == 0


def test_a_record_that_is_never_readable_is_a_gap_of_one():
    listener = Listener()
    listener.start()
    listener.feed(1)
    asked = 0
    for _ in range(20):
        for seq in range(listener.sequence.expected, 6):
            if seq == 2:
                listener.sequence.feed(b"\x02\0\0\0\0\0\0\0\x07\xff")
            else:
                listener.feed(seq)
        if listener.asked == asked:
            break
        asked = listener.asked
        listener.sequence.started(1, 1, 6)
    assert listener.gaps == [(3, 1)]
    assert listener.seqs == [1, 3, 4, 5]
    assert listener.sequence.bad_records > 1


def test_a_reboot_starts_over():
    listener = Listener()
    listener.start()
    listener.feed(1, 2, 3)
    listener.sequence.begin(4)
    listener.feed(4, 5)  # the new boot has got that far already
    assert not listener.sequence.started(2, 1, 6)
    assert listener.reboots == 1
    assert listener.start(0, boot=2, first=1, following=6)
    listener.feed(1, 2, 3, 4, 5)
    assert listener.seqs == [1, 2, 3, 1, 2, 3, 4, 5]
    assert listener.gaps == []


def test_numbers_of_an_earlier_boot_start_over():
    listener = Listener()
    assert not listener.start(1000, first=1, following=3)
    assert listener.start(0, first=1, following=3)
    listener.feed(1, 2)
    assert listener.seqs == [1, 2]


def test_the_last_records_are_missed_too():
    listener = Listener()
    listener.start()
    listener.feed(1)
    listener.sequence.check(2)
    assert listener.asked == 0
    listener.sequence.check(4)
    assert listener.asked == 1


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.5]), st.integers(3, 300))
@settings(max_examples=300, deadline=None)
def test_every_record_is_delivered_once_or_counted_as_lost(seed, loss, kept):
    """The journal overruns, and the link loses records and drops."""
    rng = random.Random(seed)
    listener = Listener()
    sequence = listener.sequence
    following = 1
    cursor = None  # of the glasses
    in_flight = []

    def first():
        return max(1, following - kept)

    def ask():
        nonlocal cursor
        while True:
            sequence.begin(sequence.expected)
            for seq in in_flight:
                listener.feed(seq)
            in_flight.clear()
            cursor = max(first(), sequence.expected)
            for _ in range(rng.choice([0, 0, 3])):  # what comes together with the answer
                send()
                if in_flight and rng.random() >= loss:
                    listener.feed(in_flight.pop(0))
                in_flight.clear()
            asked = listener.asked
            assert sequence.started(1, first(), following)
            if listener.asked == asked:
                return

    def send():
        nonlocal cursor
        cursor = max(cursor, first())
        if cursor < following:
            in_flight.append(cursor)
            cursor += 1

    def receive(loss):
        if in_flight:
            seq = in_flight.pop(0)
            if rng.random() >= loss:
                asked = listener.asked
                listener.feed(seq)
                if listener.asked > asked:
                    ask()

    ask()
    for _ in range(300):
        action = rng.random()
        if action < 0.4:
            following += rng.choice([1, 1, 1, 5])
        elif action < 0.7:
            send()
        elif action < 0.97:
            receive(loss)
        else:  # the link drops, and comes back
            in_flight.clear()
            ask()
    following += 1
    for _ in range(2000):
        if sequence.expected == following:
            break
        send()
        receive(0)
        if not in_flight and cursor == following:
            asked = listener.asked
            sequence.check(following)
            if listener.asked > asked:
                ask()
    assert sequence.expected == following
    accounted = []
    for event in listener.events:
        if isinstance(event, Gap):
            accounted += range(event.seq - event.count, event.seq)
        else:
            assert isinstance(event, Button)
            accounted.append(event.seq)
    assert accounted == list(range(1, following))
    assert listener.numbers == sorted(listener.numbers)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 0xFFFF_FFFF)), max_size=60))
@settings(max_examples=200, deadline=None)
def test_hostile_answers_and_numbers_do_no_harm(steps):
    listener = Listener()
    for step, number in steps:
        match step:
            case 0:
                listener.sequence.begin(listener.sequence.expected)
            case 1:
                listener.sequence.started(number % 3, number, (number * 7) % 100)
            case 2:
                listener.feed(max(1, number % 20))
            case 3:
                listener.sequence.check(number % 20)
    assert len(listener.events) <= 3 * len(steps)


@pytest.mark.parametrize("count", [1, 5000])
def test_what_is_held_is_bounded(count):
    listener = Listener()
    listener.sequence.begin(0)
    listener.feed(*range(1, count + 1))
    listener.sequence.started(1, 1, count + 1)
    assert len(listener.seqs) == min(count, 4096)


@pytest.mark.parametrize("far", [1 << 31, 0xFFFFFFFE, 10_000])
@pytest.mark.parametrize("again", [False, True])
def test_a_number_that_the_glasses_do_not_have_makes_few_requests(far, again):
    listener = Listener()
    listener.start()
    listener.feed(1, 2)
    asked = 0
    for _ in range(1000):
        listener.feed(far)
        while listener.asked > asked:  # each is answered: the next one will be 3
            asked += 1
            if again:
                listener.feed(far)
            listener.sequence.started(1, 1, 3)
    assert listener.asked <= 3
    assert listener.sequence.bad_records >= 990
    listener.feed(3, 4)
    assert listener.seqs == [1, 2, 3, 4]
    assert listener.gaps == []
    # And what is missing then is requested as usual.
    before = listener.asked
    listener.feed(6)
    assert listener.asked == before + 1
    listener.sequence.started(1, 1, 7)
    listener.feed(5, 6)
    assert listener.seqs == [1, 2, 3, 4, 5, 6]
    assert listener.gaps == []


def test_many_that_never_come_are_one_gap_after_few_requests():
    listener = Listener()
    listener.start()
    listener.feed(1)
    asked = 0
    listener.feed(400)
    while listener.asked > asked:
        asked += 1
        listener.sequence.started(1, 1, 401)
        listener.feed(400)
    assert listener.asked <= 4
    assert listener.gaps == [(400, 398)]
    assert listener.seqs == [1, 400]


def test_the_last_numbers_of_a_boot():
    last = protocol.LIMIT_SEQUENCE
    listener = Listener()
    listener.start(last - 2, first=last - 2, following=last - 2)
    listener.feed(last - 2, last - 1, last)
    assert listener.seqs == [last - 2, last - 1, last]
    assert listener.numbers[-1] == last
    for number in (0, last + 1):
        listener.feed(number)
    assert listener.sequence.bad_records == 2
    # The glasses have restarted.
    listener.sequence.begin(last + 1)
    assert not listener.sequence.started(2, 1, 3)
    listener.start(boot=2, following=3)
    listener.feed(1, 2)
    assert listener.seqs[-2:] == [1, 2]
    assert listener.gaps == []
