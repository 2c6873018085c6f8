"""Quantiles of a stream in small memory, each within a known relative error."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proxysim.errors import ResultError

__all__ = ["QuantileSketch"]


class QuantileSketch:
    """Counts values in buckets whose bounds grow by a constant factor.

    A quantile is off by at most the share *accuracy* of the true value, where the true value of
    quantile q among n values is the one of rank ``floor(q (n - 1))`` from zero (numpy's method
    ``lower``). Mean, smallest and largest are exact. Takes values >= 0 of any unit. Memory grows
    with the logarithm of the range of the values, not with their number: at 0.5 % one decade
    takes 230 buckets.

    Source: Masson, Rim, Lee, "DDSketch", PVLDB 12(12), 2019, without the collapsing of buckets.
    """

    def __init__(self, accuracy: float = 0.005) -> None:
        if not 0 < accuracy < 1:
            raise ResultError(
                f"accuracy {accuracy!r} of a sketch", mend="Give a share, like 0.005."
            )
        self.accuracy = accuracy
        self.count = 0
        self.sum = 0.0
        self.min = math.inf
        self.max = -math.inf
        self._growth = (1 + accuracy) / (1 - accuracy)
        self._zeros = 0
        self._buckets: dict[int, int] = {}

    def add(self, values: ArrayLike) -> None:
        """Count *values*, finite and >= 0."""
        found: NDArray[np.float64] = np.asarray(values, dtype=np.float64).ravel()
        if not found.size:
            return
        low, high = float(found.min()), float(found.max())
        if not (low >= 0 and math.isfinite(high)):
            raise ResultError(f"values from {low:g} to {high:g}", mend="Give finite numbers >= 0.")
        self.count += found.size
        self.sum += float(found.sum())
        self.min, self.max = min(self.min, low), max(self.max, high)
        above = found[found > 0]
        self._zeros += found.size - above.size
        if not above.size:
            return
        indices = np.ceil(np.log(above) / math.log(self._growth)).astype(np.int64)
        numbers, counts = np.unique(indices, return_counts=True)
        for index, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            self._buckets[index] = self._buckets.get(index, 0) + count

    def merge(self, other: QuantileSketch) -> None:
        """Take in what *other* has counted, as if its values had been added here."""
        if other.accuracy != self.accuracy:
            raise ResultError(
                f"sketches of accuracy {self.accuracy:g} and {other.accuracy:g}",
                mend="Merge sketches of one accuracy.",
            )
        self.count += other.count
        self.sum += other.sum
        self.min, self.max = min(self.min, other.min), max(self.max, other.max)
        self._zeros += other._zeros
        for index, count in other._buckets.items():
            self._buckets[index] = self._buckets.get(index, 0) + count

    @property
    def mean(self) -> float:
        """The mean, exact but for rounding; nan without values."""
        return self.sum / self.count if self.count else math.nan

    def steps(self) -> list[tuple[float, int]]:
        """What was counted: values, ascending, and how often each came.

        Each is within the *accuracy*; the smallest and the largest are exact.
        """
        found = [(0.0, self._zeros)] if self._zeros else []
        found += [(self._middle(index), self._buckets[index]) for index in sorted(self._buckets)]
        if len(found) > 1:
            found[0] = (self.min, found[0][1])
        if found:
            found[-1] = (self.max, found[-1][1])
        return found

    def quantile(self, probability: float) -> float:
        """The value below which the share *probability* lies; nan without values."""
        if not 0 <= probability <= 1:
            raise ResultError(f"quantile {probability!r}", mend="Give a share from 0 to 1.")
        if not self.count:
            return math.nan
        rank = math.floor(probability * (self.count - 1))
        if rank == self.count - 1:
            return self.max
        passed = self._zeros
        if rank < passed:
            return 0.0
        for index in sorted(self._buckets):
            passed += self._buckets[index]
            if rank < passed:
                return self._middle(index)
        return self.max

    def _middle(self, index: int) -> float:
        """The point of a bucket that is relatively as far from one bound as from the other."""
        middle = 2 * self._growth**index / (self._growth + 1)
        return min(max(middle, self.min), self.max)

    def __len__(self) -> int:
        return self.count

    def __eq__(self, other: Any) -> bool:
        return (
            isinstance(other, QuantileSketch)
            and (self.accuracy, self._zeros) == (other.accuracy, other._zeros)
            and self._buckets == other._buckets
        )

    __hash__ = None  # type: ignore[assignment]  # it changes
