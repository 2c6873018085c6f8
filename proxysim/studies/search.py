"""The least, or the most, of a quantity that still meets what is asked: by bisection."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, Literal, TypeVar

__all__ = ["Found", "Verdict", "search"]

N = TypeVar("N", int, float)
Sense = Literal["least", "most"]

#: What is looked for on the way down, and on the way up.
_SENSES: dict[int, Sense] = {-1: "least", 1: "most"}


class Verdict(Enum):
    """Whether a value meets what is asked; UNSURE where that cannot be told."""

    MEETS = "meets"
    MISSES = "misses"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Found(Generic[N]):
    """Where a search ended.

    *best* is the value furthest along that is sure to meet; where neither end of the range does
    *met* is false, and it is the end that should have. *sense* says which way was looked: for the
    ``least`` value, or the ``most``. *next* is the value beyond the best, which was judged and is
    not sure to meet; None where the range ends. *verdicts* are all that were given, by value;
    *strays* the values whose verdict contradicts that all on one side of the best meet and all on
    the other miss.
    """

    best: N
    met: bool
    sense: Sense
    next: N | None
    verdicts: dict[N, Verdict]
    strays: tuple[N, ...] = ()

    @property
    def answer(self) -> N | None:
        """The best value if it meets."""
        return self.best if self.met else None


def search(
    values: Sequence[N],
    judge: Callable[[N], Verdict],
    *,
    first: Literal["low", "high"] = "high",
    either: bool = True,
    check: bool = True,
) -> Found[N]:
    """The value of *values*, ascending, that is furthest from the end where *judge* is content.

    The end that is judged *first* should meet: the high one where more helps, the low one where
    more burdens. If it does not, and *either* end could be the better one, the other is tried;
    where that misses too there is no answer. Between, values are halved by ratio, as capacity goes;
    that takes all on one side to meet and all on the other to miss. With *check* the next
    neighbours on both sides are judged too, and those that contradict it are told as strays.
    About log2(len(values)) + 3 verdicts.
    """
    verdicts: dict[N, Verdict] = {}

    def meets(place: int) -> bool:
        value = values[place]
        if value not in verdicts:
            verdicts[value] = judge(value)
        return verdicts[value] is Verdict.MEETS

    last = len(values) - 1
    good, bad, step = (last, -1, -1) if first == "high" else (0, last + 1, 1)
    if not meets(good):
        if not (either and meets(last - good)):
            return Found(values[good], False, _SENSES[step], None, verdicts)
        good, bad, step = last - good, good, -step
    while bad - good != step:
        middle = _between(values, good, bad)
        if meets(middle):
            good = middle
        else:
            bad = middle
    beyond = values[bad] if 0 <= bad <= last else None
    if check:
        for place in (good - step, bad + step):
            if 0 <= place <= last:
                meets(place)
    best = values[good]
    strays = tuple(
        value
        for value, verdict in sorted(verdicts.items())
        if verdict is not Verdict.UNSURE
        and (verdict is Verdict.MEETS) != ((value - best) * step <= 0)
    )
    return Found(best, True, _SENSES[step], beyond, verdicts, strays)


def _between(values: Sequence[N], one: int, other: int) -> int:
    """A place strictly between two, at the geometric middle of their values."""
    low, high = min(one, other), max(one, other)
    small, large = values[max(low, 0)], values[min(high, len(values) - 1)]
    target = math.sqrt(small * large) if small > 0 else (small + large) / 2
    place = bisect_left(values, target, low + 1, high)
    if place == high or (place > low + 1 and target - values[place - 1] < values[place] - target):
        place -= 1
    return place
