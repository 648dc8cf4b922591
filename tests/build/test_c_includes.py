# SPDX-License-Identifier: Apache-2.0
"""The includes between the parts of the C modules have no cycles."""

import graphlib
import re

import pytest
from workbench.paths import MODULES

NAMES = sorted(path.name for path in MODULES.iterdir() if any(path.glob("*.c")))


def needs(module):
    """Maps each part, a header with the file of the same name, to the parts that it includes."""
    root = MODULES / module
    parts = {}
    for path in [*root.rglob("*.c"), *root.rglob("*.h")]:
        named = re.findall(r'^#include "([\w./]+)"', path.read_text(), re.MULTILINE)
        found = [(folder / name).resolve() for name in named for folder in (path.parent, root)]
        found += [(root / "core" / name).resolve() for name in named]
        there = {other.with_suffix("") for other in found if other.is_file()}
        parts.setdefault(path.with_suffix(""), set()).update(there - {path.with_suffix("")})
    return parts


@pytest.mark.parametrize("module", NAMES)
def test_what_includes_what_has_no_circles(module):
    order = list(graphlib.TopologicalSorter(needs(module)).static_order())
    assert order
