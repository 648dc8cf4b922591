# SPDX-License-Identifier: Apache-2.0
"""On glasses of their own: who may pair, when, and which companions are known."""

import asyncio
import contextlib
import itertools

import glint
import glint.backend
import pytest
import pytest_asyncio
from glint import protocol
from glint.errors import LinkLostError, PairingError, RequestError
from workbench.testing import targets

# Longer than necessary: a busy machine may see the button pressed late.
HELD_S = protocol.LIMIT_PAIRING_HOLD_MS / 1000 + 1.0

pytestmark = pytest.mark.needs("hci")


class Place:
    """Glasses, and companions that connect to them."""

    def __init__(self, target, folder, monkeypatch):
        self.target = target
        self._folder = folder
        self._monkeypatch = monkeypatch

    def companion(self, name):
        """A companion with an identity and bonds of its own, as `async with`."""
        path = self._folder / f"{name}.json"
        self._monkeypatch.setattr(glint.backend, "keystore", lambda _: path)
        return glint.connect(hci=self.target.sim.address, timeout_s=20)

    async def hold_button(self, seconds):
        self.target.sim.do("button", pressed=True)
        await asyncio.sleep(seconds)
        self.target.sim.do("button", pressed=False)
        await asyncio.sleep(0.2)


@pytest_asyncio.fixture
async def place(target_name, stack, tmp_path, monkeypatch):
    async with targets.named(target_name) as target:
        yield Place(target, tmp_path, monkeypatch)


async def names(glasses):
    return [bond.name for bond in await glasses.bonds()]


async def pair(place, name):
    async with place.companion(name) as glasses:
        (this,) = [bond for bond in await glasses.bonds() if bond.this]
        await glasses.name_bond(this.id, name)
    return this.id


async def let_another_pair(place, name):
    async with place.companion(name) as glasses:
        assert await glasses.pairing_left() == 0
        opened = await glasses.let_pair()
        assert 0 < await glasses.pairing_left() <= opened <= protocol.LIMIT_PAIRING_WINDOW_MS / 1000


async def test_the_first_companion_pairs_and_others_need_the_button(place):
    await pair(place, "desk")
    with pytest.raises(PairingError, match="hold their button"):
        async with place.companion("stranger"):
            pass
    await place.hold_button(0.1)
    with pytest.raises(PairingError, match="hold their button"):
        async with place.companion("stranger"):
            pass
    await place.hold_button(HELD_S)
    await pair(place, "phone")
    # That was the companion for which the window was opened.
    with pytest.raises(PairingError, match="hold their button"):
        async with place.companion("stranger"):
            pass
    async with place.companion("desk") as glasses:
        assert await names(glasses) == ["desk", "phone"]
        assert [bond.this for bond in await glasses.bonds()] == [True, False]


async def test_a_sixth_is_refused_until_one_is_removed(place):
    ids = {"one": await pair(place, "one")}
    for last, name in itertools.pairwise(["one", "two", "three", "four", "five"]):
        await let_another_pair(place, last)
        ids[name] = await pair(place, name)
    await let_another_pair(place, "five")
    with pytest.raises(PairingError, match="glint bonds remove"):
        async with place.companion("six"):
            pass
    for name in ids:
        async with place.companion(name) as glasses:
            assert await names(glasses) == list(ids)
    async with place.companion("one") as glasses:
        await glasses.remove_bond(ids.pop("three"))
        with pytest.raises(RequestError) as refused:
            await glasses.remove_bond(999)
        assert refused.value.rc == protocol.RC_NOT_FOUND
        with pytest.raises(RequestError) as refused:
            await glasses.name_bond(ids["one"], "x" * (protocol.LIMIT_BOND_NAME_BYTES + 1))
        assert (refused.value.group, refused.value.rc) == (0, 3)
        assert "name takes 0 to 32 bytes" in str(refused.value)
        await glasses.let_pair(False)
    with pytest.raises(PairingError, match="hold their button"):
        async with place.companion("three"):
            pass
    await let_another_pair(place, "one")
    ids["six"] = await pair(place, "six")
    async with place.companion("two") as glasses:
        assert await names(glasses) == list(ids)
        assert len({bond.id for bond in await glasses.bonds()}) == 5


async def test_who_revokes_itself_is_answered_and_dropped(place):
    number = await pair(place, "desk")
    async with place.companion("desk") as glasses:
        await glasses.remove_bond(number)
        async with asyncio.timeout(10):
            while glasses.connected:
                await asyncio.sleep(0.05)
            with contextlib.suppress(LinkLostError, PairingError):
                await glasses.status()
                raise AssertionError("a stranger is served")


@pytest.mark.stacks
@pytest.mark.parametrize("forgets", ["companion", "glasses"])
async def test_a_bond_that_one_side_lost_is_made_anew_in_the_window(place, forgets, tmp_path):
    number = await pair(place, "desk")
    await let_another_pair(place, "desk")
    await pair(place, "other")
    if forgets == "companion":
        async with place.companion("other") as glasses:
            await glasses.let_pair()
        # The same address, as of the same machine: the glasses have a bond for it.
        forget_bonds(tmp_path / "desk.json")
    else:
        async with place.companion("other") as glasses:
            await glasses.remove_bond(number)
            await glasses.let_pair()
    async with place.companion("desk") as glasses:
        (this,) = [bond for bond in await glasses.bonds() if bond.this]
        assert (this.id == number) == (forgets == "companion")
        assert len(await glasses.bonds()) == 2


def forget_bonds(path):
    import json

    path.write_text(json.dumps({address: {} for address in json.loads(path.read_text())}))


async def test_held_for_ten_seconds_the_button_erases_what_belonged_to_another(place):
    await pair(place, "desk")
    async with place.companion("desk") as glasses:
        await glasses.set_config(name="Mine")
        mark = place.target.sim.mark()
        place.target.sim.do("button", pressed=True)
        # Their clock may be slower than ours, on a busy machine.
        until_ms = (await glasses.status()).uptime_ms + protocol.LIMIT_ERASE_HOLD_MS + 1000
        while (await glasses.status()).uptime_ms < until_ms:
            await asyncio.sleep(0.5)
        place.target.sim.do("button", pressed=False)
        await place.target.sim.wait_for("restarted", since=mark, timeout_s=20)
    # They are like new: no button is needed, and only a note is left of the other companion.
    async with place.companion("stranger") as glasses:
        assert [bond.this for bond in await glasses.bonds()] == [True]
        assert (await glasses.config())["name"] == "Glint"
        events = glasses.events("unread")
        first = await anext(events)
        assert isinstance(first, glint.Notice)
        assert first.about == "erased"
        assert isinstance(await anext(events), glint.Boot)
    with pytest.raises(PairingError, match="hold their button"):
        async with place.companion("desk"):
            pass
