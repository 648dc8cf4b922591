# SPDX-License-Identifier: Apache-2.0
"""constraints.txt pins all that the distributions ask for, and both have the same version."""

from __future__ import annotations

import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from workbench.paths import ROOT

PROJECTS = [
    tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    for folder in ("companion", "tools")
]
PINS = {
    canonicalize_name(pin.name): pin
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if not line.startswith("#")
    for pin in [Requirement(line)]
}


def requirements():
    groups = [
        group
        for project in PROJECTS
        for group in [project["dependencies"], *project["optional-dependencies"].values()]
    ]
    ours = {project["name"] for project in PROJECTS}
    parsed = (Requirement(text) for group in groups for text in group)
    return [requirement for requirement in parsed if requirement.name not in ours]


@pytest.mark.parametrize("requirement", requirements(), ids=lambda requirement: requirement.name)
def test_requirement_is_pinned_within_its_range(requirement):
    (pin,) = PINS[canonicalize_name(requirement.name)].specifier
    assert pin.operator == "=="
    assert requirement.specifier.contains(pin.version, prereleases=True)


def test_pins_name_versions_only():
    assert not [pin.name for pin in PINS.values() if pin.url or pin.extras]


def test_both_distributions_are_of_one_version():
    companion, workbench = PROJECTS
    assert companion["version"] == workbench["version"]
    assert f"glint-companion[hci,speech]=={companion['version']}" in workbench["dependencies"]
