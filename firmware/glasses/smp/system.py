# SPDX-License-Identifier: Apache-2.0
"""SMP's OS group: echo, date and time, parameters, info. (Its reset is in images.py.)"""

import sys

from glasses import config, protocol, smp

_DAYS_400_YEARS = 146097


def facts(board, name):
    """What info tells of glasses called `name` that run the application."""
    return {
        "s": "Glint",
        "n": name,
        "r": config.FIRMWARE,
        "v": "MicroPython " + ".".join(str(n) for n in sys.implementation.version[:3]),
        "m": board,
        "p": sys.platform,
        "i": board,
        "o": "MicroPython",
    }


def serve(server, facts, time_ms):
    """Answers the group's requests with `server`.

    Args:
        server: The smp.Server.
        facts: The letters of SMP's info format to text.
        time_ms: Called for milliseconds since boot.

    Returns the Clock.
    """
    clock = Clock(time_ms)
    parameters = {"buf_size": protocol.LIMIT_SMP_BYTES, "buf_count": 1}

    def echo(body):
        return {"r": body["d"]}

    def info(body):
        letters = body.get("format", "s")
        if "a" in letters:
            letters = "snrvmpio"
        try:
            return {"output": " ".join(facts[letter] for letter in letters)}
        except KeyError:
            raise smp.RequestError(protocol.OS_RC_INVALID_FORMAT, "format " + letters)

    def read_clock(body):
        if clock.offset_ms is None:
            raise smp.RequestError(protocol.OS_RC_CLOCK_NOT_SET, "nobody has set the clock")
        return {"datetime": clock.text()}

    def set_clock(body):
        try:
            clock.set(body["datetime"])
        except ValueError as error:
            raise smp.RequestError(protocol.OS_RC_INVALID_FORMAT, str(error))
        return {}

    group = protocol.SMP_GROUP_OS
    server.handle(group, protocol.SMP_OS_ECHO, smp.WRITE, echo)
    server.handle(group, protocol.SMP_OS_ECHO, smp.READ, echo)
    server.handle(group, protocol.SMP_OS_DATETIME, smp.READ, read_clock)
    server.handle(group, protocol.SMP_OS_DATETIME, smp.WRITE, set_clock)
    server.handle(group, protocol.SMP_OS_PARAMETERS, smp.READ, lambda body: parameters)
    server.handle(group, protocol.SMP_OS_INFO, smp.READ, info)
    return clock


class Clock:
    """Date and time since a companion has set them.

    The board's own clock is not used: ports differ in how it is set and in its epoch.

    Attributes:
        offset_ms: When the glasses started, in milliseconds since 1970, or None.
    """

    def __init__(self, time_ms):
        self.offset_ms = None
        self._time_ms = time_ms

    def set(self, text):
        """Takes "2026-01-31T12:34:56", with a fraction or not, UTC or not. Raises ValueError."""
        if text.endswith("Z"):
            text = text[:-1]
        whole, _, fraction = text.partition(".")
        shape = "".join("0" if "0" <= letter <= "9" else letter for letter in whole)
        digits = fraction or "0"
        if shape != "0000-00-00T00:00:00" or not all("0" <= letter <= "9" for letter in digits):
            raise ValueError("not YYYY-MM-DDTHH:MM:SS[.f][Z]")
        year, month, day = int(whole[:4]), int(whole[5:7]), int(whole[8:10])
        hour, minute, second = int(whole[11:13]), int(whole[14:16]), int(whole[17:19])
        days = days_from_date(year, month, day) if 1 <= month <= 12 and 1 <= day <= 31 else -1
        if days < 0 or date_from_days(days) != (year, month, day):
            raise ValueError("no such day")
        if hour > 23 or minute > 59 or second > 59:
            raise ValueError("no such time of day")
        ms = int((digits + "00")[:3])
        seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
        self.offset_ms = seconds * 1000 + ms - self._time_ms()

    def text(self):
        seconds, ms = divmod(self.offset_ms + self._time_ms(), 1000)
        days, second = divmod(seconds, 86400)
        date = date_from_days(days)
        time = (second // 3600, second // 60 % 60, second % 60)
        return "%04d-%02d-%02dT%02d:%02d:%02d.%03d000" % (date + time + (ms,))


def days_from_date(year, month, day):
    """Days since 1970-01-01 in the Gregorian calendar, whose years here begin with March."""
    year -= month < 3
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return 365 * year + year // 4 - year // 100 + year // 400 + day_of_year - 719468


def date_from_days(days):
    """(year, month, day) of a day counted from 1970-01-01."""
    days += 719468
    era, days = divmod(days, _DAYS_400_YEARS)
    year = (days - days // 1460 + days // 36524 - days // (_DAYS_400_YEARS - 1)) // 365
    days -= 365 * year + year // 4 - year // 100
    month = (5 * days + 2) // 153
    day = days - (153 * month + 2) // 5 + 1
    month = (month + 2) % 12 + 1
    return era * 400 + year + (month < 3), month, day
