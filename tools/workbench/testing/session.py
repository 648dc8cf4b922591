# SPDX-License-Identifier: Apache-2.0
"""A run of pytest with glasses under test: each test runs on all glasses that can do it."""

from __future__ import annotations

import inspect
from collections.abc import Generator
from typing import Any

import pytest

from workbench.testing import base, fixtures, targets

# The abilities that our fixtures need.
NEEDED_BY = {
    "board": "bluetooth",
    "clock": "bluetooth",
    "console": "console",
    "glasses": "bluetooth",
    "radio": "range",
    "senses": "peripherals",
}


def _ours(item: Any) -> set[str]:
    """Returns our fixtures that a test uses, directly or not, and does not define itself."""
    found = item._fixtureinfo.name2fixturedefs.items()
    return {name for name, defined in found if defined[-1].func.__module__ == fixtures.__name__}


class Session:
    """The hooks of a run.

    Args:
        config: pytest's configuration.
        names: The names of the glasses.

    Raises:
        pytest.UsageError: There are no such glasses.
    """

    def __init__(self, config: pytest.Config, names: list[str]) -> None:
        self._names = names
        for name in names:
            if why := targets.unknown(name):
                raise pytest.UsageError(f"--glasses={name}: {why}")
        base.settings.person = config.getoption("glasses_person")
        base.settings.words = config.getini("glasses_words")
        base.settings.files = config.getini("glasses_flash")

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "target_name" in metafunc.fixturenames:
            metafunc.parametrize("target_name", self._names, indirect=True, scope="session")

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_pycollect_makeitem(self) -> Generator[None, Any, Any]:
        """Makes tests run in the session's event loop, before pytest-asyncio acts."""
        made = yield
        for item in made if isinstance(made, list) else [made]:
            if not isinstance(item, pytest.Function) or not inspect.iscoroutinefunction(item.obj):
                continue
            marked = item.get_closest_marker("asyncio")
            if "target" in _ours(item) and not (marked and marked.kwargs):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        return made

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skips tests that the target cannot do, before fixtures of any scope start."""
        parameters = getattr(item, "callspec", None)
        name = parameters.params.get("target_name") if parameters else None
        if name is None:
            return
        needed = {ability for marker in item.iter_markers("needs") for ability in marker.args}
        if nonsense := needed - base.ABILITIES:
            known = ", ".join(sorted(base.ABILITIES))
            what = ", ".join(sorted(nonsense))
            pytest.fail(f"needs: there is no ability {what}; there are {known}", pytrace=False)
        used = _ours(item) & NEEDED_BY.keys()
        if base.settings.person and not targets.is_emulated(name):
            used -= {"senses"}
        needed |= {NEEDED_BY[fixture] for fixture in used}
        if why := targets.lacking(name, needed):
            pytest.skip(why)
