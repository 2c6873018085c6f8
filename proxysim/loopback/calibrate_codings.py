"""What content codings cost on this machine, and how far they shrink a page of text."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from proxysim.loopback.bodies import content
from proxysim.scenario.compressing import LEVELS as POSSIBLE
from proxysim.sockets.coding import CODERS, LEVELS

__all__ = ["PAGE", "coded", "levels"]

PAGE = 64_000  # bytes
#: Long enough for the clock, in seconds.
LEAST = 2e-3
#: Levels besides the usual ones that scenarios commonly name.
COMMON = {"gzip": (1,), "br": (11,), "zstd": ()}


def levels(*, every: bool) -> Iterator[tuple[str, int]]:
    """Codings with their levels: all that there are, or those that are commonly used."""
    for coding, usual in LEVELS.items():
        least, most = POSSIBLE[coding]
        wanted: Iterable[int] = range(least, most + 1)
        yield from ((coding, n) for n in wanted if every or n == usual or n in COMMON[coding])


def coded(coding: str, level: int) -> tuple[float, float]:
    """Processor seconds that a byte of a page takes, and how many times smaller the page gets."""
    data = content("/calibration", PAGE, text=True)
    spent, times, size = 0.0, 0, 0
    while spent < LEAST:
        began = time.thread_time()
        step, last = CODERS[coding](level)
        size = len(step(data) + last())
        spent += time.thread_time() - began
        times += 1
    return spent / times / len(data), len(data) / size
