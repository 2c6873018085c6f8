"""Differences that are real, and differences that chance made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtr

from proxysim.errors import ResultError
from proxysim.statistics.estimates import share_of_certainty
from proxysim.statistics.intervals import Interval, mean_interval
from proxysim.statistics.support import finite

__all__ = ["Comparison", "Difference", "against", "enough", "holm", "paired_difference"]

Floats = NDArray[np.float64]


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


@dataclass(frozen=True, slots=True)
class Comparison:
    """A :class:`Difference` that is one of several looked at together.

    *adjusted* is its p by Holm, *interval* one of a set that all hold at once with the stated
    confidence (Bonferroni), *real* whether Holm finds it at that confidence. Holm is the sharper:
    now and then a difference is real although its interval just reaches zero.
    """

    difference: Difference
    interval: Interval
    adjusted: float
    real: bool


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


def against(
    first: ArrayLike, others: Mapping[str, ArrayLike], confidence: float = 0.95
) -> dict[str, Comparison]:
    """Each of *others* compared with *first*, pair by pair, and corrected for there being several.

    O(m n). Source: :func:`holm`; for the intervals Bonferroni, as Law, section 10.3.
    """
    share_of_certainty(confidence)
    if not others:
        return {}
    within = 1 - (1 - confidence) / len(others)
    alone = {name: paired_difference(first, values, confidence) for name, values in others.items()}
    adjusted = holm([difference.p for difference in alone.values()])
    return {
        name: Comparison(
            difference,
            mean_interval(finite(others[name]) - finite(first), within),
            float(p),
            bool(p <= 1 - confidence),
        )
        for (name, difference), p in zip(alone.items(), adjusted, strict=True)
    }


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
