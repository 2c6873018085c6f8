"""Intervals for any statistic, by drawing anew from the values themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from proxysim.errors import ResultError
from proxysim.statistics.estimates import Estimate, share_of_certainty
from proxysim.statistics.support import require

__all__ = [
    "Resampled",
    "bootstrap",
    "bootstrap_mean",
    "bootstrap_quantile",
    "bootstrap_ratio",
    "resampled",
]

Floats = NDArray[np.float64]

#: The most parts that are left out in turn: enough to know the skew.
_PARTS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """The *value* of a statistic, and what was *drawn* of it, ascending, from *n* rows.

    *bias* and *skew* are by how much its percentiles are shifted.
    """

    value: float
    drawn: Floats
    bias: float
    skew: float
    n: int

    def interval(self, confidence: float = 0.95) -> Estimate:
        """The BCa interval: percentiles of what was drawn, shifted by its bias and skew."""
        return self.at(self.shares(confidence), confidence)

    def shares(self, confidence: float) -> tuple[float, float]:
        """The shares of what was drawn below the ends of the interval."""
        share_of_certainty(confidence)
        tails = ndtri(np.array([(1 - confidence) / 2, (1 + confidence) / 2])) + self.bias
        low, high = ndtr(self.bias + tails / (1 - self.skew * tails))
        return float(low), float(high)

    def at(self, shares: tuple[float, float], confidence: float) -> Estimate:
        """The interval between two *shares*; its ends are among what was drawn."""
        low, high = np.quantile(self.drawn, shares, method="inverted_cdf")
        return Estimate(self.value, float(low), float(high), confidence, self.n)


def resampled(
    rows: ArrayLike, statistic: Callable[[Floats], float], *, seed: int, resamples: int = 2000
) -> Resampled:
    """*statistic* of *rows*, and of so many samples from them, as large and with replacement.

    The same *seed* draws the same samples of as many rows, whatever the statistic. *resamples* and
    at most 200 calls more of *statistic*.
    """
    found: Floats = np.asarray(rows, dtype=np.float64)
    n = len(found) if found.ndim else 0
    if n < 2 or not np.isfinite(found).all():
        raise ResultError(f"a bootstrap of {n} row(s)", mend="Give two or more, all finite.")
    if resamples < 100:
        raise ResultError(f"{resamples} resamples", mend="Give 100 or more; 2000 are usual.")
    value = float(statistic(found))
    rng = np.random.default_rng(seed)
    drawn = np.sort([float(statistic(found[rng.integers(n, size=n)])) for _ in range(resamples)])
    lower = (drawn < value).mean() + (drawn == value).mean() / 2
    bias = float(ndtri(np.clip(lower, 0.5 / resamples, 1 - 0.5 / resamples)))
    return Resampled(value, drawn, bias, _acceleration(found, statistic), n)


def bootstrap(
    rows: ArrayLike,
    statistic: Callable[[Floats], float],
    *,
    seed: int,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> Estimate:
    """The BCa interval for *statistic* of *rows*, which are independent of one another.

    A row is a value, or several that belong together (of one replication, say); *statistic* is
    given an array like *rows*. Bias-corrected and accelerated: see :class:`Resampled`.

    Source: Efron, "Better Bootstrap Confidence Intervals", JASA 82, 1987; DiCiccio and Efron,
    "Bootstrap Confidence Intervals", Statistical Science 11(3), 1996.
    """
    return resampled(rows, statistic, seed=seed, resamples=resamples).interval(confidence)


def bootstrap_mean(
    values: ArrayLike, *, seed: int, confidence: float = 0.95, resamples: int = 2000
) -> Estimate:
    """The mean of independent *values*; for few and skewed ones better than Student's interval."""
    return bootstrap(values, np.mean, seed=seed, confidence=confidence, resamples=resamples)


def bootstrap_quantile(
    values: ArrayLike,
    share: float,
    *,
    seed: int,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> Estimate:
    """The quantile of independent *values* at *share*; refused where they cannot support it."""
    require(int(np.size(values)), share, confidence)
    return bootstrap(
        values,
        lambda sample: float(np.quantile(sample, share)),
        seed=seed,
        confidence=confidence,
        resamples=resamples,
    )


def bootstrap_ratio(
    above: ArrayLike,
    below: ArrayLike,
    *,
    seed: int,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> Estimate:
    """The ratio of two means, such as hits over requests: one pair from each replication.

    Sum over sum, not the mean of the ratios, which is biased.
    """
    pairs = pair_up(above, below)
    return bootstrap(pairs, ratio, seed=seed, confidence=confidence, resamples=resamples)


def pair_up(above: ArrayLike, below: ArrayLike) -> Floats:
    """One row a pair; ResultError where they cannot be paired, or *below* is not above zero."""
    first: Floats = np.asarray(above, dtype=np.float64).ravel()
    second: Floats = np.asarray(below, dtype=np.float64).ravel()
    if first.size != second.size:
        raise ResultError(f"{first.size} values with {second.size}", mend="Give pairs.")
    if second.size and not second.min() > 0:
        raise ResultError("a ratio to what is not above zero", mend="Leave such pairs out.")
    return np.column_stack([first, second])


def ratio(pairs: Floats) -> float:
    """The first column's sum over the second's."""
    above, below = pairs.sum(axis=0)
    return float(above / below)


def _acceleration(rows: Floats, statistic: Callable[[Floats], float]) -> float:
    """A sixth of the skew of the statistic, by leaving out each part of the rows in turn."""
    parts = np.arange(len(rows)) * min(len(rows), _PARTS) // len(rows)
    left = np.array([float(statistic(rows[parts != part])) for part in range(int(parts[-1]) + 1)])
    away = left.mean() - left
    spread = float(np.square(away).sum()) ** 1.5
    return float((away**3).sum()) / (6 * spread) if spread > 0 else 0.0
