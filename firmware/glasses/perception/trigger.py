# SPDX-License-Identifier: Apache-2.0
"""Brightness and motion of pictures, and when what they show counts as changed.

These need no model; they decide whether it has to run.
"""

import asyncio

# The number of pixels that are compared along each row and column.
SAMPLES = 16
# After this many rows other tasks get a turn.
ROWS_A_TURN = 4
# A pixel has changed if it differs by more than this many grey levels; sensor noise stays below.
MOTION_LEVELS = 24
# It is motion if this share of the pixels has changed.
MOTION_SHARE = 0.05
# It becomes dark below the first mean grey level, and light again at the second.
DARK_MEAN = 16
LIGHT_MEAN = 24


class Trigger:
    """Compares pictures with a kept one.

    Attributes:
        is_dark: Whether the picture that was compared last is.
    """

    def __init__(self):
        self.is_dark = False
        self._kept = b""
        self._last = b""

    @property
    def has_kept(self):
        """Whether there is a picture to compare with."""
        return len(self._kept) > 0

    async def compare(self, grey, width, height):
        """Returns the share of pixels that differ from the kept picture; 1.0 if there is none."""
        across, down = max(1, width // SAMPLES), max(1, height // SAMPLES)
        samples = len(range(0, width, across)) * len(range(0, height, down))
        last, kept = self._last, self._kept
        if len(last) != samples or last is kept:
            last = bytearray(samples)
        is_new = len(kept) != samples
        if is_new:
            kept = last
        i = changed = rows = 0
        least, most = -MOTION_LEVELS, MOTION_LEVELS  # locals are faster than globals
        for row in range(0, width * height, width * down):
            for at in range(row, row + width, across):
                last[i] = level = grey[at]
                if not least <= level - kept[i] <= most:
                    changed += 1
                i += 1
            rows += 1
            if rows % ROWS_A_TURN == 0:
                await asyncio.sleep_ms(0)
        self._last = last
        self.is_dark = sum(last) < (LIGHT_MEAN if self.is_dark else DARK_MEAN) * samples
        return 1.0 if is_new else changed / samples

    def keep(self):
        """Keeps the last compared picture."""
        self._last, self._kept = self._kept, self._last

    def forget(self):
        """Drops the kept picture."""
        self._kept = b""


class Told:
    """The label reported last; another replaces it once enough looks agree.

    Attributes:
        label: The label reported last, or None.
    """

    def __init__(self):
        self.label = None
        self._other = None
        self._times = 0

    @property
    def is_doubtful(self):
        """Whether the last look's label differs from the reported one."""
        return self._other is not None

    def look(self, label, enough):
        """Returns whether to report `label` from the newest look; None if that was undecided.

        Args:
            enough: The number of consecutive looks that must agree.
        """
        if label is None or label == self.label:
            self._other = None
            return False
        if label != self._other:
            self._other = label
            self._times = 0
        self._times += 1
        if self._times < enough:
            return False
        self.label = label
        self._other = None
        return True
