# SPDX-License-Identifier: Apache-2.0
"""The bond store, asked as NimBLE asks: what it keeps, what it hides, what it says of it."""

import pytest
from glasses import bonds as bonds_module
from glasses import protocol
from glasses.bonds import KEY_BYTES, OURS, THEIRS, Bonds
from hypothesis import given
from hypothesis import strategies as st

KINDS = (OURS, THEIRS)


def peer(number):
    return bytes([1, number, 2, 3, 4, 5, 0xC0])


def secret(mark=0, secure=True, size=80):
    """What NimBLE hands over, in Apache's layout or Espressif's."""
    at, bit = {80: (74, 4), 88: (80, 2)}[size]
    value = bytearray(size)
    value[24] = mark
    value[at] = bit if secure else 0
    return bytes(value)


def pair(bonds, number, value=None):
    """A pairing with bonding, from NimBLE's first question to its last."""
    key = peer(number)
    while bonds.get(THEIRS, 0, key) is not None:
        for kind in KINDS:
            for _ in range(3):
                if not bonds.set(kind, key, None):
                    break
            else:
                raise AssertionError("NimBLE would delete for ever")
    for kind in KINDS:
        assert bonds.set(kind, key, value or secret()) is True
    return bonds.authorise(1, 1, KEY_BYTES)


def connect(bonds, number):
    """A peer comes back with the key of its bond."""
    bonds.forget()
    if bonds.get(OURS, 0, peer(number)) is None:
        return None
    return bonds.authorise(1, 1, KEY_BYTES)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "bonds.json")


def with_bonds(path, *numbers):
    bonds = Bonds(path)
    for number in numbers:
        bonds.window.open(None)
        assert pair(bonds, number)
        bonds.forget()
    bonds.save()
    return bonds


def test_the_window_is_open_until_the_first_bond_and_no_longer(path):
    bonds = Bonds(path)
    assert bonds.state == protocol.PAIRING_OPEN
    assert pair(bonds, 1)
    assert bonds.state == protocol.PAIRING_CLOSED
    bonds.forget()
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
    bonds.forget()
    assert pair(bonds, 1, secret(size=size))


def test_keys_of_a_layout_that_is_not_known_are_not_kept(path):
    assert pair(Bonds(path), 1, bytes(96)) is None


@pytest.mark.parametrize("told", [(0, 1, KEY_BYTES), (1, 0, KEY_BYTES), (1, 1, 7)])
def test_encryption_alone_or_with_a_short_key_is_not_enough(path, told):
    bonds = with_bonds(path, 1)
    assert bonds.get(OURS, 0, peer(1))
    assert bonds.authorise(*told) is None


def test_a_key_that_nobody_asked_for_authorises_nobody(path):
    bonds = with_bonds(path, 1)
    assert bonds.authorise(1, 1, KEY_BYTES) is None


def test_a_pairing_outside_the_window_hides_the_bond_while_it_lasts(path):
    bonds = with_bonds(path, 1)
    assert pair(bonds, 1, secret(9)) is None
    # The stack finds what it has stored, for as long as the connection lasts.
    assert bonds.get(THEIRS, 0, peer(1)) == secret(9)
    bonds.forget()
    assert bonds.get(THEIRS, 0, peer(1)) == secret()
    assert connect(bonds, 1)
    assert connect(Bonds(path), 1)


def test_a_pairing_inside_the_window_takes_the_bonds_place(path):
    bonds = with_bonds(path, 1, 2)
    before = [bond.id for bond in bonds]
    bonds.window.open(None)
    assert pair(bonds, 1, secret(9))
    bonds.save()
    again = Bonds(path)
    assert [bond.id for bond in again] == before
    assert again.get(THEIRS, 0, peer(1)) == secret(9)


def test_five_is_all_and_the_sixth_takes_nobodys_place(path):
    bonds = with_bonds(path, *range(protocol.LIMIT_BONDS))
    bonds.window.open(None)
    assert bonds.state == protocol.PAIRING_FULL
    assert pair(bonds, 99) is None
    bonds.forget()
    # A companion that is known may pair anew all the same.
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
    bonds.window.open(None)
    assert pair(bonds, 3).id > second.id
    assert connect(bonds, 2) is None


def test_identities_are_given_in_turn_for_nimbles_list(path):
    bonds = with_bonds(path, 1, 2)
    assert [bonds.get(THEIRS, i, None) for i in range(3)] == [secret(), secret(), None]
    assert bonds.set(10, b"irk", bytes(16))
    bonds.save()
    assert Bonds(path).get(10, 0, b"irk") == bytes(16)


def test_a_full_flash_keeps_what_was_written_and_goes_on(path, monkeypatch, capsys):
    bonds = with_bonds(path, 1)
    bonds.window.open(None)
    assert pair(bonds, 2)

    def full(*_):
        raise OSError(28)

    monkeypatch.setattr(bonds_module, "replace", full)
    bonds.save()
    assert "not written" in capsys.readouterr().out
    assert connect(Bonds(path), 1)
    monkeypatch.undo()
    bonds.save()
    assert connect(Bonds(path), 2)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"own": [], "bonds": [{}], "next_id": 1}', "\0"])
def test_a_file_that_is_broken_means_no_bonds(path, text):
    with open(path, "w") as file:
        file.write(text)
    bonds = Bonds(path)
    assert list(bonds) == []
    assert bonds.state == protocol.PAIRING_OPEN


STEPS = st.one_of(
    st.tuples(st.just("set"), st.sampled_from(KINDS), st.integers(1, 3), st.booleans()),
    st.tuples(st.just("delete"), st.sampled_from(KINDS), st.integers(1, 3), st.just(False)),
    st.tuples(st.just("get"), st.sampled_from(KINDS), st.integers(1, 3), st.just(False)),
    st.tuples(st.just("connect"), st.just(0), st.just(0), st.just(False)),
)


@given(st.lists(STEPS, max_size=30))
def test_no_order_of_calls_harms_a_bond_outside_the_window(tmp_path_factory, steps):
    bonds = with_bonds(str(tmp_path_factory.mktemp("b") / "bonds.json"), 1, 2)
    own = None  # whose key the stack was given last, untouched since the connection began
    touched = False
    for step, kind, number, secure in steps:
        if step == "set":
            assert bonds.set(kind, peer(number), secret(7, secure)) is True
            touched = True
        elif step == "delete":
            touched |= bonds.set(kind, peer(number), None)
        elif step == "get":
            if bonds.get(kind, 0, peer(number)) is not None and kind == OURS:
                own = number
        else:
            bonds.forget()
            own, touched = None, False
        peer_now = bonds.authorise(1, 1, KEY_BYTES)
        if touched:
            assert peer_now is None
        elif own is not None:
            assert peer_now.key == peer(own)
    assert connect(bonds, 1)
    assert connect(bonds, 2)
    assert [bond.secrets for bond in bonds] == [{OURS: secret(), THEIRS: secret()}] * 2
