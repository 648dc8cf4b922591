# SPDX-License-Identifier: Apache-2.0
"""When events happened, by this machine's clock, and in which run of the glasses."""

import dataclasses
from datetime import UTC, datetime, timedelta

from glint.events import Boot, Event


class Timeline:
    """The runs of one pair of glasses, as far as they are known.

    Attributes:
        boot: Random number of the run that the glasses are in; None until they have told.
    """

    def __init__(self) -> None:
        self.boot: int | None = None
        self._own = 0  # the first number of this run
        self._began: datetime | None = None
        self._earlier: int | None = None  # the run that began with the last boot event before

    def started(
        self, boot: int, own: int, uptime_ms: int | None, asked: datetime, answered: datetime
    ) -> None:
        """Takes what the glasses say of the run that they are in.

        Args:
            boot: Its random number.
            own: Its first event; 0 if they do not say.
            uptime_ms: How long it has lasted; None if they do not say.
            asked: When they were asked.
            answered: When the answer came.
        """
        self.boot, self._own, self._earlier = boot, own, None
        self._began = None
        if uptime_ms is not None:
            half_way = asked + (answered - asked) / 2
            self._began = half_way - timedelta(milliseconds=uptime_ms)

    def dated(self, event: Event) -> Event:
        """Returns the event with its time and its run."""
        if event.seq >= self._own:
            if self._began is None:
                return dataclasses.replace(event, boot_id=self.boot)
            time = self._began + timedelta(milliseconds=event.time_ms)
            return dataclasses.replace(event, time=time, boot_id=self.boot)
        if isinstance(event, Boot):
            self._earlier = event.boot
        return dataclasses.replace(event, boot_id=self._earlier)


def now() -> datetime:
    """The time of day, in UTC."""
    return datetime.now(UTC)
