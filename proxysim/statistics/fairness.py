"""How evenly something is spread, such as requests over servers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proxysim.errors import ResultError

__all__ = ["jain_index", "max_over_mean"]


def jain_index(shares: ArrayLike) -> float:
    """Jain's fairness index ``(sum x)^2 / (n sum x^2)``: 1 for equal shares, 1/n for one of n.

    *shares* are >= 0, at least one; where all are 0 they are equal, so 1.

    Source: Jain, Chiu, Hawe, "A Quantitative Measure of Fairness and Discrimination", DEC-TR-301,
    1984.
    """
    found = _shares(shares)
    largest = float(found.max())
    if largest == 0:
        return 1.0
    scaled = found / largest  # squares neither overflow nor vanish
    return float(scaled.sum() ** 2 / (scaled.size * np.square(scaled).sum()))


def max_over_mean(shares: ArrayLike) -> float:
    """The largest share over the mean one: 1 for equal shares, n where one of n has all."""
    found = _shares(shares)
    largest = float(found.max())
    return 1.0 / float((found / largest).mean()) if largest > 0 else 1.0


def _shares(shares: ArrayLike) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.asarray(shares, dtype=np.float64).ravel()
    if not found.size:
        raise ResultError("the fairness of no shares", mend="Give at least one.")
    if not np.isfinite(found).all() or float(found.min()) < 0:
        raise ResultError("shares that are negative or not finite", mend="Give numbers >= 0.")
    return found
