# SPDX-License-Identifier: Apache-2.0
"""Finds the runner of a board by the board's name."""

from __future__ import annotations

from workbench.runners.runner import Runner

# Boards whose image can count instructions in QEMU.
COUNTING = ("corstone300", "mps2_an386")
BOARDS = ("linux", *COUNTING, "rv32", "xtensa")


def runner(board: str) -> Runner:
    """Returns the runner of one of BOARDS; importing it takes a while."""
    if board == "linux":
        from workbench.runners.linux import Linux

        return Linux()
    if board == "rv32":
        from workbench.runners.rv32 import Rv32

        return Rv32()
    if board == "xtensa":
        from workbench.runners.xtensa import Xtensa

        return Xtensa()
    from workbench.runners.cortexm import CortexM

    return CortexM(board)
