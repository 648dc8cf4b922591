# SPDX-License-Identifier: Apache-2.0
"""The self-test of native code gives the expected values on every board."""

import copy
import json

import pytest
from workbench.device import selftest


@pytest.fixture(scope="module")
def report(target_name):
    if target_name not in ("linux", "corstone300"):
        pytest.skip(f"glasses '{target_name}' run it when they are deployed: glint deploy")
    return selftest.run_emulated(target_name)


def test_the_board_computes_what_it_has_to(report):
    selftest.verify(report)
    assert report["tflm"]["outputs"] == json.loads(selftest.EXPECTED.read_text())["tflm"]["outputs"]


def test_it_tells_speed_and_free_heap(report):
    assert report["hop_us"] > 0
    assert report["heap_free"] > 500_000


@pytest.mark.parametrize(("part", "name"), [("micdsp", "features"), ("tflm", "outputs")])
def test_a_wrong_value_is_named(report, part, name):
    wrong = copy.deepcopy(report)
    wrong[part][name] = "0" * 64
    with pytest.raises(selftest.SelftestError, match=f"{part}.{name}; its native modules"):
        selftest.verify(wrong)
