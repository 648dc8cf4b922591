# SPDX-License-Identifier: Apache-2.0
"""`glint hil` on glasses of which only the name is known, with an emulated person."""

import asyncio
import os
import re
import shutil
import subprocess
import sys

import pytest
from workbench.emulation import sound
from workbench.emulation.simprocess import simulator
from workbench.paths import ROOT

TIMEOUT_S = 120
# press, wake word, power cut, clock, and whether they are well: the others are skipped.
PASSED = 5


class Person:
    """Does to emulated glasses what is asked for."""

    def __init__(self, sim, folder):
        self._sim = sim
        self._folder = folder
        self.asked = []

    async def do(self, request):
        verb, _, rest = request.partition(" ")
        self.asked.append(verb)
        mark = self._sim.mark()
        if verb == "Show":
            (folder,) = re.findall(r"what is in (\S+),", rest)
            self._sim.do("camera", folder=folder)
        elif verb == "Press":
            self._sim.do("button", pressed=True)
            self._sim.do("button", pressed=False)
        elif verb == "Say":
            (phrases,) = re.findall(r"to the glasses: (.*)\. Then", rest)
            parts = [sound.silence(1.5)]
            for phrase in phrases.split(", "):
                parts += [sound.speech(phrase), sound.silence(1.5)]
            sound.save(self._folder / "said.wav", sound.join(*parts))
            self._sim.do("mic", files=[str(self._folder / "said.wav")], realtime=False)
            await self._sim.wait_for("mic_done", since=mark, timeout_s=60)
        else:
            assert request.startswith("Cut the power")
            self._sim.do("power")
            await self._sim.wait_for("restarted", since=mark, timeout_s=60)


@pytest.fixture
def project(tmp_path):
    return shutil.copytree(ROOT / "examples" / "own_tests", tmp_path / "own")


async def test_a_person_is_asked_and_a_verdict_given(project, tmp_path):
    command = [sys.executable, "-m", "glint", "hil", "--glasses", "ble:Glint"]
    said = []
    async with simulator() as sim:
        person = Person(sim, tmp_path)
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=project,
            env=os.environ | {"GLINT_HCI": sim.address, "PYTHONUNBUFFERED": "1"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(TIMEOUT_S):
            async for line in process.stdout:
                said.append(line.decode().rstrip())
                if said[-1].startswith(">>> "):
                    await person.do(said[-1].removeprefix(">>> "))
                    process.stdin.write(b"\n")
            await process.wait()
    text = "\n".join(said)
    assert process.returncode == 0, text
    assert sorted(person.asked) == ["Cut", "Press", "Say", "Show"]
    tests = len(re.findall(r"(?m)^async def test_", (project / "test_photo_button.py").read_text()))
    verdict = f"GOOD: ble:Glint: {PASSED} passed, 0 failed, {tests - PASSED} skipped"
    assert verdict in said, text
    assert f"the report: {project / 'report' / 'report.html'}" in said
    assert "glasses 'ble:Glint' lack range" in text
    assert "neither a program nor a person can do this to real glasses" in text
    page = (project / "report" / "report.html").read_text()
    assert f"<p>{PASSED} passed, 0 failed, {tests - PASSED} skipped</p>" in page


def test_tests_that_cannot_run_are_no_good_verdict(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "glint", "hil", "--glasses", "windows"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "--glasses=windows: no such target" in done.stderr
    assert "BAD: windows: 0 passed, 0 failed, 0 skipped" in done.stdout
