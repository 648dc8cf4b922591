# SPDX-License-Identifier: Apache-2.0
"""Fuzzes link and simulation bus with a few fixed seeds; workbench.fuzz runs more."""

import pytest
from workbench.fuzz import link


@pytest.mark.parametrize("target", link.TARGETS)
def test_no_fault_on_the_device(target):
    assert link.device(target, seed=1, inputs=4000).inputs == 4000


@pytest.mark.parametrize("target", link.TARGETS)
def test_no_fault_on_the_host(target):
    assert link.host(target, seed=1, inputs=2000).inputs == 2000


def test_a_fault_is_found(tmp_path, monkeypatch):
    for name in ("fuzz", "fuzz_board", "mutate"):
        code = (link.CHECKS / f"{name}.py").read_text()
        (tmp_path / f"{name}.py").write_text(code.replace("except ValueError:", "except OSError:"))
    monkeypatch.setattr(link, "CHECKS", tmp_path)
    with pytest.raises(link.LinkFuzzError, match=r"(?s)cbor, seed 1, on the device.*ValueError"):
        link.device("cbor", seed=1, inputs=4000)
