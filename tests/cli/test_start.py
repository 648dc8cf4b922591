# SPDX-License-Identifier: Apache-2.0
"""Tests how `glint` starts: imports before the command is known, its help, and its completion."""

import asyncio
import os
import subprocess
import sys

import pytest
from fake_glasses import fake_advertising

# Each takes a tenth of a second of processor time or more.
HEAVY = ["PIL", "bleak", "bumble", "elftools", "esptool", "numpy", "pydantic", "rich", "serial"]
HEAVY += [
    "aiomqtt",
    "httpx",
    "matplotlib",
    "pocketsphinx",
    "smp",
    "smpclient",
    "soxr",
    "starlette",
    "tflite_micro",
    "uvicorn",
    "workbench.build.zoo",
    "workbench.chips.catalog",
    "workbench.device.flash",
    "workbench.emulation.sim",
    "workbench.models.benchmark",
]
# What a request over an HCI transport takes.
BLUETOOTH = {"bleak", "bumble", "pydantic", "smp", "smpclient"}
LOADED = """
import sys
from glint.cli import app
app.build()
print(*sys.modules)
"""
RUN = """
import sys
from glint.cli import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
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


def loaded_by(*arguments, **environment):
    """The modules that a command has imported when it ends."""
    command = [sys.executable, "-c", RUN, *arguments]
    environment = {**os.environ, **environment}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("command", [[], ["info"], ["models"], ["budget"], ["boards"]])
def test_help_imports_nothing_that_only_a_command_needs(command):
    allowed = {"pydantic"} if command else set()  # typer's own, for options with a least value
    assert sorted(loaded_by(*command, "--help") & set(HEAVY) - allowed) == []


async def test_info_imports_only_bluetooth():
    async with fake_advertising() as (_, hci):
        loaded = await asyncio.to_thread(loaded_by, "info", GLINT_HCI=hci)
    assert loaded & set(HEAVY) == BLUETOOTH


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
