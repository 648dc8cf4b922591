# SPDX-License-Identifier: Apache-2.0
"""The runners by the names of their boards."""

from __future__ import annotations

from workbench.runners.runner import Runner

# Boards whose image counts instructions in QEMU.
COUNTING = ("corstone300", "mps2_an386")
BOARDS = ("linux", *COUNTING, "rv32", "xtensa")


def runner(board: str) -> Runner:
    """What runs scripts on one of BOARDS; imports what that needs, which takes a while."""
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
