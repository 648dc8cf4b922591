# SPDX-License-Identifier: Apache-2.0
"""What the board runs at boot."""

import board

from glasses.boot import start

start.run(board)
