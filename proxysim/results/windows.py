"""Windows of time: where they end, and rows of the nodes table from readings at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10, nan
from typing import Any

__all__ = ["Meter", "edges"]

MOST = 100  # windows of a run that does not say how wide they are


def edges(duration: float, warmup: float, window: float | None) -> list[float]:
    """The ends of the windows: every *window* seconds counted from *warmup*, and *duration*.

    Without a *window*: the least of 1, 2, 5, 10, ... that makes at most a hundred of them.
    """
    if window is None:
        window = nice(duration / MOST)
    first = -int(warmup / window)
    last = int((duration - warmup) / window)
    ends = {warmup + count * window for count in range(first, last + 1)} | {duration}
    tiny = 1e-9 * duration
    return sorted(end for end in ends if end > tiny and (end == duration or end < duration - tiny))


def nice(least: float) -> float:
    """The least of 1, 2 and 5 times a power of ten that is no less than *least*."""
    power = 10.0 ** floor(log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))


class Meter:
    """The readings of one node or wire, and what they were a window ago.

    *read* gives sums since the start: seconds of work done, seconds waited and stayed by all
    requests, requests received, hits, misses, their bytes, bytes sent. *capacity* is the number of
    workers or cores, None where there is no such bound.
    """

    def __init__(self, code: int, capacity: float | None, read: Any) -> None:
        self.code = code
        self.capacity = capacity
        self.read = read
        self.before: Sequence[float] = (0,) * 9

    def row(self, start: float, end: float) -> tuple[Any, ...]:
        """What happened since the last row, as a row of the nodes table."""
        now = self.read()
        busy, queue, inside, received, hits, misses, hit_bytes, miss_bytes, sent = (
            after - before for after, before in zip(now, self.before, strict=True)
        )
        self.before = now
        width = end - start
        utilisation = busy / width / self.capacity if self.capacity else nan
        return (
            self.code,
            start,
            end,
            utilisation,
            queue / width,
            inside / width,
            received / width,
            hits,
            misses,
            hit_bytes,
            miss_bytes,
            sent,
        )
