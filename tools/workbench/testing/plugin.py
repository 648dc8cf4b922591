# SPDX-License-Identifier: Apache-2.0
"""What pytest loads in every environment that has the workbench: little more than the options.

Slow imports happen only once glasses are named: `pytest --glasses=linux`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

# The fixtures of workbench.testing.fixtures.
FIXTURES = frozenset(
    {"board", "clock", "console", "glasses", "radio", "senses", "target", "target_name"}
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("glasses", "glasses under test")
    group.addoption(
        "--glasses",
        action="append",
        metavar="TARGET",
        help="run the tests of glasses on linux, corstone300, serial:PORT or ble:NAME; "
        "may be repeated",
    )
    group.addoption(
        "--glasses-person",
        action="store_true",
        help="ask the person at the terminal for what real glasses need (with -s)",
    )
    group.addoption(
        "--glasses-report",
        metavar="FOLDER",
        help="write the run's report there: one HTML page, JUnit, console logs, radio captures",
    )
    parser.addini("glasses", "the glasses under test where no --glasses is given", "args")
    parser.addini("glasses_words", "wake words of emulated glasses", "args", ["okay_nabu"])
    parser.addini("glasses_flash", "folder of files for the flash of emulated glasses", "paths")


def chosen(config: pytest.Config) -> list[str]:
    """The names of the glasses under test; empty if there are none."""
    return list(dict.fromkeys(config.getoption("glasses") or config.getini("glasses")))


@pytest.hookimpl(tryfirst=True)  # before the report plugins read their paths
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "needs(*abilities): skip on glasses that lack one of workbench.testing.base.ABILITIES",
    )
    names = chosen(config)
    if not names:
        return
    if not config.pluginmanager.hasplugin("asyncio"):
        raise pytest.UsageError("--glasses needs pytest-asyncio: pip install glint-workbench[test]")
    from workbench.testing import fixtures, session

    if folder := config.getoption("glasses_report"):
        from workbench.testing import base, report

        base.settings.report = Path(folder).absolute()
        report.prepare(config, base.settings.report)
        config.pluginmanager.register(report.Report(base.settings.report), "glint-report")
    config.pluginmanager.register(session.Session(config, names), "glint-session")
    config.pluginmanager.register(fixtures, "glint-fixtures")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips tests of glasses if none are named, as pytest then lacks their fixtures."""
    info = getattr(item, "_fixtureinfo", None)
    if info is None or chosen(item.config):
        return
    unknown = FIXTURES.intersection(info.names_closure) - info.name2fixturedefs.keys()
    if unknown:
        pytest.skip("no glasses to test on: run pytest --glasses=linux, or name others")
