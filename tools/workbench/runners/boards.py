# SPDX-License-Identifier: Apache-2.0
"""The runners by the names of their boards."""

from __future__ import annotations

from workbench.runners.cortexm import CortexM
from workbench.runners.linux import Linux
from workbench.runners.runner import Runner
from workbench.runners.rv32 import Rv32
from workbench.runners.xtensa import Xtensa

# Boards whose image counts instructions in QEMU.
COUNTING = ("corstone300", "mps2_an386")
RUNNERS: dict[str, Runner] = {
    "linux": Linux(),
    **{board: CortexM(board) for board in COUNTING},
    "rv32": Rv32(),
    "xtensa": Xtensa(),
}
