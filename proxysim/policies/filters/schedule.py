"""Schedules: at which times of the week a rule holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar

from proxysim.errors import ScenarioError
from proxysim.messages import Request

__all__ = ["Schedule", "moment"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 24 * 60  # minutes
_WEEK = 7 * _DAY
_ENTRY = re.compile(
    r"(?P<days>[a-z]{3}(?:\s*[-,]\s*[a-z]{3})*)?\s*"
    r"(?:(?P<from>\d\d?:\d\d)\s*-\s*(?P<to>\d\d?:\d\d))?\Z",
    re.ASCII | re.IGNORECASE,
)
_MOMENT = re.compile(r"([a-z]{3})\s+(\d\d?:\d\d)\Z", re.ASCII | re.IGNORECASE)


class Schedule:
    """Matches at the listed times: ``Mon-Fri 08:00-18:00``, ``Sat, Sun``, ``22:00-06:00``.

    Days alone are whole days, hours alone are those of every day. Hours end before their last
    minute; those that pass midnight belong to the day on which they begin. The proxy's clock is
    taken to stand at *starts* (seconds into the week, from Monday 00:00) when it shows 0. There is
    one time zone, and no summer time. O(1), of a table with a bit for each minute of the week.

    Source: Squid ``acl time``.
    """

    __slots__ = ("_on", "_starts")

    in_tunnels: ClassVar[bool] = True

    def __init__(self, times: Iterable[str], starts: float = 0.0) -> None:
        self._on = bytearray(_WEEK)
        self._starts = starts
        for written in times:
            days, first, length = _read(written)
            for day in days:
                for minute in range(day * _DAY + first, day * _DAY + first + length):
                    self._on[minute % _WEEK] = 1

    def matches(self, request: Request, now: float) -> bool:
        return bool(self._on[int((now + self._starts) // 60) % _WEEK])


def moment(found: object) -> float:
    """Seconds into the week of ``Mon 08:55``. Raises ScenarioError."""
    read = _MOMENT.match(found.strip()) if isinstance(found, str) else None
    if read is None or read[1].lower() not in _DAYS or (minute := _minute(read[2])) is None:
        raise ScenarioError(f"found {found!r} as a time of the week", mend="Write it: Mon 08:55")
    return 60.0 * (_DAYS.index(read[1].lower()) * _DAY + minute % _DAY)


def _read(written: str) -> tuple[list[int], int, int]:
    """The days of an entry, its first minute of the day, and how many minutes it lasts."""
    wrong = ScenarioError(
        f"found {written!r} as a schedule",
        mend="Give days, hours or both, such as Mon-Fri 08:00-18:00.",
    )
    found = _ENTRY.match(written.strip())
    if found is None or not written.strip():
        raise wrong
    days = _days(found["days"].lower()) if found["days"] else list(range(7))
    if not found["from"]:
        first, last = 0, _DAY
    else:
        begins, ends = _minute(found["from"]), _minute(found["to"])
        if begins is None or ends is None or begins in (ends, _DAY):
            raise wrong
        first, last = begins, ends if ends > begins else ends + _DAY
    if not days:
        raise wrong
    return days, first, last - first


def _days(written: str) -> list[int]:
    """The numbers of ``mon-fri`` or ``sat, sun``, none where one is no day; ranges go round."""
    found: list[int] = []
    for part in written.split(","):
        ends = [end.strip() for end in part.split("-")]
        if len(ends) > 2 or any(end not in _DAYS for end in ends):
            return []
        first, last = _DAYS.index(ends[0]), _DAYS.index(ends[-1])
        found += [day % 7 for day in range(first, last + (8 if last < first else 1))]
    return found


def _minute(written: str) -> int | None:
    hours, minutes = map(int, written.split(":"))
    found = hours * 60 + minutes
    return found if minutes < 60 and found <= _DAY else None
