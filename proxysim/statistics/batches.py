"""Intervals from one long run, cut into batches that are nearly independent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from proxysim.errors import ResultError
from proxysim.statistics.estimates import share_of_certainty
from proxysim.statistics.intervals import Interval, mean_interval
from proxysim.statistics.support import finite, require

__all__ = ["Batches", "batch_means", "batch_quantile"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Batches:
    """An *interval* from batches of *size* values.

    *correlation* is that of neighbouring batches' figures; where :attr:`independent` is false the
    run is too short for its own memory, and the interval too narrow.
    """

    interval: Interval
    size: int
    correlation: float

    @property
    def independent(self) -> bool:
        """Whether the correlation may be chance (one-sided, 5 %)."""
        return self.correlation <= float(ndtri(0.95)) / math.sqrt(self.interval.n)


def batch_means(values: ArrayLike, batches: int = 30, confidence: float = 0.95) -> Batches:
    """The mean of *values*, in order of time and without warm-up, from one long run.

    Student's interval for the means of as many *batches* of equal size; what does not fill a batch
    is left out at the beginning. O(n).

    Source: Schmeiser, "Batch size effects in the analysis of simulation output", Operations
    Research 30(3), 1982, who finds that 10 to 30 batches are enough.
    """
    cut = _cut(values, batches)
    means = cut.mean(axis=1)
    return Batches(mean_interval(means, confidence), cut.shape[1], _correlation(means))


def batch_quantile(
    values: ArrayLike, share: float, batches: int = 30, confidence: float = 0.95
) -> Batches:
    """The quantile of *values* at *share*, as :func:`batch_means`.

    By sectioning: the estimate is that of the whole run, and the batches' quantiles, held against
    it and not against their own mean, say how sure it is; so their bias does not enter. Each batch
    must be able to support the quantile. O(n).

    Source: Asmussen and Glynn, "Stochastic Simulation", 2007, section III.5.
    """
    share_of_certainty(confidence)
    cut = _cut(values, batches)
    require(cut.shape[1], share, confidence)
    each = np.quantile(cut, share, axis=1)
    whole = float(np.quantile(cut, share))
    error = math.sqrt(float(np.square(each - whole).sum()) / (batches * (batches - 1)))
    half = float(stdtrit(batches - 1, (1 + confidence) / 2)) * error
    return Batches(Interval(whole, half, confidence, batches), cut.shape[1], _correlation(each))


def _cut(values: ArrayLike, batches: int) -> Floats:
    found = finite(values)
    if batches < 2:
        raise ResultError(f"{batches} batch(es)", mend="Give two or more; 10 to 30 are usual.")
    size = found.size // batches
    if not size:
        raise ResultError(f"{batches} batches of {found.size} values", mend="Give fewer batches.")
    return found[found.size - batches * size :].reshape(batches, size)


def _correlation(figures: Floats) -> float:
    """Of neighbours; zero where all are the same."""
    away = figures - figures.mean()
    spread = float(away @ away)
    return float(away[1:] @ away[:-1]) / spread if spread > 0 else 0.0
