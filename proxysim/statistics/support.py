"""Which quantiles a sample can support, and the interval that its order statistics give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr

from proxysim.errors import ResultError
from proxysim.statistics.estimates import Estimate, share_of_certainty
from proxysim.statistics.intervals import Interval, mean_interval

__all__ = ["needed", "quantile_interval", "replicated_quantile"]


def needed(share: float, confidence: float = 0.95) -> int:
    """How many values the quantile at *share* needs before any interval for it exists.

    The least n at which the smallest and the largest of n independent values have the quantile
    between them with *confidence*: 1 - q^n - (1 - q)^n. For p95, p99, p99.9 at 95 %: 59, 299,
    2995. With fewer, the largest value seen may well be below the quantile itself.

    Source: Hahn and Meeker, "Statistical Intervals", 1991, section 5.2.
    """
    share_of_certainty(confidence)
    if not 0 < share < 1:
        raise ResultError(f"a quantile at {share!r}", mend="Give a share between 0 and 1.")
    low, high = 1, 2
    while not _between_ends(share, high, confidence):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if _between_ends(share, middle, confidence):
            high = middle
        else:
            low = middle
    return high


def quantile_interval(values: ArrayLike, share: float, confidence: float = 0.95) -> Estimate:
    """The quantile of *values* at *share*, between two of their order statistics.

    For independent values of any continuous distribution; it covers with *confidence* or a little
    more. Latencies of one run depend on one another: use :func:`replicated_quantile` or
    :func:`~proxysim.statistics.batches.batch_quantile` for them. O(n log n). ResultError, with the
    number it would take, where there are too few.

    Source: Conover, "Practical Nonparametric Statistics", 3rd ed., section 3.2.
    """
    found = np.sort(finite(values))
    n = int(found.size)
    require(n, share, confidence)
    ranks = np.arange(n + 1)
    below = np.asarray(bdtr(ranks, n, share), dtype=np.float64)  # P(at most k below it)
    tail = (1 - confidence) / 2
    # The k-th smallest is above the quantile where fewer than k values are below it.
    first = max(int(np.searchsorted(below, tail, side="right")), 1)
    last = min(int(np.searchsorted(below, 1 - tail, side="left")) + 1, n)
    # An end of the sample leaves more than half of the risk on its side; the other end makes up.
    while below[last - 1] - below[first - 1] < confidence and (first > 1 or last < n):
        first, last = max(first - 1, 1), min(last + 1, n)
    middle = float(np.quantile(found, share))
    return Estimate(middle, float(found[first - 1]), float(found[last - 1]), confidence, n)


def replicated_quantile(
    samples: Sequence[ArrayLike], share: float, confidence: float = 0.95
) -> Interval:
    """The quantile at *share*, from one sample each of independent replications.

    Student's interval for the mean of the replications' quantiles. Each sample must be able to
    support the quantile by itself (:func:`needed`), else the mean would be one of underestimates.

    Source: Law, "Simulation Modeling and Analysis", 5th ed., section 9.4.
    """
    each = [finite(sample) for sample in samples]
    for sample in each:
        require(int(sample.size), share, confidence)
    return mean_interval([float(np.quantile(sample, share)) for sample in each], confidence)


def require(n: int, share: float, confidence: float) -> None:
    """ResultError where *n* values cannot support the quantile at *share*."""
    wanted = needed(share, confidence)
    if n < wanted:
        raise ResultError(
            f"p{100 * share:g} of {n:,} requests", mend=f"It takes at least {wanted:,}: run longer."
        )


def finite(values: ArrayLike) -> NDArray[np.float64]:
    """*values* as one row of numbers; ResultError where some are not finite."""
    found: NDArray[np.float64] = np.asarray(values, dtype=np.float64).ravel()
    if not np.isfinite(found).all():
        raise ResultError("values that are not finite", mend="Leave them out.")
    return found


def _between_ends(share: float, n: int, confidence: float) -> bool:
    return bool(1 - share**n - (1 - share) ** n >= confidence)
