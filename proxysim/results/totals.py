"""Counts over the requests that arrive in a span of time, gathered block by block."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxysim.errors import ResultError, RunError
from proxysim.results.columns import CACHE_STATES, OUTCOMES, Outcome
from proxysim.results.table import Array
from proxysim.statistics.sketch import QuantileSketch

__all__ = ["Span", "Totals"]


class Span:
    """Durations in seconds: kept, so that quantiles are exact, or *sketched*."""

    def __init__(self, sketched: bool) -> None:
        self._sketch = QuantileSketch() if sketched else None
        self._pieces: list[NDArray[np.float64]] = []

    def add(self, values: NDArray[np.float64]) -> None:
        if self._sketch is None:
            self._pieces.append(values)
        else:
            self._sketch.add(values)

    def steps(self) -> list[tuple[float, int]]:
        """Values, ascending, with how often each came; ResultError where they are not sketched."""
        return self._sketched().steps()

    def quantile(self, share: float) -> float:
        """The quantile *share* of a sketch; ResultError where values are not sketched."""
        return self._sketched().quantile(share)

    def _sketched(self) -> QuantileSketch:
        if self._sketch is None:
            raise ResultError("values were kept, not sketched", mend="Look at the rows.")
        return self._sketch

    def describe(self) -> dict[str, float | None]:
        """mean, p50, p95, p99 and max in seconds; None where nothing was added."""
        shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
        if self._sketch is not None:
            found = {name: self._sketch.quantile(share) for name, share in shares.items()}
            described = {"mean": self._sketch.mean, **found, "max": self._sketch.max}
        else:
            values = np.concatenate(self._pieces) if self._pieces else np.empty(0)
            if not values.size:
                return dict.fromkeys(("mean", *shares, "max"))
            quantiles = np.quantile(values, list(shares.values())).tolist()
            described = {
                "mean": float(values.mean()),
                **dict(zip(shares, quantiles, strict=True)),
                "max": float(values.max()),
            }
        return {name: value if math.isfinite(value) else None for name, value in described.items()}


class Totals:
    """What the summary counts: requests whose ``at`` lies in [start, end).

    ``everything`` counts all rows, whenever they arrived. Latency and first byte are over
    answers that are ok. *sketched* bounds the memory, at 0.5 % of error in the quantiles.
    """

    def __init__(self, start: float, end: float, *, sketched: bool) -> None:
        self.start = start
        self.end = end
        self.everything = 0
        self.outcomes = np.zeros(len(OUTCOMES), dtype=np.int64)
        self.caches = np.zeros(len(CACHE_STATES), dtype=np.int64)
        self.statuses: dict[int, int] = {}
        self.backends: dict[int, int] = {}
        self.encrypted = 0
        self.bytes_up = 0
        self.bytes_down = 0
        self.latency = Span(sketched)
        self.first_byte = Span(sketched)

    def take(self, rows: Mapping[str, Array] | Any) -> None:
        """Count *rows*: columns by name."""
        outcome = rows["outcome"]
        self.everything += len(outcome)
        if len(outcome) and not 0 <= int(outcome.min()) <= int(outcome.max()) < len(OUTCOMES):
            raise RunError(f"outcomes from {outcome.min()} to {outcome.max()}", place="outcome")
        inside = (rows["at"] >= self.start) & (rows["at"] < self.end)
        outcome = outcome[inside]
        self.outcomes += np.bincount(outcome, minlength=len(OUTCOMES))
        self.caches += np.bincount(rows["cache"][inside], minlength=len(CACHE_STATES))
        _count(self.statuses, rows["status"][inside])
        _count(self.backends, rows["backend"][inside])
        self.encrypted += int(np.count_nonzero(rows["encrypted"][inside]))
        self.bytes_up += int(rows["bytes_up"][inside].sum())
        self.bytes_down += int(rows["bytes_down"][inside].sum())
        ok = outcome == Outcome.OK
        self.latency.add(rows["latency"][inside][ok])
        self.first_byte.add((rows["first_byte"] - rows["at"])[inside][ok])


def _count(into: dict[int, int], codes: Array) -> None:
    values, counts = np.unique(codes, return_counts=True)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        into[value] = into.get(value, 0) + count
