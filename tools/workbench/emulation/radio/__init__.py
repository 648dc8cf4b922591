# SPDX-License-Identifier: Apache-2.0
"""The radio of emulated glasses: MicroPython's `bluetooth` over the simulation bus."""

import logging

# As in workbench.emulation.medium, for radios on another controller.
logging.getLogger("bumble").addHandler(logging.NullHandler())
