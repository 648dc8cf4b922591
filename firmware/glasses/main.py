# SPDX-License-Identifier: Apache-2.0
"""The board runs this at boot. No update replaces this file or the package `boot`."""

import board

from glasses.boot import start


def application():
    """The application's class, from the update if a slot was entered."""
    from glasses.app import Glasses

    return Glasses


def safe_mode():
    """The class of safe mode, always the built-in one."""
    from glasses.safe import SafeMode

    return SafeMode


start.run(board, application, safe_mode)
