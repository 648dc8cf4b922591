# SPDX-License-Identifier: Apache-2.0
# Frozen: runs after boot.py of the flash, unless the chip is in safe mode.

import os

# A board that nobody has set up yet stays at the console, and its flash as it is.
if "config.json" in os.listdir():
    try:
        __import__("glasses.main")
    except SystemExit:  # it has said why; the console stays open to mend it
        pass
