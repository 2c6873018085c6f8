"""Squid's native access log.

``time elapsed client code/status bytes method URL user hierarchy/peer type``

The time is when the answer ended, in seconds with milliseconds, and elapsed is in milliseconds;
so the request was made at their difference. Source: Squid wiki, "Squid log files: access.log".
"""

from __future__ import annotations

import math

from proxysim.workload.traces.target import split_target
from proxysim.workload.traces.trace import Entry

__all__ = ["parse"]


def parse(line: str) -> Entry:
    """The entry in one *line*; ValueError says why it holds none."""
    fields = line.split()
    if len(fields) < 9 or "/" not in fields[3]:
        raise ValueError("not in Squid's native format")
    time, elapsed, client, result, size, method, url = fields[:7]
    status = result.rpartition("/")[2]
    if not (status.isascii() and status.isdigit() and len(status) == 3):
        raise ValueError(f"{result!r} is no code/status")
    ended, took = float(time), float(elapsed)
    if not math.isfinite(ended) or not 0 <= took < math.inf:
        raise ValueError(f"{time} and {elapsed} are no time and duration")
    if not (size.isascii() and size.isdigit() and len(size) < 19):
        raise ValueError(f"{size!r} is no number of bytes")
    host, path, encrypted = split_target(method, url)
    return Entry(ended - took / 1000, client, method, host, path, int(status), int(size), encrypted)
