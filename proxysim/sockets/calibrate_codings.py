"""What content codings cost on this machine, and how far they shrink a page of text."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from functools import cache
from random import Random

from proxysim.scenario.compressing import LEVELS as POSSIBLE
from proxysim.sockets.coding import CODERS, LEVELS

__all__ = ["PAGE", "coded", "levels", "page"]

PAGE = 64_000  # bytes
#: Long enough for the clock, in seconds.
LEAST = 2e-3
#: Levels besides the usual ones that scenarios commonly name.
COMMON = {"gzip": (1,), "br": (11,), "zstd": ()}
VOWELS, CONSONANTS = "aeiou", "bcdfghklmnprstvw"


def levels(*, every: bool) -> Iterator[tuple[str, int]]:
    """Codings with their levels: all that there are, or those that are commonly used."""
    for coding, usual in LEVELS.items():
        least, most = POSSIBLE[coding]
        wanted: Iterable[int] = range(least, most + 1)
        yield from ((coding, n) for n in wanted if every or n == usual or n in COMMON[coding])


def coded(coding: str, level: int) -> tuple[float, float]:
    """Processor seconds that a byte of a page takes, and how many times smaller the page gets."""
    data = page()
    spent, times, size = 0.0, 0, 0
    while spent < LEAST:
        began = time.thread_time()
        step, last = CODERS[coding](level)
        size = len(step(data) + last())
        spent += time.thread_time() - began
        times += 1
    return spent / times / len(data), len(data) / size


@cache
def page() -> bytes:
    """A page of :data:`PAGE` bytes, as alike as pages are: words by Zipf's law, between marks."""
    rng = Random(1)
    words = ["".join(_syllables(rng)) for _ in range(1500)]
    chances = [1 / rank for rank in range(1, len(words) + 1)]
    parts: list[str] = []
    length = 0
    while length < PAGE:
        text = " ".join(rng.choices(words, chances, k=rng.randrange(6, 30)))
        number = rng.randrange(10_000)
        part = (
            f'<li class="item" id="item-{number}"><a href="/product/{number}">{text[:24]}</a>'
            f"<p>{text.capitalize()}.</p></li>\n"
        )
        parts.append(part)
        length += len(part)
    return "".join(parts).encode()[:PAGE]


def _syllables(rng: Random) -> Iterator[str]:
    for _ in range(rng.randrange(1, 5)):
        yield rng.choice(CONSONANTS) + rng.choice(VOWELS) + rng.choice(("", "", "n", "r", "s"))
