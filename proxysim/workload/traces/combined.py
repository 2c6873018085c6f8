"""The common and combined log formats of Apache, nginx and most others.

``client - user [17/May/2015:10:05:03 +0000] "GET /path HTTP/1.1" 200 203023 "referer" "agent"``

Source: Apache HTTP Server documentation, mod_log_config. Quotes inside a field are escaped with a
backslash; ``-`` for the size means that no body was sent.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

from proxysim.workload.traces.target import split_target
from proxysim.workload.traces.trace import Entry

__all__ = ["parse"]

_LINE = re.compile(
    r"(?P<client>\S+) \S+ [^\[]*?"
    r"\[(?P<day>\d\d/[A-Z][a-z]{2}/\d{4}):(?P<clock>\d\d:\d\d:\d\d) (?P<zone>[+-]\d{4})\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<size>\d{1,18}|-)(?: .*)?'
)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def parse(line: str) -> Entry:
    """The entry in one *line*; ValueError says why it holds none."""
    found = _LINE.fullmatch(line)
    if not found:
        raise ValueError("not in the common or combined format")
    client, day, clock, zone, request, status, size = found.groups()
    method, _, rest = request.replace('\\"', '"').partition(" ")
    target, _, version = rest.rpartition(" ")
    if not version.startswith("HTTP/"):
        target = rest
    if not target:
        raise ValueError(f"no request in {request[:40]!r}")
    host, path, encrypted = split_target(method, target.strip().replace(" ", "%20"))
    return Entry(
        _time(day, clock, zone),
        client,
        method,
        host,
        path,
        int(status),
        0 if size == "-" else int(size),
        encrypted,
    )


def _time(day: str, clock: str, zone: str) -> float:
    hours, minutes, seconds = int(clock[:2]), int(clock[3:5]), int(clock[6:])
    if hours > 23 or minutes > 59 or seconds > 60:
        raise ValueError(f"{clock} is no time of day")
    offset = int(zone[1:3]) * 3600 + int(zone[3:]) * 60
    local = _midnight(day) + hours * 3600 + minutes * 60 + seconds
    return local - offset if zone[0] == "+" else local + offset


@lru_cache(maxsize=64)
def _midnight(day: str) -> float:
    """Epoch seconds at which *day* (``17/May/2015``) began in Greenwich."""
    if day[3:6] not in _MONTHS:
        raise ValueError(f"{day} is no date")
    month = _MONTHS.index(day[3:6]) + 1
    return datetime.fromisoformat(f"{day[7:]}-{month:02}-{day[:2]}T00:00:00+00:00").timestamp()
