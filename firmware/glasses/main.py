# SPDX-License-Identifier: Apache-2.0
"""What the board runs at boot."""

import board

from glasses import boot

boot.run(board)
