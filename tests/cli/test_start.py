# SPDX-License-Identifier: Apache-2.0
"""Tests how `glint` starts: imports before the command is known, its help, and its completion."""

import os
import subprocess
import sys

import pytest

# Each takes a tenth of a second of processor time or more.
HEAVY = ["PIL", "bleak", "bumble", "elftools", "esptool", "numpy", "pydantic", "rich", "serial"]
HEAVY += [
    "smp",
    "smpclient",
    "soxr",
    "tflite_micro",
    "workbench.emulation.sim",
    "workbench.device.flash",
]
LOADED = """
import sys
from glint.cli import app
app.build()
print(*sys.modules)
"""


def run(*arguments, **environment):
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=True,
    )
    return done.stdout


def test_no_command_costs_what_another_needs():
    loaded = set(run("-c", LOADED).split())
    assert "workbench.cli.model" in loaded
    assert sorted(loaded & set(HEAVY)) == []


def test_a_request_costs_no_pictures_and_no_simulated_radio():
    loaded = set(run("-c", "import sys, glint.client; print(*sys.modules)").split())
    assert {"bleak", "smpclient"} <= loaded
    assert sorted(loaded & {"PIL", "bumble", "numpy"}) == []


@pytest.mark.parametrize("command", [[], ["info"], ["config"], ["config", "set"], ["sim"]])
def test_h_is_help(command):
    assert run("-m", "glint", *command, "-h") == run("-m", "glint", *command, "--help")


@pytest.mark.parametrize(
    ("words", "completed"),
    [("glint li", "listen"), ("glint config s", "set"), ("glint flash --mi", "--micropython")],
)
def test_a_shell_completes(words, completed):
    environment = {
        "_GLINT_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    glint = os.path.join(os.path.dirname(sys.executable), "glint")
    assert completed in run(glint, **environment).split()
