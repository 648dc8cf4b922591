# SPDX-License-Identifier: Apache-2.0
"""What the board runs at boot."""

import asyncio
import sys

import board
from glasses.app import Glasses

try:
    glasses = Glasses(board)
except (OSError, ValueError, MemoryError) as error:
    print("glasses:", error)
    sys.exit(1)
asyncio.run(glasses.run())
