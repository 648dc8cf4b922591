# SPDX-License-Identifier: Apache-2.0
"""Tests the addresses of the glasses: public while a companion may pair, else private ones."""

import pytest
from dut import Dut
from radio_fixtures import Medium, serve
from workbench.paths import FIRMWARE

CHOOSE = """
import sys
sys.path.append('{firmware}')
from glasses.services import Addresses

class Ble:
    calls = []

    def config(self, addr_mode):
        if addr_mode == 0 and not {has_public}:
            raise OSError(22)
        self.calls.append(addr_mode)

Ble.calls = []
addresses = Addresses(Ble())
fits = []
for may_pair in (True, True, False, False, True):
    fits.append(addresses.fit(may_pair))
    addresses.choose(may_pair)
"""


@pytest.mark.parametrize(
    ("has_public", "calls", "fits"),
    [
        (True, [0, 0, 2, 0], [False, True, False, True, False]),
        # A board without a public address uses random ones from the start, and keeps its identity.
        (False, [2], [False, True, True, True, True]),
    ],
)
async def test_the_address_fits_the_window(has_public, calls, fits):
    server = await serve(Medium(None), "tcp:127.0.0.1:0")
    dut = await Dut.start(server.address)
    try:
        await dut.run(CHOOSE.format(firmware=FIRMWARE, has_public=has_public))
        assert await dut.value("Ble.calls") == calls
        assert await dut.value("fits") == fits
    finally:
        await dut.stop()
        await server.close()
