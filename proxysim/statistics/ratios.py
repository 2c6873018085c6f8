"""How sure a ratio of two means is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from proxysim.errors import ResultError
from proxysim.statistics.bootstrap import pair_up, ratio
from proxysim.statistics.estimates import Estimate, share_of_certainty
from proxysim.statistics.intervals import mean_interval

__all__ = ["ratio_interval"]


def ratio_interval(above: ArrayLike, below: ArrayLike, confidence: float = 0.95) -> Estimate | None:
    """The ratio of the means of *above* and *below*, one pair from each replication.

    Such as hits over requests, or a difference over what it differs from. It holds every ratio r
    for which Student's interval of *above* - r *below* holds zero; so it holds zero exactly where
    that of *above* does. None where *below* is so unsure that nothing bounds the ratio. Sum over
    sum; the mean of ratios would be biased. O(n).

    Source: Fieller, "Some problems in interval estimation", Journal of the Royal Statistical
    Society B 16(2), 1954.
    """
    share_of_certainty(confidence)
    pairs = pair_up(above, below)
    n = len(pairs)
    if n < 2:
        raise ResultError(f"an interval from {n} pair(s)", mend="Give two or more.")
    upper, lower = (mean_interval(column, confidence) for column in pairs.T)
    common = float(stdtrit(n - 1, (1 + confidence) / 2)) ** 2 / n * float(np.cov(pairs.T)[0, 1])
    # The ends solve a r^2 - 2 b r + c = 0. As products of an interval's ends a and c have exactly
    # the sign that says whether it holds zero; and of both roots the larger is found first, so that
    # neither loses its sign.
    a, c = (one.low * one.high for one in (lower, upper))
    if a <= 0:
        return None
    b = upper.mean * lower.mean - common
    far = b + math.copysign(math.sqrt(max(b * b - a * c, 0.0)), b)
    low, high = sorted((far / a, c / far)) if far else (0.0, 0.0)
    return Estimate(ratio(pairs), low, high, confidence, n)
