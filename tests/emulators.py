# SPDX-License-Identifier: Apache-2.0
"""The boards that can be emulated on this machine."""

import shutil

import pytest
from workbench.build import micropython
from workbench.emulation.qemu import PROGRAM


def emulated(board):
    """`board`, if it can be emulated here; else the test is skipped."""
    if board != "linux" and shutil.which(PROGRAM) is None:
        pytest.skip(f"{PROGRAM} is not installed")
    try:
        micropython.ensure(board)
    except micropython.BuildError as error:
        pytest.skip(str(error))
    return board
