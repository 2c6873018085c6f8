"""Latencies as charts draw them: from a run's rows, or from its sketch where none were kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proxysim.results.columns import Outcome
from proxysim.results.run import Run

__all__ = ["Sample", "answered", "sketched"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """*n* values: each distinct one in *values*, ascending, and how often it came in *counts*."""

    values: Floats
    counts: NDArray[np.int64]
    quantile: Callable[[float], float]

    @classmethod
    def of(cls, values: Floats) -> Sample:
        """The sample of *values* in any order."""
        distinct, counts = np.unique(values, return_counts=True)
        return cls(distinct, counts, lambda share: float(np.quantile(values, share)))

    @property
    def n(self) -> int:
        """How many values there are."""
        return int(self.counts.sum())

    def above(self) -> Floats:
        """Of each value the share of the sample that lies above it."""
        found: Floats = (self.n - np.cumsum(self.counts)) / max(self.n, 1)
        return found


def answered(run: Run) -> Sample:
    """Latencies of ok requests that arrive in [warmup, duration), in seconds."""
    if sketched(run):
        assert run.totals is not None
        steps = run.totals.latency.steps()
        values = np.array([value for value, _ in steps], dtype=np.float64)
        counts = np.array([count for _, count in steps], dtype=np.int64)
        return Sample(values, counts, run.totals.latency.quantile)
    return Sample.of(run.column("latency")[run.counted & (run.column("outcome") == Outcome.OK)])


def sketched(run: Run) -> bool:
    """Whether no rows were kept, so that latencies are known by a sketch alone."""
    return not run.sampled and run.totals is not None
