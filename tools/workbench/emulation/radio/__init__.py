# SPDX-License-Identifier: Apache-2.0
"""The Bluetooth radio of emulated glasses, which serve MicroPython's `bluetooth` through it."""

import logging

# As in workbench.emulation.medium, for radios on another controller.
logging.getLogger("bumble").addHandler(logging.NullHandler())
