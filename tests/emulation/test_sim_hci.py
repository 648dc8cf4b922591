# SPDX-License-Identifier: Apache-2.0
"""Emulated glasses use a medium of their own, one at a known address, or one already running."""

import socket

import glint
from workbench.emulation.simprocess import simulator


def free_address():
    """An address at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"tcp-client:127.0.0.1:{taken.getsockname()[1]}"


async def test_two_in_one_medium():
    hci = free_address()
    async with (
        simulator("--hci", hci, "--name", "First") as first,
        simulator("--hci", hci, "--name", "Second") as second,
    ):
        assert first.address == second.address == hci
        assert {found.name for found in await glint.scan(1.0, hci=hci)} == {"First", "Second"}
        # The medium is the first one's, and so is the range.
        mark = second.mark()
        second.do("range", **{"in": False})
        said = await second.wait_for("error", since=mark)
        assert "the program that started the medium" in said["text"]


async def test_a_flash_that_is_kept_keeps_its_companions(tmp_path):
    async with simulator("--flash", str(tmp_path)) as sim:
        address = sim.address
        async with glint.connect(hci=address) as glasses:
            known = (await glasses.info()).address
    # With their first companion their pairing window has closed: only the bond lets it in again.
    async with simulator("--flash", str(tmp_path)) as sim:
        assert sim.address == address
        async with glint.connect(hci=address) as glasses:
            assert (await glasses.info()).address == known
