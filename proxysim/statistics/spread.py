"""A distribution kept small: of any number of times, some hundred and the share beyond each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Spread", "formula", "spread"]

Floats = NDArray[np.float64]

#: Of a sample's values at most twice so many are kept.
POINTS = 150
#: The share beyond which a formula's curve is not followed.
RAREST = 1e-5


@dataclass(frozen=True, slots=True)
class Spread:
    """How many took longer than each of ``times``: the share ``above``.

    ``label`` names whose they are, ``count`` how many there were (0: a formula). ``low`` and
    ``high`` are the least and the largest share in any of the samples, where there were several.
    Times ascend.
    """

    label: str
    count: int
    times: tuple[float, ...]
    above: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    def quantile(self, share: float) -> float:
        """The time within which this *share* is done, between those kept; the largest at most."""
        return float(np.interp(share, 1 - np.asarray(self.above), self.times))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "label": self.label,
            "count": self.count,
            "times": list(self.times),
            "above": list(self.above),
            **({"low": list(self.low), "high": list(self.high)} if self.low else {}),
        }


def spread(label: str, samples: Sequence[ArrayLike], *, band: bool = False) -> Spread | None:
    """The *samples* together; None of none. With *band*, how far single ones lie from it.

    Ranks are kept evenly in the body, and in the tail closer the rarer, to the very largest.
    """
    each = [np.sort(np.asarray(sample, dtype=np.float64)) for sample in samples]
    each = [found for found in each if found.size]
    if not each:
        return None
    values = np.sort(np.concatenate(each))
    n = values.size
    even = np.linspace(0, n - 1, POINTS)
    rare = n - np.geomspace(1, n, POINTS)
    ranks = np.unique(np.round(np.r_[even, rare]).astype(np.int64))
    times = np.unique(values[ranks])
    low: Floats = np.empty(0)
    high: Floats = np.empty(0)
    if band and len(each) > 1:
        shares = np.array([_above(found, times) for found in each])
        low, high = shares.min(axis=0), shares.max(axis=0)
    return Spread(label, n, *map(_plain, (times, _above(values, times), low, high)))


def formula(label: str, tail: Callable[[float], float], mean: float) -> Spread:
    """A distribution that is known by its *tail*, the chance to take longer than a time."""
    last = mean
    while tail(last) > RAREST:
        last *= 1.5
    times = np.geomspace(mean / 1e3, last, 2 * POINTS)
    return Spread(label, 0, _plain(times), tuple(float(tail(time)) for time in times.tolist()))


def _above(values: Floats, times: Floats) -> Floats:
    """The share of the ascending *values* above each of *times*."""
    share: Floats = 1 - np.searchsorted(values, times, side="right") / values.size
    return share


def _plain(values: Floats) -> tuple[float, ...]:
    return tuple(values.tolist())
