"""How much of a run's beginning to leave out, so that an empty start does not colour the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proxysim.errors import ResultError
from proxysim.statistics.support import finite

__all__ = ["Warmup", "mser", "settled"]

Floats = NDArray[np.float64]

#: Fewer batches say nothing of a trend.
_FEWEST = 10


@dataclass(frozen=True, slots=True)
class Warmup:
    """Leave out the first *count* values. *found* tells whether the rest is settled."""

    count: int
    found: bool


def mser(values: ArrayLike, batch: int = 5) -> Warmup:
    """The warm-up of *values*, in order of time, by MSER-5.

    Of the means of every *batch* values, leave out as many as make the standard error of the
    others' mean least: z(d) = sum (y_i - mean)^2 / (k - d)^2 over i > d. Where the least is in the
    second half, the run is too short to tell and *found* is false. O(n).

    Source: White, "An effective truncation heuristic for bias reduction in simulation output",
    Simulation 69(6), 1997; White, Cobb, Spratt, "A comparison of five steady-state truncation
    heuristics for simulation", WSC 2000.
    """
    found = finite(values)
    if batch < 1:
        raise ResultError(f"batches of {batch}", mend="Give one value or more.")
    count = found.size // batch
    if count < _FEWEST:
        raise ResultError(
            f"a warm-up of {found.size} values", mend=f"It takes {_FEWEST * batch} or more."
        )
    means = found[: count * batch].reshape(count, batch).mean(axis=1)
    means = means - means.mean()  # squares that cancel less
    left = np.arange(count, 0, -1)
    sums, squares = (np.cumsum(part[::-1])[::-1] for part in (means, means**2))
    # The last few are alike by chance.
    errors = ((squares - sums**2 / left) / left**2)[: count - _FEWEST // 2 + 1]
    best = int(np.argmin(errors))
    return Warmup(best * batch, best <= count // 2)


def settled(values: ArrayLike, warmup: int | None = None) -> Floats:
    """*values*, in order of time, without the first *warmup*, or what MSER-5 finds to be that.

    ResultError where nothing would be left, or no warm-up can be found.
    """
    found = finite(values)
    if warmup is None:
        by_itself = mser(found)
        if not by_itself.found:
            raise ResultError(
                f"no warm-up can be told from {found.size:,} values: they still change",
                mend="Run longer, or say how long the warm-up is.",
            )
        warmup = by_itself.count
    if not 0 <= warmup < found.size:
        raise ResultError(
            f"a warm-up of {warmup} of {found.size} values", mend="Leave some to be counted."
        )
    return found[warmup:]
