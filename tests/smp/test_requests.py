# SPDX-License-Identifier: Apache-2.0
"""Tests the table of requests and the check of them against an independent reading of it."""

import math

import pytest
from glasses import arguments
from glasses.requests import REQUESTS, SETTINGS
from hypothesis import given
from hypothesis import strategies as st
from request_cases import ROWS, WRONG, allows, bodies
from workbench.build import protocol, requests


def test_a_bound_has_a_name_that_is_known_or_is_a_number():
    numbers = {"SMP_GROUP_OS": 0, "SMP_OS_ECHO": 0, "LIMIT_MOST": 9}
    text = '[os_echo.read]\nd = "int {} ?"\n[settings]\n'
    assert '("d", "int", 2, 9, False)' in requests.generate(text.format("0x2..most"), numbers)
    for bad in ("2", "2..", "2..least", "2 to 9"):
        with pytest.raises((ValueError, KeyError)):
            requests.generate(text.format(bad), numbers)


def test_the_table_is_of_commands_that_there_are():
    numbers = protocol.constants(protocol.SOURCE.read_text())
    commands = [
        name
        for name in numbers
        if name.startswith("SMP_") and not name.startswith(("SMP_GROUP", "SMP_HEADER"))
    ]
    assert {(group, id) for group, id, _ in REQUESTS} == {
        (numbers["SMP_GROUP_" + name.split("_")[1]], numbers[name]) for name in commands
    }


@pytest.mark.parametrize("key", REQUESTS, ids=str)
def test_each_argument_is_checked(key):
    rows = REQUESTS[key]
    for body in bodies(rows):
        good = isinstance(body, dict) and all(allows(row, body.get(row[0])) for row in rows)
        if good:
            arguments.check(rows, dict(body))
        else:
            with pytest.raises((arguments.KindError, arguments.RangeError)) as error:
                arguments.check(rows, body)
            assert len(str(error.value)) < 60


@given(st.sampled_from(ROWS), st.one_of(st.integers(), st.text(), st.binary(), st.floats()))
def test_any_value_is_judged_as_the_table_reads(row, value):
    try:
        arguments.check_value(row, value)
    except ValueError:
        assert not allows(row, value)
    else:
        assert allows(row, value)


def test_wrong_values_are_of_every_type():
    assert {type(value) for value in WRONG} == {
        *(bool, int, float, str, bytes, list, dict, type(None))
    }
    assert any(isinstance(value, float) and math.isnan(value) for value in WRONG)


def test_settings_that_have_defaults_are_those_of_the_table():
    from glasses.config import DEFAULTS

    assert DEFAULTS.keys() == SETTINGS.keys()
    for key, row in SETTINGS.items():
        assert row[0] == key
        arguments.check_value(row, DEFAULTS[key])
