"""The knee of a latency-throughput curve: where more load begins to cost more than it gives."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proxysim.errors import ResultError

__all__ = ["knee"]


def knee(throughput: ArrayLike, latency: ArrayLike) -> float:
    """The throughput at the knee: where throughput over mean latency, the *power*, is greatest.

    A straight line from the origin to the curve touches it there; beyond, latency grows by the
    larger share. M/M/1 has it at half its capacity, one request in the system on average. Between
    points the power is a parabola through the three about the largest. The knee lies inside the
    curve, so ResultError where the power only rises, or only falls: the curve ends too soon.

    Source: Kleinrock, "Power and deterministic rules of thumb for probabilistic problems in
    computer communications", ICC 1979.
    """
    x, y = (np.asarray(found, dtype=np.float64).ravel() for found in (throughput, latency))
    if x.size != y.size or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ResultError("a curve of unequal or infinite points", mend="Give finite pairs.")
    if x.size < 3 or not (x > 0).all() or not (y > 0).all():
        raise ResultError(f"a knee of {x.size} points", mend="Give three or more, all above zero.")
    order = np.argsort(x, kind="stable")
    x, power = x[order], (x / y)[order]
    best = int(np.argmax(power))
    if best in (0, len(x) - 1):
        if best == 0:
            found, where = f"from {x[0]:.3g} on latency grows by more than throughput", "lighter"
        else:
            found, where = f"up to {x[-1]:.3g} latency grows by less than throughput", "heavier"
        raise ResultError(f"no knee: {found}", mend=f"Measure under {where} load too.")
    return _top(x[best - 1 : best + 2], power[best - 1 : best + 2])


def _top(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Where the parabola through three points is greatest; the middle one is the largest."""
    left, right = x[1] - x[0], x[1] - x[2]
    below, above = y[1] - y[0], y[1] - y[2]
    under = left * above - right * below
    if under == 0:
        return float(x[1])
    return float(x[1] - 0.5 * (left**2 * above - right**2 * below) / under)
