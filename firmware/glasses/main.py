# SPDX-License-Identifier: Apache-2.0
"""What the board runs at boot. No update replaces this file, or what is in the package `boot`."""

import board

from glasses.boot import start


def application():
    """The application's class, of an update once a slot was entered."""
    from glasses.app import Glasses

    return Glasses


def safe_mode():
    """The class of safe mode, of what the board came with."""
    from glasses.safe import SafeMode

    return SafeMode


start.run(board, application, safe_mode)
