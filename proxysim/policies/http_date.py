"""Dates as HTTP writes them."""

from __future__ import annotations

import re
from calendar import monthrange, timegm
from datetime import UTC, datetime

from proxysim.policies.memory import kept

__all__ = ["http_date", "written"]

_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name.lower(): number for number, name in enumerate(_NAMES, 1)}
_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_DAYS = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_LONG_DAYS = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_MONTH = "(?P<month>[A-Za-z]{3})"
_READ = re.ASCII | re.IGNORECASE
_FORMS = (
    re.compile(rf"{_DAYS}, (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_CLOCK} GMT", _READ),
    re.compile(rf"{_LONG_DAYS}, (?P<day>\d\d)-{_MONTH}-(?P<year>\d\d) {_CLOCK} GMT", _READ),
    re.compile(rf"{_DAYS} {_MONTH} (?P<day>[ \d]\d) {_CLOCK} (?P<year>\d{{4}})", _READ),
)


@kept(4096)
def http_date(text: str) -> float | None:
    """Seconds since 1970 in one of HTTP's three date forms, or None for anything else.

    Upper and lower case are one, and only GMT is a zone (RFC 9111, section 4.2). A year of two
    digits is of 1970 to 2069. Source: RFC 9110, section 5.6.7.
    """
    found = next((match for form in _FORMS if (match := form.fullmatch(text.strip(" \t")))), None)
    if found is None or (month := _MONTHS.get(found["month"].lower(), 0)) == 0:
        return None
    year, day = int(found["year"]), int(found["day"])
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"])
    if len(found["year"]) == 2:
        year += 2000 if year < 70 else 1900
    if (
        year < 1
        or not 1 <= day <= monthrange(year, month)[1]
        or hour > 23
        or minute > 59
        or second > 60
    ):
        return None
    return float(timegm((year, month, day, hour, minute, second)))


def written(seconds: float) -> str:
    """The preferred form of the date *seconds* after 1970 began (RFC 9110, section 5.6.7)."""
    at = datetime.fromtimestamp(int(seconds), UTC)
    return f"{_WEEK[at.weekday()]}, {at:%d} {_NAMES[at.month - 1]} {at.year:04} {at:%H:%M:%S} GMT"
