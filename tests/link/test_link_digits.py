# SPDX-License-Identifier: Apache-2.0
"""Tests the link on boards that show or take digits: matching digits make a bond, others none."""

import asyncio
import contextlib

import pytest
import pytest_asyncio
from bumble.pairing import PairingConfig, PairingDelegate
from dut import Dut
from hostile import Central
from radio_fixtures import Medium, serve
from workbench.paths import FIRMWARE

SERVE = """
import asyncio, sys
sys.path.append('{firmware}')
from glasses import smp, media
from glasses.bonds import Bonds
from glasses.journal import Journal
from glasses.link import Link
class Display:
    def __init__(self):
        self.shown = []
    def show(self, text):
        self.shown.append(text)
class Keys:
    on_typed = None
class Both(Display):
    on_typed = None
display = {board}()
journal = Journal()
bonds = Bonds('{path}')
outbox = media.Outbox(journal)
link = Link('Glint', 'linux', '0', journal, outbox, smp.Server(), bonds, display)
async def wear(ms, presses):
    serving = asyncio.create_task(link.run())
    for _ in range(ms // 20):
        await asyncio.sleep_ms(20)
        if presses and display.shown and display.shown[-1]:
            link.digits.button(True)
            link.digits.button(False)
    serving.cancel()
"""
BOARDS = {"shows": "Display", "takes": "Keys", "both": "Both"}
CAPABILITY = PairingDelegate.IoCapability


class Person(PairingDelegate):
    """The person who uses the companion, and reads `digits` off the glasses."""

    def __init__(self, capability, agrees=True):
        super().__init__(capability)
        self.seen = []
        self.shown = asyncio.get_running_loop().create_future()
        self.agrees = agrees
        self.digits = asyncio.Queue()

    async def compare_numbers(self, number, digits):
        self.seen.append(f"{number:0{digits}}")
        return self.agrees

    async def get_number(self):
        return int(await self.digits.get())

    async def display_number(self, number, digits):
        self.shown.set_result(f"{number:0{digits}}")


@pytest_asyncio.fixture(params=["shows"])
async def dut(request, tmp_path, stack):
    server = await serve(Medium(None), "tcp:127.0.0.1:0")
    made = await Dut.start(server.address, stack)
    try:
        path = tmp_path / "bonds.json"
        source = SERVE.format(firmware=FIRMWARE, path=path, board=BOARDS[request.param])
        assert await made.run(source) == "None"
        made.hci = server.address
        yield made
    finally:
        await made.stop()
        await server.close()


@contextlib.asynccontextmanager
async def companion(dut, person):
    async with Central(dut.hci) as central:
        central.device.pairing_config_factory = lambda _: PairingConfig(
            mitm=True, delegate=person, identity_address_type=PairingConfig.AddressType.RANDOM
        )
        await central.connect()
        yield central


pytestmark = pytest.mark.stacks


async def bonded(dut):
    return await dut.value("len(list(bonds))")


async def test_numbers_that_are_the_same_make_a_bond_and_it_lasts(dut):
    person = Person(CAPABILITY.DISPLAY_OUTPUT_AND_YES_NO_INPUT)
    serving = asyncio.create_task(dut.run("asyncio.run(wear(3000, True))"))
    async with companion(dut, person) as central:
        await central.pair()
        assert await serving == "None"
        assert await bonded(dut) == 1
        shown = [text for text in await dut.value("display.shown") if text]
        assert shown == person.seen
        assert len(shown[0]) == 6
        assert (await dut.value("display.shown"))[-1] == ""
        serving = asyncio.create_task(dut.run("asyncio.run(wear(2500, False))"))
        await central.leave()
        await central.connect()
        await central.encrypt()
        await asyncio.sleep(1)
        assert not central.gone.is_set()
        assert await serving == "None"


@pytest.mark.parametrize(("agrees", "presses"), [(False, True), (True, False)])
async def test_numbers_that_differ_for_either_make_none(dut, agrees, presses):
    person = Person(CAPABILITY.DISPLAY_OUTPUT_AND_YES_NO_INPUT, agrees)
    serving = asyncio.create_task(dut.run(f"asyncio.run(wear(2500, {presses}))"))
    async with companion(dut, person) as central:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(central.pair(), 1.5)
        assert person.seen
        await central.leave()
    assert await serving == "None"
    assert await bonded(dut) == 0


async def test_a_keyboard_is_given_the_digits_that_are_shown(dut):
    person = Person(CAPABILITY.KEYBOARD_INPUT_ONLY)
    serving = asyncio.create_task(dut.run("asyncio.run(wear(800, False))"))
    async with companion(dut, person) as central:
        pairing = asyncio.create_task(central.pair())
        assert await serving == "None"
        (shown,) = [text for text in await dut.value("display.shown") if text]
        person.digits.put_nowait(shown)
        assert await dut.run("asyncio.run(wear(1500, False))") == "None"
        await pairing
        assert await bonded(dut) == 1


@pytest.mark.parametrize("dut", ["shows", "both"], indirect=True)
async def test_just_works_makes_no_bond_where_digits_could_be_used(dut):
    serving = asyncio.create_task(dut.run("asyncio.run(wear(5000, True))"))
    async with Central(dut.hci) as stranger:
        await stranger.connect()
        await stranger.pair()
        await stranger.dropped()
    assert await serving == "None"
    assert await bonded(dut) == 0


@pytest.mark.parametrize("dut", ["takes", "both"], indirect=True)
@pytest.mark.parametrize("right", [True, False])
async def test_digits_of_a_companion_are_typed_on_the_glasses(dut, right):
    person = Person(CAPABILITY.DISPLAY_OUTPUT_ONLY)
    serving = asyncio.create_task(dut.run("asyncio.run(wear(800, False))"))
    async with companion(dut, person) as central:
        pairing = asyncio.create_task(central.pair())
        shown = await asyncio.wait_for(person.shown, 5)
        assert await serving == "None"
        typed = shown if right else f"{(int(shown) + 1) % 1000000:06}"
        # Anything but six digits is ignored.
        for text in ("", "12345", "abcdef", typed):
            await dut.run(f"display.on_typed({text!r})")
        assert await dut.run("asyncio.run(wear(1500, False))") == "None"
        await pairing
        assert await bonded(dut) == int(right)
        assert await dut.value("link.digits.method") == "digits"
