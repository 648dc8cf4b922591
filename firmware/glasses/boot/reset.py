# SPDX-License-Identifier: Apache-2.0
"""Resets the board."""

import sys

# The exit status of a process that asks its parent to start it again.
RESET_STATUS = 75


def reset():
    """Resets the board; a process ends with RESET_STATUS instead."""
    try:
        from machine import reset
    except ImportError:
        sys.exit(RESET_STATUS)
    reset()
