# SPDX-License-Identifier: Apache-2.0
# Frozen: runs after boot.py of the flash, unless the chip is in safe mode.

try:
    __import__("glasses.main")
except SystemExit:  # it has said why; the console stays open to mend it
    pass
