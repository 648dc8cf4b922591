# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of examples/own_tests in a folder outside the checkout."""

import json
import os
import re
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from glint import protocol
from workbench.paths import ROOT
from workbench.system import provide, say_step

TIMEOUT_S = 180


@pytest.fixture
def project(tmp_path):
    return shutil.copytree(ROOT / "examples" / "own_tests", tmp_path / "own")


def run(folder, *arguments, **environment):
    """Runs pytest there; returns what it printed, and how many tests ended in which way."""
    command = [sys.executable, "-W", "error", "-m", "pytest", "-rs", "-p", "no:cacheprovider"]
    # A run of its own is no worker of this one, nor do its glasses come from a caller's variable.
    ours = ("GLINT_HCI", "PYTEST_XDIST_WORKER")
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    said = done.stdout + done.stderr
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (\w+)", said.splitlines()[-1])}
    return said, {word: counts.get(word, 0) for word in ("passed", "skipped", "failed", "errors")}


def names_in(project):
    return re.findall(r"(?m)^async def (test_\w+)", (project / "test_photo_button.py").read_text())


@pytest.fixture(scope="module")
def on_linux(tmp_path_factory):
    """A run on emulated glasses: the project, its report, and what `run` returns."""
    folder = tmp_path_factory.mktemp("on_linux")
    project = shutil.copytree(ROOT / "examples" / "own_tests", folder / "own")
    said, counts = run(project, "--glasses=linux", "--glasses-report=report")
    return project, project / "report", said, counts


def test_they_run_on_emulated_glasses(on_linux):
    project, _, said, counts = on_linux
    assert counts["passed"] == sum(counts.values()) == len(names_in(project)), said


def test_the_report_has_what_the_glasses_left(on_linux):
    project, report, *_ = on_linux
    cases = ElementTree.parse(report / "junit.xml").findall(".//testcase")
    assert len(cases) == len(names_in(project))
    for case in cases:
        assert case.find("properties/property").attrib == {"name": "glasses", "value": "linux"}
    page = (report / "report.html").read_text()
    assert "<h3>linux</h3>" in page
    assert f"<p>{len(cases)} passed, 0 failed, 0 skipped</p>" in page
    for path in report.glob("linux-1.*"):
        assert f'<a href="{path.name}">' in page
    assert "the extension runs on linux" in (report / "linux-1.console.log").read_text()
    statistics = json.loads((report / "linux-1.statistics.json").read_text())
    assert statistics["heap"]
    assert statistics["smp_svr_stats"]["requests"] > 0


def test_wireshark_opens_the_capture_of_the_radio(on_linux):
    if todo := provide(["tshark"], say_step):
        pytest.skip(f"no Wireshark here: {todo}")
    _, report, *_ = on_linux
    command = ["tshark", "-X", "lua_script:glint.lua", "-r", "linux-1.btsnoop", "-T", "fields"]
    command += ["-e", "glint_event.type", "-e", "glint_smp.group", "-e", "_ws.malformed"]
    done = subprocess.run(command, cwd=report, capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert {"1", str(protocol.EVENT_BUTTON), str(protocol.EVENT_WAKE)} <= {row[0] for row in rows}
    assert str(protocol.SMP_GROUP_GLINT) in {row[1] for row in rows}
    assert not any(row[2] for row in rows)


def test_without_glasses_they_are_skipped(project):
    said, counts = run(project)
    assert counts["skipped"] == sum(counts.values()) == len(names_in(project)), said
    assert "no glasses to test on: run pytest --glasses=linux" in said
