"""A CSV of requests: columns time, client, url and size in any order, with a header.

``method`` and ``status`` are read where present (otherwise GET and 200); other columns are left
alone. Times are epoch seconds or ISO 8601 (without an offset: UTC). A row is one line.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from datetime import UTC, datetime

from proxysim.workload.traces.target import split_target
from proxysim.workload.traces.trace import Entry

__all__ = ["parser_of"]

_NEEDED = ("time", "client", "url", "size")


def parser_of(header: str) -> Callable[[str], Entry]:
    """The parser for rows under *header*; ValueError says which columns are missing."""
    names = [name.strip().lower() for name in _cells(header.lstrip("\ufeff"))]
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise ValueError(f"the header names no {', '.join(missing)}")
    time, client, url, size = (names.index(name) for name in _NEEDED)
    method, status = (names.index(name) if name in names else None for name in ("method", "status"))

    def parse(line: str) -> Entry:
        cells = _cells(line)
        if len(cells) != len(names):
            raise ValueError(f"{len(cells)} cells under {len(names)} columns")
        verb = "GET" if method is None else cells[method].strip().upper()
        code = 200 if status is None else _whole(cells[status], "status", 999)
        host, path, encrypted = split_target(verb, cells[url].strip())
        if not cells[client].strip():
            raise ValueError("no client")
        return Entry(
            _time(cells[time].strip()),
            cells[client].strip(),
            verb,
            host,
            path,
            code,
            _whole(cells[size], "size", 2**60),
            encrypted,
        )

    return parse


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise ValueError(f"no row of a CSV ({error})") from None


def _whole(text: str, what: str, most: int) -> int:
    text = text.strip()
    if text == "-":
        return 0
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > most:
        raise ValueError(f"{text[:40]!r} is no {what}")
    return int(text)


def _time(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text[:40]!r} is no time") from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(seconds):
        raise ValueError(f"{text} is no time")
    return seconds
