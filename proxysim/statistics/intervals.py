"""How sure a mean is, from independent replications."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit  # scipy.stats takes a second to import

from proxysim.errors import ResultError

__all__ = ["Interval", "mean_interval"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A *mean* and the *half_width* of its interval at the given *confidence*, from *n* values."""

    mean: float
    half_width: float
    confidence: float
    n: int

    @property
    def low(self) -> float:
        """The lower end."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """The upper end."""
        return self.mean + self.half_width

    @property
    def relative(self) -> float:
        """The half-width as a share of the mean; infinite at mean zero, unless both are zero."""
        if self.mean == 0:
            return 0.0 if self.half_width == 0 else math.inf
        return self.half_width / abs(self.mean)

    @property
    def standard_error(self) -> float:
        """The standard error of the mean."""
        return self.half_width / float(stdtrit(self.n - 1, (1 + self.confidence) / 2))

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Student's interval for the mean of *values*, one from each independent replication.

    Exact for normal values; means of long runs nearly are. At least two values, all finite.

    Source: Law, "Simulation Modeling and Analysis", 5th ed., section 4.5.
    """
    found: NDArray[np.float64] = np.asarray(values, dtype=np.float64).ravel()
    if found.size < 2:
        raise ResultError(f"an interval from {found.size} value(s)", mend="Give two or more.")
    if not np.isfinite(found).all():
        raise ResultError("an interval from values that are not finite", mend="Leave them out.")
    if not 0 < confidence < 1:
        raise ResultError(f"confidence {confidence!r}", mend="Give a share, like 0.95.")
    error = float(found.std(ddof=1)) / math.sqrt(found.size)
    quantile = float(stdtrit(found.size - 1, (1 + confidence) / 2))
    return Interval(float(found.mean()), quantile * error, confidence, int(found.size))
