# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of examples/own_tests in a folder outside the checkout."""

import asyncio
import os
import re
import shutil
import subprocess
import sys

import pytest
from workbench.emulation.simprocess import simulator
from workbench.paths import ROOT

TIMEOUT_S = 180


@pytest.fixture
def project(tmp_path):
    return shutil.copytree(ROOT / "examples" / "own_tests", tmp_path / "own")


def run(folder, *arguments, **environment):
    """Runs pytest there; returns what it printed, and how many tests ended in which way."""
    command = [sys.executable, "-W", "error", "-m", "pytest", "-rs", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env={name: os.environ[name] for name in os.environ if name != "GLINT_HCI"} | environment,
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


def test_they_run_on_emulated_glasses(project):
    said, counts = run(project, "--glasses=linux")
    assert counts == {"passed": len(names_in(project)), "skipped": 0, "failed": 0, "errors": 0}, (
        said
    )


def test_without_glasses_they_are_skipped(project):
    said, counts = run(project)
    assert counts["skipped"] == sum(counts.values()) == len(names_in(project)), said
    assert "no glasses to test on: run pytest --glasses=linux" in said


async def test_what_glasses_cannot_do_is_skipped_with_the_reason(project, tmp_path):
    """As on real glasses, which are reached by their name alone."""
    async with simulator() as sim:
        said, counts = await asyncio.to_thread(
            run, project, "--glasses=ble:Glint", GLINT_HCI=sim.address, XDG_STATE_HOME=str(tmp_path)
        )
    assert counts["failed"] == counts["errors"] == 0, said
    assert counts["passed"] >= 2, said
    assert "glasses 'ble:Glint' lack peripherals" in said
    assert "these glasses are real: nobody presses, drains or unplugs them" in said
