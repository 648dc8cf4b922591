# SPDX-License-Identifier: Apache-2.0
"""Tests the bond store with the calls that NimBLE makes: what it keeps, hides and reports."""

import sys
import types

import cbor2
import pytest
from emulated_flash import Flash
from glasses import bonds as bonds_module
from glasses import protocol, storage
from glasses.bonds import KEY_BYTES, OURS, THEIRS, Bonds
from glasses.smp import Server, pairing
from hypothesis import given, settings
from hypothesis import strategies as st
from request_cases import frame

KINDS = (OURS, THEIRS)
LINK, OTHER = 1, 2
KEYS_FIRST = False


def peer(number):
    return bytes([1, number, 2, 3, 4, 5, 0xC0])


def secret(mark=0, secure=True, size=80):
    """The keys that NimBLE hands over, in Apache's layout or in Espressif's."""
    at, bit = {80: (74, 4), 88: (80, 2)}[size]
    value = bytearray(size)
    value[24] = mark
    value[at] = bit if secure else 0
    return bytes(value)


@pytest.fixture(params=["enc-first", "keys-first"], autouse=True)
def keys_first(request, monkeypatch):
    """The order in which the stack reports the events of a pairing."""
    monkeypatch.setattr(sys.modules[__name__], "KEYS_FIRST", request.param == "keys-first")


def pair(bonds, number, value=None, keys=KINDS, link=LINK, address=None):
    """A pairing with bonding, from NimBLE's first question to its last."""
    key = peer(number)
    known = address or key
    bonds.begin(link, known)
    while bonds.get(THEIRS, 0, known) is not None:
        for kind in KINDS:
            for _ in range(3):
                if not bonds.set(kind, known, None):
                    break
            else:
                raise AssertionError("NimBLE would delete for ever")
    if not KEYS_FIRST:
        bonds.encrypted(link, 1, 1, KEY_BYTES)
        assert bonds.peer(link) is None
    for kind in keys:
        assert bonds.set(kind, key, value or secret()) is True
    if KEYS_FIRST:
        assert bonds.peer(link) is None
        bonds.encrypted(link, 1, 1, KEY_BYTES)
    return bonds.peer(link)


def connect(bonds, number, link=LINK):
    """Reconnects a peer with the key of its bond."""
    bonds.end(link)
    bonds.begin(link, peer(number))
    if bonds.get(OURS, 0, peer(number)) is None:
        return None
    bonds.encrypted(link, 1, 1, KEY_BYTES)
    return bonds.peer(link)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "bonds.json")


def with_bonds(path, *numbers):
    bonds = Bonds(path)
    for number in numbers:
        bonds.window.open()
        assert pair(bonds, number)
        bonds.end(LINK)
    bonds.save()
    return bonds


def test_the_window_is_open_until_the_first_bond_and_no_longer(path):
    bonds = Bonds(path)
    assert bonds.state == protocol.PAIRING_OPEN
    assert pair(bonds, 1)
    assert bonds.state == protocol.PAIRING_CLOSED
    bonds.end(LINK)
    assert pair(bonds, 2) is None
    bonds.save()
    again = Bonds(path)
    assert again.state == protocol.PAIRING_CLOSED
    assert connect(again, 1)
    assert connect(again, 2) is None


@pytest.mark.parametrize("size", [80, 88])
def test_legacy_keys_are_told_by_either_layout(path, size):
    bonds = Bonds(path)
    assert pair(bonds, 1, secret(secure=False, size=size)) is None
    bonds.end(LINK)
    assert pair(bonds, 1, secret(size=size))


def test_keys_of_a_layout_that_is_not_known_are_not_kept(path):
    assert pair(Bonds(path), 1, bytes(96)) is None


@pytest.mark.parametrize("told", [(0, 1, KEY_BYTES), (1, 0, KEY_BYTES), (1, 1, 7)])
def test_encryption_alone_or_with_a_short_key_is_not_enough(path, told):
    bonds = with_bonds(path, 1)
    bonds.begin(LINK, peer(1))
    assert bonds.get(OURS, 0, peer(1))
    bonds.encrypted(LINK, *told)
    assert bonds.peer(LINK) is None


def test_a_key_that_nobody_asked_for_authorises_nobody(path):
    bonds = with_bonds(path, 1)
    bonds.begin(LINK, peer(1))
    bonds.encrypted(LINK, 1, 1, KEY_BYTES)
    assert bonds.peer(LINK) is None


def test_a_key_that_is_asked_for_another_link_authorises_nobody_else(path):
    bonds = with_bonds(path, 1)
    bonds.begin(LINK, peer(1))
    bonds.begin(OTHER, peer(2))
    assert bonds.get(OURS, 0, peer(1))
    bonds.encrypted(OTHER, 1, 1, KEY_BYTES)
    assert bonds.peer(OTHER) is None
    bonds.encrypted(LINK, 1, 1, KEY_BYTES)
    assert bonds.peer(LINK)


