# SPDX-License-Identifier: Apache-2.0
"""Starts the board anew."""

import sys

# What a process ends with for whoever started it to start it anew.
RESET_STATUS = 75


def reset():
    """Starts the board anew; a process ends with RESET_STATUS instead."""
    try:
        from machine import reset
    except ImportError:
        sys.exit(RESET_STATUS)
    reset()
