# SPDX-License-Identifier: Apache-2.0
"""What the board runs at boot."""

import asyncio
import sys

import board

from glasses.app import Glasses

try:
    asyncio.run(Glasses(board).run())
except (OSError, ValueError, MemoryError) as error:
    sys.print_exception(error)
    print("glasses:", error)
    sys.exit(1)
