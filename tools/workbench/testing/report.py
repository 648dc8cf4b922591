# SPDX-License-Identifier: Apache-2.0
"""The report of a run: JUnit, pytest-html's page, and the files of each of the glasses."""

from __future__ import annotations

import collections
import json
import shutil
from collections.abc import Generator
from html import escape
from pathlib import Path
from typing import Any

import pytest
from pytest_html import extras

from workbench.testing.emulated import Emulated
from workbench.testing.left import SUFFIXES

DISSECTOR = Path(__file__).with_name("glint.lua")
OUTCOMES = ("passed", "failed", "skipped")
# The property of a test's report that names its glasses; it is also in JUnit's file.
PROPERTY = "glasses"


def prepare(config: pytest.Config, folder: Path) -> None:
    """Makes pytest and pytest-html write into a folder, and removes an earlier run's files.

    Raises:
        pytest.UsageError: pytest-html is not installed.
    """
    if not config.pluginmanager.hasplugin("html"):
        raise pytest.UsageError(
            "--glasses-report needs pytest-html: pip install glint-workbench[test]"
        )
    if hasattr(config, "workerinput"):
        return  # a worker of pytest-xdist; the main process writes
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in SUFFIXES:
        for path in folder.glob(f"*{suffix}"):
            path.unlink()
    shutil.copy(DISSECTOR, folder)
    config.option.xmlpath = config.option.xmlpath or str(folder / "junit.xml")
    config.option.htmlpath = config.option.htmlpath or str(folder / "report.html")
    config.option.self_contained_html = True


class Report:
    """Adds the glasses to each test's report, and a summary of them to the page."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._counts: dict[str, collections.Counter[str]] = collections.defaultdict(
            collections.Counter
        )
        self._reasons: dict[str, collections.Counter[str]] = collections.defaultdict(
            collections.Counter
        )
        self._told: collections.Counter[int] = collections.Counter()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, Any]:
        report = yield
        parameters = getattr(item, "callspec", None)
        if parameters is None or "target_name" not in parameters.params:
            return report
        if report.when == "setup":
            item.user_properties.append((PROPERTY, parameters.params["target_name"]))
            report.user_properties = list(item.user_properties)
        target = getattr(item, "funcargs", {}).get("target")
        if report.when == "call" and isinstance(target, Emulated):
            lines = [said["line"] for said in target.sim.said("console")]
            told, self._told[id(target)] = self._told[id(target)], len(lines)
            if news := lines[told:]:
                report.extras = [
                    *getattr(report, "extras", []),
                    extras.text("\n".join(news), "console"),
                ]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = dict(report.user_properties).get(PROPERTY)
        if name is None or (report.when != "call" and report.passed):
            return
        self._counts[str(name)][report.outcome] += 1
        if report.skipped and isinstance(report.longrepr, tuple):
            self._reasons[str(name)][report.longrepr[2].removeprefix("Skipped: ")] += 1

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        report.title = "Glasses under test"

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        for name, counts in self._counts.items():
            prefix.append(f"<h3>{escape(name)}</h3>")
            told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES)
            prefix.append(f"<p>{told}</p>")
            prefix.append(_list(f"{n} skipped: {why}" for why, n in self._reasons[name].items()))
        files = sorted(path for suffix in SUFFIXES for path in self._folder.glob(f"*{suffix}"))
        prefix.append("<h3>What the glasses left</h3><ul>")
        prefix += [
            f'<li><a href="{escape(path.name)}">{escape(path.name)}</a>{_statistics(path)}</li>'
            for path in files
        ]
        prefix.append("</ul><p>wireshark -X lua_script:glint.lua -r NAME.btsnoop</p>")


def _list(lines: Any) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _statistics(path: Path) -> str:
    if path.suffix != ".json":
        return ""
    return _list(
        f"{group}: {', '.join(f'{name} {value}' for name, value in fields.items())}"
        for group, fields in json.loads(path.read_text()).items()
    )
