# SPDX-License-Identifier: Apache-2.0
"""Options and fixtures of all tests. `pytest --glasses=TARGET` chooses the glasses under test."""

import os
import signal
import tempfile

import hypothesis
import pytest
import pytest_asyncio
import sweep
import targets
from workbench.emulation.radio.stacks import DEFAULT, STACKS

# The companion's bonds belong to the run, not to whoever runs the tests.
_state = tempfile.TemporaryDirectory(prefix="glint-state-")
os.environ["XDG_STATE_HOME"] = _state.name

# A job in the background of a script ignores Ctrl-C, and so would what the tests start and stop.
signal.signal(signal.SIGINT, signal.default_int_handler)


# No test asserts how long something takes: the machine may be busy.
hypothesis.settings.register_profile("glint", deadline=None)
hypothesis.settings.load_profile("glint")


def pytest_addoption(parser):
    parser.addoption(
        "--glasses",
        default="linux",
        help=f"run the feature tests on: {', '.join(targets.TARGETS)} or serial:PORT [linux]",
    )
    parser.addoption(
        "--stack",
        default=DEFAULT,
        choices=list(STACKS),
        help=f"the Bluetooth stack that emulated glasses behave like [{DEFAULT}]",
    )


def pytest_configure(config):
    targets.stack = config.getoption("--stack")
    config.addinivalue_line(
        "markers", "needs(*abilities): skip on glasses that lack one of targets.ABILITIES"
    )
    config.addinivalue_line("markers", "stacks: run with every Bluetooth stack there is")
    config.addinivalue_line("markers", "sweep: run by `make test-all` only (see sweep.py)")
    name = config.getoption("--glasses")
    if name not in targets.TARGETS and not name.startswith(targets.SERIAL):
        known = ", ".join(targets.TARGETS)
        raise pytest.UsageError(
            f"--glasses={name}: no such target; there are: {known}, serial:PORT"
        )


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
    """Skips what the target cannot do, before fixtures of any scope start."""
    if not sweep.WHOLE and item.get_closest_marker("sweep"):
        pytest.skip("a sweep: make test-all runs it")
    needed = {ability for marker in item.iter_markers("needs") for ability in marker.args}
    if "glasses" in item.fixturenames:
        needed.add("bluetooth")
    if needed and (why := targets.lacking(item.config.getoption("--glasses"), needed)):
        pytest.skip(why)


@pytest.fixture(scope="module")
def stack(request):
    """The name of the Bluetooth stack that emulated glasses behave like."""
    before, targets.stack = targets.stack, request.param
    yield request.param
    targets.stack = before


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def target(request):
    """The glasses under test, started once."""
    async with targets.named(request.config.getoption("--glasses")) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def glasses(target):
    """A companion connected to the glasses under test, for one test."""
    await target.check()
    async with target.connect() as connected:
        yield connected