def test_who_claims_the_identity_of_another_gets_nothing_and_does_no_harm(path):
    bonds = with_bonds(path, 1)
    assert pair(bonds, 1, secret(9), link=OTHER, address=peer(2)) is None
    # Meanwhile the companion with that identity reconnects, with the key of its bond.
    bonds.begin(LINK, peer(1))
    assert bonds.get(OURS, 0, peer(1)) == secret()
    assert bonds.peer(OTHER) is None
    bonds.encrypted(OTHER, 1, 1, KEY_BYTES)
    assert bonds.peer(OTHER) is None
    bonds.encrypted(LINK, 1, 1, KEY_BYTES)
    assert bonds.peer(LINK)
    assert [bond.secrets for bond in bonds] == [{OURS: secret(), THEIRS: secret()}]


def test_a_connection_may_be_told_of_last(path):
    bonds = with_bonds(path, 1)
    assert bonds.get(OURS, 0, peer(1))
    bonds.begin(LINK, peer(1))
    bonds.encrypted(LINK, 1, 1, KEY_BYTES)
    assert bonds.peer(LINK)
    bonds.end(LINK)
    assert bonds.get(OURS, 0, peer(1))
    bonds.encrypted(LINK, 1, 1, KEY_BYTES)
    assert bonds.peer(LINK) is None
    bonds.begin(LINK, peer(1))
    assert bonds.peer(LINK)
    bonds.end(LINK)
    # Not by lookups for another peer, or from before the last connection ended.
    assert bonds.get(OURS, 0, peer(1))
    bonds.begin(LINK, peer(2))
    bonds.encrypted(LINK, 1, 1, KEY_BYTES)
    assert bonds.peer(LINK) is None
    assert bonds.get(OURS, 0, peer(1))
    bonds.end(LINK)
    bonds.begin(LINK, peer(1))
    bonds.encrypted(LINK, 1, 1, KEY_BYTES)
    assert bonds.peer(LINK) is None


def test_half_of_a_pairing_is_none(path):
    for kind in KINDS:
        bonds = Bonds(path)
        assert pair(bonds, 1, keys=[kind]) is None
        bonds.end(LINK)
        assert list(bonds) == []


def test_keys_of_a_link_that_has_ended_are_nobody_elses(path):
    bonds = Bonds(path)
    pair(bonds, 1, keys=[OURS])
    bonds.end(LINK)
    bonds.begin(OTHER, peer(2))
    bonds.set(THEIRS, peer(1), secret())
    bonds.encrypted(OTHER, 1, 1, KEY_BYTES)
    assert bonds.peer(OTHER) is None
    assert list(bonds) == []


def test_a_pairing_outside_the_window_hides_the_bond_while_it_lasts(path):
    bonds = with_bonds(path, 1)
    assert pair(bonds, 1, secret(9)) is None
    # The stack finds the keys that it has stored for as long as the connection lasts.
    assert bonds.get(THEIRS, 0, peer(1)) == secret(9)
    bonds.end(LINK)
    assert bonds.get(THEIRS, 0, peer(1)) == secret()
    assert connect(bonds, 1)
    assert connect(Bonds(path), 1)


def test_a_pairing_inside_the_window_takes_the_bonds_place(path):
    bonds = with_bonds(path, 1, 2)
    before = [bond.id for bond in bonds]
    bonds.window.open()
    assert pair(bonds, 1, secret(9))
    bonds.save()
    again = Bonds(path)
    assert [bond.id for bond in again] == before
    assert again.get(THEIRS, 0, peer(1)) == secret(9)


def test_five_is_all_and_the_sixth_takes_nobodys_place(path):
    bonds = with_bonds(path, *range(protocol.LIMIT_BONDS))
    bonds.window.open()
    assert bonds.state == protocol.PAIRING_FULL
    assert pair(bonds, 99) is None
    bonds.end(LINK)
    # A known companion may still pair anew.
    assert pair(bonds, 0, secret(5))
    bonds.save()
    again = Bonds(path)
    assert len(list(again)) == protocol.LIMIT_BONDS
    assert all(connect(again, number) for number in range(protocol.LIMIT_BONDS))


def test_an_id_is_not_given_twice(path):
    bonds = with_bonds(path, 1, 2)
    (_, second) = bonds
    bonds.remove(second)
    bonds.save()
    bonds = Bonds(path)
    bonds.window.open()
    assert pair(bonds, 3).id > second.id
    assert connect(bonds, 2) is None


def test_identities_are_given_in_turn_for_nimbles_list(path):
    bonds = with_bonds(path, 1, 2)
    assert [bonds.get(THEIRS, i, None) for i in range(3)] == [secret(), secret(), None]
    assert bonds.set(10, b"irk", bytes(16))
    bonds.save()
    assert Bonds(path).get(10, 0, b"irk") == bytes(16)


PATH = "/bonds.json"


@pytest.fixture
def flash(monkeypatch):
    flash = Flash()
    flash.use(monkeypatch, bonds_module)
    return flash


def test_a_revocation_is_stored_on_a_full_flash(flash):
    bonds = with_bonds(PATH, 1, 2)
    flash.fill()
    (first, _) = bonds
    bonds.remove(first)
    assert connect(bonds, 1) is None
    assert bonds.save() is True
    again = Bonds(PATH)
    assert connect(again, 1) is None
    assert connect(again, 2)
    # And there is room for the next one, too.
    (second,) = again
    again.remove(second)
    assert again.save() is True
    assert list(Bonds(PATH)) == []


