# SPDX-License-Identifier: Apache-2.0
"""Options and fixtures of all tests; those of the glasses under test are the workbench's."""

import os
import signal
import tempfile

import hypothesis
import pytest
import sweep
from workbench.emulation.radio.stacks import DEFAULT, STACKS
from workbench.paths import ROOT
from workbench.testing.base import settings

# The companion's bonds belong to the run, not to whoever runs the tests.
_state = tempfile.TemporaryDirectory(prefix="glint-state-")
os.environ["XDG_STATE_HOME"] = _state.name

# The Makefile says so, too.
MIRROR = ROOT.parent / "shared" / "models"
if MIRROR.is_dir():
    os.environ.setdefault("GLINT_MIRROR", str(MIRROR))

# A job in the background of a script ignores Ctrl-C, and so would what the tests start and stop.
signal.signal(signal.SIGINT, signal.default_int_handler)


# No test asserts how long something takes: the machine may be busy.
hypothesis.settings.register_profile("glint", deadline=None)
hypothesis.settings.load_profile("glint")


def pytest_addoption(parser):
    parser.addoption(
        "--stack",
        default=DEFAULT,
        choices=list(STACKS),
        help=f"the Bluetooth stack that emulated glasses behave like [{DEFAULT}]",
    )


def pytest_configure(config):
    settings.stack = config.getoption("--stack")
    config.addinivalue_line("markers", "stacks: run with every Bluetooth stack there is")
    config.addinivalue_line("markers", "sweep: run by `make test-all` only (see sweep.py)")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """The workers of `-n auto`: most tests wait for emulated glasses more than they compute."""
    return (os.cpu_count() or 1) + 1


def pytest_generate_tests(metafunc):
    if "stack" in metafunc.fixturenames:
        every = metafunc.definition.get_closest_marker("stacks")
        names = list(STACKS) if every else [metafunc.config.getoption("--stack")]
        metafunc.parametrize("stack", names, indirect=True, scope="module")


def pytest_runtest_setup(item):
    """Skips sweeps before fixtures of any scope start."""
    if not sweep.WHOLE and item.get_closest_marker("sweep"):
        pytest.skip("a sweep: make test-all runs it")


@pytest.fixture(scope="module")
def stack(request):
    """The name of the Bluetooth stack that emulated glasses behave like."""
    before, settings.stack = settings.stack, request.param
    yield request.param
    settings.stack = before
