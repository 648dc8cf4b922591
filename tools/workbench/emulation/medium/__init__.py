# SPDX-License-Identifier: Apache-2.0
"""A simulated Bluetooth LE medium: hosts connect to an HCI socket and get a controller each."""

import logging

from workbench.emulation.medium.link import Medium
from workbench.emulation.medium.server import Server, new_controller, serve
from workbench.emulation.medium.timing import Timing

__all__ = ["Medium", "Server", "Timing", "new_controller", "serve"]

# bumble logs warnings about what peers do; without this handler, Python prints them to the terminal
# of programs that never configure logging.
logging.getLogger("bumble").addHandler(logging.NullHandler())
