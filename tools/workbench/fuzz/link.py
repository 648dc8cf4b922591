# SPDX-License-Identifier: Apache-2.0
"""Fuzzes the parsers of the link and the simulation bus, on the device and on the host.

Inputs come from firmware/checks/mutate.py and are drawn from a seed, so that a run can be repeated.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import logging
import random
import resource
import subprocess
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from glint import events, protocol, smp
from glint.errors import GlintError
from glint.events import Media, MediaEnd
from glint.fetch import Fetcher
from glint.media import MediaStore
from glint.requests import Requests, Transport
from glint.sequence import Sequence
from glint.smp_manage import BondsRead, ConfigRead, ModelsRead
from smpclient.requests.image_management import ImageStatesRead
from smpclient.requests.os_management import EchoWrite

from workbench.build import micropython
from workbench.emulation.bus import Bus, Peripherals
from workbench.errors import WorkbenchError
from workbench.paths import BOARDS, FIRMWARE

CHECKS = FIRMWARE / "checks"
TARGETS = ("cbor", "smp", "media", "bus")
# Inputs of one run on the device's side; its time-out detects a hang.
BATCH = 20000
BATCH_TIMEOUT_S = 300
HEAP_BYTES = 8 << 20
# The companion may buffer this much media for the application, and no more.
GROWTH_MAX_BYTES = 128 << 20

# Making a request and parsing its answer takes 100 times as long as composing it.
PARSE_EVERY = 10

Feed = Callable[[bytes], Awaitable[None] | None]


class LinkFuzzError(WorkbenchError):
    """Input broke something; the message has it in hex."""


@dataclass(frozen=True)
class Tally:
    """What one side processed.

    Attributes:
        inputs: Number of inputs.
        seconds: Time that they took.
        most_bytes: Peak memory above that before the first input.
    """

    inputs: int
    seconds: float
    most_bytes: int


def _mutate() -> Any:
    spec = importlib.util.spec_from_file_location("mutate", CHECKS / "mutate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def device(target: str, seed: int, inputs: int) -> Tally:
    """Feeds inputs to the firmware, in MicroPython's unix port.

    Raises:
        LinkFuzzError: It raised what it should not, hung, or kept too much.
    """
    start_s, done, most_bytes = time.monotonic(), 0, 0
    program = micropython.ensure("linux")
    while done < inputs:
        count = min(BATCH, inputs - done)
        command = [str(program), "-X", f"heapsize={HEAP_BYTES}", str(CHECKS / "fuzz.py"), target]
        try:
            ran = subprocess.run(
                [*command, str(seed), str(count)],
                capture_output=True,
                text=True,
                check=False,
                timeout=BATCH_TIMEOUT_S,
                env={"MICROPYPATH": f"{CHECKS}:{FIRMWARE}:{BOARDS / 'simulation'}:.frozen"},
            )
        except subprocess.TimeoutExpired:
            raise LinkFuzzError(f"{target}, seed {seed}: hung") from None
        if ran.returncode:
            words = (ran.stdout + ran.stderr)[-3000:]
            raise LinkFuzzError(f"{target}, seed {seed}, on the device:\n{words}")
        said = json.loads(ran.stdout.splitlines()[-1])
        done += said["inputs"]
        most_bytes = max(most_bytes, said["most_bytes"])
        seed += 1
    return Tally(done, time.monotonic() - start_s, most_bytes)


def _events() -> Feed:
    """Feeds event records; each must give an event or ProtocolError, in order."""
    sequence = Sequence(lambda event, number: None, lambda: None, lambda: None)
    sequence.begin(1)
    sequence.started(1, 1, 1)

    def feed(data: bytes) -> None:
        try:
            events.decode(data)
        except GlintError:
            return
        sequence.feed(data)

    return feed


def _media() -> Feed:
    """Feeds chunks of media objects, some of which are announced."""
    store = MediaStore()
    fetcher = Fetcher(store)
    count = 0

    def feed(data: bytes) -> None:
        nonlocal count
        count += 1
        if count % 50 == 0:
            media = Media(count, 0, id=count // 50 % 12, kind="photo", codec="jpeg", bytes=4000,
                          width=1, height=1)  # fmt: skip
            store.announce(media)
            fetcher.announced(media.id)
        if count % 70 == 0:
            store.end(MediaEnd(count, 0, id=count % 12, crc=count, error=None, bytes=None))
        fetcher.feed(data[1:])

    return feed


def _smp() -> Feed:
    """Feeds answers to requests, which must give a response or GlintError, and unrequested ones."""
    answer = b""

    async def write(data: bytes) -> None:
        frame = bytearray(answer)
        if len(frame) >= protocol.SMP_HEADER_BYTES and answer[0] & 1:
            frame[0] = data[0] | 1
            frame[1:2], frame[4:8] = data[1:2], data[4:8]
        transport.feed(bytes(frame))

    transport = Transport(write)
    transport.allow(512)
    requests = Requests(transport)
    asked: tuple[Any, ...] = (
        smp.StatusRead(), smp.EventsWrite(since=1), smp.PhotoWrite(), BondsRead(), ConfigRead(),
        ModelsRead(since=0), ImageStatesRead(), EchoWrite(d="x"),
    )  # fmt: skip
    count = 0

    async def feed(data: bytes) -> None:
        nonlocal answer, count
        answer = data
        count += 1
        if count % PARSE_EVERY:
            transport.feed(data)
            return
        with contextlib.suppress(GlintError):
            await requests.request(asked[count % len(asked)], 0.0005)

    return feed


def _bus() -> Feed:
    """Feeds frames from the board; the workbench must go on."""
    loop = asyncio.get_running_loop()

    class Writer:
        def write(self, data: bytes) -> None:
            pass

    async def feed(data: bytes) -> None:
        reader = asyncio.StreamReader(loop=loop)
        bus = Bus(reader, Writer())  # type: ignore[arg-type]
        Peripherals(bus, lambda on: None)
        reader.feed_data(data)
        reader.feed_eof()
        await bus.run()

    return feed


def _memory_bytes() -> int:
    """Returns the peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def _host(target: str, seed: int, inputs: int) -> Tally:
    random.seed(seed)
    mutate = _mutate()
    commands = [(group, id, op) for group in (0, 1, 64) for id in range(8) for op in (1, 3)]
    draw: Callable[[], bytes]
    draw, make = {
        "cbor": (mutate.event, _events),
        "smp": (lambda: mutate.smp(commands), _smp),
        "media": (mutate.media, _media),
        "bus": (mutate.bus, _bus),
    }[target]
    feed = make()
    logging.disable()
    start_s, before = time.monotonic(), _memory_bytes()
    for _ in range(inputs):
        data = draw()
        try:
            done = feed(data)
            if done is not None:
                await done
        except Exception as error:
            raise LinkFuzzError(f"{target}, on the host, {data.hex()}: {error!r}") from error
    logging.disable(logging.NOTSET)
    most_bytes = _memory_bytes() - before
    if most_bytes > GROWTH_MAX_BYTES:
        raise LinkFuzzError(f"{target}, on the host: {most_bytes} bytes in use")
    return Tally(inputs, time.monotonic() - start_s, most_bytes)


def host(target: str, seed: int, inputs: int) -> Tally:
    """Feeds inputs to the companion, or for `bus` to the workbench.

    Raises:
        LinkFuzzError: It raised what it should not, or kept too much.
    """
    return asyncio.run(_host(target, seed, inputs))


def fuzz(target: str, seed: int, inputs: int) -> None:
    """Feeds `inputs` to each side, and reports the result.

    Raises:
        LinkFuzzError: A fault was found.
    """
    for name, side in (("device", device), ("host", host)):
        tally = side(target, seed, inputs)
        print(
            f"{target}, {name}: {tally.inputs} inputs, no fault; "
            f"{tally.inputs / tally.seconds:.0f}/s, {tally.most_bytes >> 10} KiB more in use",
            flush=True,
        )
