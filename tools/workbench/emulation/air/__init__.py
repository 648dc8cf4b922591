# SPDX-License-Identifier: Apache-2.0
"""An emulated Bluetooth LE air, at HCI: hosts connect to a socket and get a controller each."""

import logging

from workbench.emulation.air.link import Air
from workbench.emulation.air.server import Server, new_controller, serve
from workbench.emulation.air.timing import Timing

__all__ = ["Air", "Server", "Timing", "new_controller", "serve"]

# bumble warns of what peers do; without this, Python prints that to the terminal of programs that
# never set logging up.
logging.getLogger("bumble").addHandler(logging.NullHandler())
