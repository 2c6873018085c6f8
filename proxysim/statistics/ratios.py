"""How sure a ratio of two means is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from proxysim.errors import ResultError
from proxysim.statistics.bootstrap import pair_up, ratio
from proxysim.statistics.estimates import Estimate, share_of_certainty
from proxysim.statistics.intervals import mean_interval

__all__ = ["ratio_interval"]


def ratio_interval(above: ArrayLike, below: ArrayLike, confidence: float = 0.95) -> Estimate:
    """The ratio of the means of *above* and *below*, one pair from each replication.

    Such as hits over requests, or one balancer's mean latency over another's. By the jackknife: the
    ratio without each replication in turn gives values of known bias that are nearly independent,
    and Student's interval of them. Sum over sum; the mean of ratios would be biased. O(n).

    Source: Miller, "The jackknife: a review", Biometrika 61(1), 1974; Law, "Simulation Modeling
    and Analysis", 5th ed., section 9.5.3.
    """
    share_of_certainty(confidence)
    pairs = pair_up(above, below)
    n = len(pairs)
    if n < 2:
        raise ResultError(f"an interval from {n} pair(s)", mend="Give two or more.")
    whole = ratio(pairs)
    without = (pairs.sum(axis=0) - pairs).T
    interval = mean_interval(n * whole - (n - 1) * np.divide(*without), confidence)
    return Estimate(interval.mean, interval.low, interval.high, confidence, n)
