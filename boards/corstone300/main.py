# SPDX-License-Identifier: Apache-2.0
# Frozen: runs after boot.py of the flash, unless the chip is in safe mode, and instead of its own
# main.py, which is what `glint deploy` put there.

import os

# A board that nobody has set up yet stays at the console, and its flash as it is.
names = os.listdir("/")
try:
    if "main.py" in names:
        with open("/main.py") as file:
            exec(file.read())
    elif "config.json" in names:
        __import__("glasses.main")
except SystemExit:  # it has said why; the console stays open to mend it
    pass
