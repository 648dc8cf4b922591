# SPDX-License-Identifier: Apache-2.0
"""Tests how much of what companions write is queued."""

from dut import Dut
from radio_fixtures import Medium, serve
from workbench.paths import FIRMWARE

FLOOD = """
import sys
sys.path.append('{firmware}')
from glasses import link as links
from glasses.link import Link

class Anything:
    set = welcome = lambda *_: None
    authorised = True
    bond = None
    def __init__(self, data=b''):
        self.data = data
    def find(self, connection):
        return self
    def gatts_read(self, handle):
        return self.data

def flooded(nbytes, count):
    link._ble = Anything(bytes(nbytes))
    for _ in range(count):
        assert link._irq(3, (0, 5)) is None
    return len(link._news)

link = object.__new__(Link)
link._wake = link._peers = Anything()
link._fault = None
link._compared = 0
link._news = []
link._came_bytes = link._seen_bytes = 0
kept = []
for nbytes in (0, 1, 20, 509, 100, 509):
    kept.append(flooded(nbytes, 500) * (nbytes + links.WRITE_BYTES))
    assert sum(len(one[3]) for one in link._news) <= links.WRITES_BYTES_MAX
    link._take_news()
    assert not link._news
    assert flooded(nbytes, 1) == 1  # what was looked at made room
    link._take_news()
"""


async def test_what_waits_is_bounded_in_bytes_whatever_its_pieces():
    server = await serve(Medium(None), "tcp:127.0.0.1:0")
    dut = await Dut.start(server.address)
    try:
        assert await dut.run(FLOOD.format(firmware=FIRMWARE)) == "None"
        most = await dut.value("links.WRITES_BYTES_MAX")
        for nbytes in await dut.value("kept"):
            assert 0.9 * most < nbytes <= most
        assert await dut.value("link._fault") is None
    finally:
        await dut.stop()
        await server.close()
