"""Differences that are real, and differences that chance made."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtr

from proxysim.errors import ResultError
from proxysim.statistics.estimates import share_of_certainty
from proxysim.statistics.intervals import Interval, mean_interval
from proxysim.statistics.support import finite

__all__ = ["Bounds", "Difference", "enough", "holm", "paired_difference", "step_down"]

Floats = NDArray[np.float64]


class Bounds(Protocol):
    """An interval, of whatever kind."""

    def __contains__(self, value: float, /) -> bool: ...


B = TypeVar("B", bound=Bounds)


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a second system is above a first one, from replications with the same draws.

    *p* is the chance of such a difference, or a larger one, if there were none (two-sided).
    *gained* is how many times the replications would have been needed without common random
    numbers for the same precision; below 1 they did harm.
    """

    interval: Interval
    p: float
    gained: float


def paired_difference(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Difference:
    """The mean of *second* - *first*, the i-th of each from replication i of both.

    Where the two were given the same draws (common random numbers) they rise and fall together, and
    the difference is far surer than either. O(n).

    Source: Law, "Simulation Modeling and Analysis", 5th ed., sections 10.2.1 and 11.2.
    """
    one, other = finite(first), finite(second)
    if one.size != other.size:
        raise ResultError(f"{one.size} replications with {other.size}", mend="Give pairs.")
    interval = mean_interval(other - one, confidence)
    spread = float(np.var(other - one, ddof=1))
    apart = float(np.var(one, ddof=1) + np.var(other, ddof=1))
    if spread == 0:
        same = interval.mean == 0
        return Difference(interval, 1.0 if same else 0.0, math.inf if apart > 0 else 1.0)
    away = abs(interval.mean) / math.sqrt(spread / interval.n)
    return Difference(interval, 2 * float(stdtr(interval.n - 1, -away)), apart / spread)


def holm(p_values: ArrayLike) -> Floats:
    """Each of *p_values* as it must be read when all are looked at: never below what it was.

    The k-th smallest of m counts (m - k + 1) times, and no less than those before it. To call real
    what is then below 5 % goes wrong anywhere in at most 5 % of families, whatever depends on what.
    O(m log m).

    Source: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
    of Statistics 6(2), 1979.
    """
    found: Floats = np.asarray(p_values, dtype=np.float64).ravel()
    if found.size and not (found.min() >= 0 and found.max() <= 1):
        raise ResultError(f"chances of {found.tolist()}", mend="Give numbers from 0 to 1.")
    order = np.argsort(found, kind="stable")
    counted = found[order] * np.arange(found.size, 0, -1)
    adjusted = np.empty_like(found)
    adjusted[order] = np.minimum(np.maximum.accumulate(counted), 1.0)
    return adjusted


def step_down(intervals: Sequence[Callable[[float], B]], confidence: float = 0.95) -> list[B]:
    """The interval of each of several differences, as wide as it must be where all are looked at.

    *intervals* give each at any confidence. All begin at 1 - (1 - *confidence*) / their number;
    those that leave out zero are done, and the others are taken again with the number of those
    left, until none more does. So an interval leaves out zero exactly where :func:`holm`, on the
    tests that the intervals are of, calls the difference real: the chance that any does so wrongly
    is at most 1 - *confidence*, whatever depends on what. Each by itself holds with at least
    *confidence*; that all hold at once is not promised (of what step-down tests find real such
    intervals could say hardly more than the sign). O(m^2) intervals at most, of m.

    Source: Holm 1979, as :func:`holm`; Strassburger and Bretz, "Compatible simultaneous lower
    confidence bounds for the Holm procedure and other Bonferroni-based closed tests", Statistics
    in Medicine 27(24), 2008.
    """
    share_of_certainty(confidence)
    found: dict[int, B] = {}
    left = list(range(len(intervals)))
    while left:
        level = 1 - (1 - confidence) / len(left)
        found |= {place: intervals[place](level) for place in left}
        unsure = [place for place in left if 0.0 in found[place]]
        left = [] if len(unsure) == len(left) else unsure
    return [found[place] for place in range(len(intervals))]


def enough(differences: ArrayLike, confidence: float = 0.95, power: float = 0.8) -> int | None:
    """About how many pairs would tell the mean of *differences* from zero, if it is what it seems.

    With the chance *power*, by a two-sided paired t-test at *confidence*. None where their mean is
    zero: no number would. O(n).

    Source: Guenther, "Sample size formulas for normal theory t tests", The American Statistician
    35(4), 1981.
    """
    share_of_certainty(confidence)
    share_of_certainty(power)
    found = finite(differences)
    if found.size < 2:
        raise ResultError(f"{found.size} difference(s)", mend="Give two or more.")
    mean, spread = float(found.mean()), float(found.std(ddof=1))
    if mean == 0:
        return None
    error, miss = float(ndtri((1 + confidence) / 2)), float(ndtri(power))
    return max(2, math.ceil(((error + miss) * spread / mean) ** 2 + error**2 / 2))