def test_what_cannot_be_stored_is_said_in_force_and_tried_again(flash, capsys):
    bonds = with_bonds(PATH, 1, 2)
    del flash.files[PATH + storage.SPARE]
    flash.fill()
    server = Server()
    pairing.serve(server, bonds, types.SimpleNamespace(peer=None))
    (first, _) = bonds
    request = frame(64, 32, 2, {"id": first.id, "remove": True}, 1)
    (response,) = server.receive(request)
    answer = cbor2.loads(response[8:])
    assert answer["err"] == {"group": 64, "rc": protocol.RC_FAILED}
    assert answer["rsn"].startswith("in force, but not stored")
    assert "not written" in capsys.readouterr().out
    assert connect(bonds, 1) is None
    assert connect(Bonds(PATH), 1)  # power has failed
    flash.fill(1 << 16)
    assert bonds.save() is True
    assert connect(Bonds(PATH), 1) is None


GOOD = '{"own": [], "next_id": 1, "bonds": [%s]}'
BROKEN = [
    "",
    "\0",
    "[" * 100_000,
    GOOD % "{}",
    GOOD % '{"id": 1, "name": "", "key": "AA==", "ours": "AA==", "theirs": "AA=="}',
    '{"own": [], "next_id": "1", "bonds": {"id": 1}}',
]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_a_file_that_is_broken_opens_to_nobody_but_the_button(path, text):
    with open(path, "w") as file:
        file.write(text)
    for _ in range(2):  # nor does a power cycle
        bonds = Bonds(path)
        assert list(bonds) == []
        assert bonds.state == protocol.PAIRING_CLOSED
        assert pair(bonds, 1) is None
        bonds.end(LINK)
        bonds.save()
    bonds.window.open()
    assert pair(bonds, 1)
    bonds.save()
    assert not Bonds(path).damaged
    assert connect(Bonds(path), 1)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_whatever_happens_to_the_file_no_stranger_gets_in(tmp_path_factory, data):
    """A file truncated anywhere or with any byte changed gives an earlier bond, or none."""
    path = str(tmp_path_factory.mktemp("b") / "bonds.json")
    with_bonds(path, 1, 2)
    with open(path, "rb") as file:
        good = file.read()
    at = data.draw(st.integers(0, len(good) - 1))
    byte = data.draw(st.binary(max_size=1))
    with open(path, "wb") as file:
        file.write(good[:at] + byte + (good[at + 1 :] if byte else b""))
    bonds = Bonds(path)
    assert bonds.state == protocol.PAIRING_CLOSED
    assert pair(bonds, 9) is None


def test_glasses_that_never_had_a_bond_are_open_at_each_start(path):
    bonds = Bonds(path)
    assert bonds.state == protocol.PAIRING_OPEN
    bonds.set(10, b"irk", bytes(16))
    bonds.save()
    assert Bonds(path).state == protocol.PAIRING_OPEN
    bonds = with_bonds(path, 1)
    (bond,) = bonds
    bonds.remove(bond)
    bonds.save()
    assert Bonds(path).state == protocol.PAIRING_CLOSED


STEPS = st.one_of(
    st.tuples(st.just("set"), st.sampled_from(KINDS), st.integers(1, 3), st.booleans()),
    st.tuples(st.just("delete"), st.sampled_from(KINDS), st.integers(1, 3), st.just(False)),
    st.tuples(st.just("get"), st.sampled_from(KINDS), st.integers(1, 3), st.just(False)),
    st.tuples(st.just("connect"), st.just(0), st.integers(1, 3), st.just(False)),
)


@given(st.lists(STEPS, max_size=30))
def test_no_order_of_calls_harms_a_bond_outside_the_window(tmp_path_factory, steps):
    bonds = with_bonds(str(tmp_path_factory.mktemp("b") / "bonds.json"), 1, 2)
    own = None  # whose key the stack was given, untouched since its connection began
    touched = False
    at = 1  # whose connection it is
    bonds.begin(LINK, peer(at))
    for step, kind, number, secure in steps:
        if step == "set":
            assert bonds.set(kind, peer(number), secret(7, secure)) is True
            touched = True
        elif step == "delete":
            touched |= bonds.set(kind, peer(number), None)
        elif step == "get":
            if bonds.get(kind, 0, peer(number)) is not None and kind == OURS and number == at:
                own = number
        else:
            bonds.end(LINK)
            at = number
            bonds.begin(LINK, peer(at))
            own, touched = None, False
        bonds.encrypted(LINK, 1, 1, KEY_BYTES)
        peer_now = bonds.peer(LINK)
        if touched:
            assert peer_now is None
        elif own is not None:
            assert peer_now.key == peer(own)
    assert connect(bonds, 1)
    assert connect(bonds, 2)
    assert [bond.secrets for bond in bonds] == [{OURS: secret(), THEIRS: secret()}] * 2
