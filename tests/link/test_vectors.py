# SPDX-License-Identifier: Apache-2.0
"""Checks the test vectors for events and media of SPEC.md, in both directions, on both sides."""

import asyncio
import dataclasses
import json
from datetime import UTC, datetime

import cbor2
import pytest
from board_scripts import SCRIPTS
from glint import events, protocol
from glint.events import Media
from glint.fetch import WINDOW, Fetcher
from glint.media import MediaStore
from workbench.paths import FIRMWARE
from workbench.runners.linux import Linux

FOLDER = FIRMWARE / "vectors"
NAMES = {"p": "probability"}


def load(name):
    return json.loads((FOLDER / f"{name}.json").read_text())["vectors"]


EVENTS, MEDIA = load("events"), load("media")
COMMANDS = [vector for vector in MEDIA if vector["means"]["to"] == "glasses"]
CHUNKS = [vector for vector in MEDIA if vector["means"]["to"] == "companion"]


def named(vectors):
    return pytest.mark.parametrize("vector", vectors, ids=[v["name"] for v in vectors])


@pytest.fixture(scope="module")
def firmware():
    """The result of the vectors in MicroPython."""
    return json.loads(Linux().run(SCRIPTS / "vectors.py", str(FOLDER)))


def test_every_type_of_event_and_every_command_has_a_vector():
    types = {name for name in vars(protocol) if name.startswith("EVENT_")}
    assert {"EVENT_" + vector["means"]["type"].upper() for vector in EVENTS} == types
    assert {vector["means"]["command"] for vector in COMMANDS} == {"credit", "want", "release"}


@named(EVENTS)
def test_the_companion_reads_events(vector):
    means = vector["means"]
    event = events.decode(bytes.fromhex(vector["hex"]))
    assert type(event).__name__.lower() == means["type"].replace("_", "")
    assert (event.seq, event.time_ms) == (means["seq"], means["time_ms"])
    body = dict(means["body"])
    if utc := body.pop("utc", None):
        assert event.time == datetime.fromtimestamp(utc, UTC)
    for key, value in body.items():
        assert getattr(event, NAMES.get(key, key)) == value


def test_the_firmware_writes_and_reads_events(firmware):
    for vector, found in zip(EVENTS, firmware["events"], strict=True):
        # The keys of a map have no order.
        assert found["body"] == vector["means"]["body"]
        written, expected = bytes.fromhex(found["hex"]), bytes.fromhex(vector["hex"])
        assert written[:9] == expected[:9]
        assert cbor2.loads(written[9:]) == cbor2.loads(expected[9:])
        assert len(written) == len(expected)


def test_the_firmware_obeys_commands(firmware):
    for vector, found in zip(MEDIA, firmware["media"], strict=True):
        means = vector["means"]
        if means["to"] == "companion":
            assert found["hex"] == vector["hex"]
            continue
        assert found["credits"] == means.get("notifications", 7)
        ranges = [number for span in means.get("ranges", []) for number in span]
        assert found["ranges"] == ranges
        assert found["kept"] == (means["command"] != "release")


def announced(number, size):
    return Media(1, 0, id=number, kind="photo", codec="jpeg", bytes=size, width=1, height=1)


@named(COMMANDS)
def test_the_companion_writes_commands(vector):
    means = vector["means"]
    store = MediaStore()
    fetcher = Fetcher(store)

    async def written():
        if means["command"] == "credit":
            store.announce(announced(1, 1))
            return next(fetcher.messages())
        number = means["id"]
        if means["command"] == "release":
            store.announce(announced(number, 1))
            fetcher.discard(number)
            return next(fetcher.messages())
        size = means["ranges"][-1][1]
        store.announce(announced(number, size))
        position = 0
        for start, stop in means["ranges"]:
            store.add(store.find(number), position, bytes(start - position))
            position = stop
        return list(fetcher.messages())[-1]

    expected = bytes.fromhex(vector["hex"])
    if means["command"] == "credit":
        expected = expected[:1] + WINDOW.to_bytes(2, "little")  # it grants no other number
    assert asyncio.run(written()) == expected


@named(CHUNKS)
def test_the_companion_reads_chunks(vector):
    means = vector["means"]
    data = bytes.fromhex(means["data"][2:])
    store = MediaStore()
    store.announce(announced(means["id"], means["offset"] + 100))

    async def fed():
        Fetcher(store).feed(bytes.fromhex(vector["hex"]))

    asyncio.run(fed())
    transfer = store.find(means["id"])
    if data:
        end = means["offset"] + len(data)
        assert transfer.missing() == [(0, means["offset"]), (end, end + 100 - len(data))]
        assert dataclasses.asdict(transfer.media)["id"] == means["id"]
    else:
        with pytest.raises(Exception, match="no longer"):
            transfer.data()


def test_a_chunk_takes_little_of_the_heap(firmware):
    # Views, on 64 bits; all data are copied into the same buffer.
    assert firmware["allocated_per_chunk"] <= 256
