# SPDX-License-Identifier: Apache-2.0
"""Tells a peer that ended the link from a link that the radio lost."""

from bleak.exc import BleakError


class TurnedAwayError(BleakError):
    """The peer itself ended the link, as soon as there was one; the radio did not lose it."""


def turned_away(error: BaseException | None) -> bool:
    """Whether that is what an error comes from, as far as the system tells."""
    while error is not None and not isinstance(error, TurnedAwayError):
        error = error.__cause__
    return error is not None
