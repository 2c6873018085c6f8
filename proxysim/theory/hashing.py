"""How evenly hashing spreads keys, and how many move when a backend comes or goes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import quad
from scipy.special import betainc

from proxysim.theory.queues import TheoryError

__all__ = ["bounded_load", "key_spread", "maglev_peak", "moved", "ring_peak", "ring_spread"]


def maglev_peak(backends: int, size: int = 65537) -> float:
    """The largest share of a Maglev table of *size* entries over the mean: ceil(M / N) N / M.

    Source: Eisenbud et al., "Maglev" (NSDI 2016), section 3.4.
    """
    _some(backends)
    if size < backends:
        raise TheoryError(f"a table of {size} for {backends}", mend="Give a larger one.")
    return math.ceil(size / backends) * backends / size


def ring_spread(backends: int, points: int = 160) -> float:
    """The coefficient of variation of the shares of a ring where each backend has *points*.

    All points random, a share is Beta(v, (n - 1) v): sqrt((n - 1) / (n v + 1)), so about
    1 / sqrt(v) for many backends.

    Source: David and Nagaraja, "Order Statistics", 3rd ed., section 6.4, for random spacings.
    """
    _some(backends)
    _some(points, "points")
    return math.sqrt((backends - 1) / (backends * points + 1))


def ring_peak(backends: int, points: int = 160) -> float:
    """The expected largest share of such a ring over the mean, about.

    The largest of as many Beta shares as if they were independent; a little high for few.
    """
    _some(backends)
    _some(points, "points")
    if backends == 1:
        return 1.0
    mean, spread = 1 / backends, ring_spread(backends, points) / backends

    def above(share: float) -> float:
        inside = float(betainc(points, (backends - 1) * points, share))
        return 1 - inside**backends

    top = min(1.0, mean + 40 * spread)
    found, _ = quad(above, 0.0, top, points=[min(mean + 2 * spread, top)], limit=200)
    return float(found) * backends


def key_spread(popularity: ArrayLike, backends: int) -> float:
    """The coefficient of variation of backends' loads, keys placed evenly at random for good.

    sqrt((n - 1) sum p^2): what popular keys do, however good the hash. *popularity* is p, or in
    proportion to it.
    """
    _some(backends)
    p = np.asarray(popularity, dtype=np.float64).ravel()
    if not p.size or not (np.all(p >= 0) and 0 < p.sum() < math.inf):
        raise TheoryError("a popularity that is no shares", mend="Give numbers from 0 up.")
    return math.sqrt((backends - 1) * float(np.square(p / p.sum()).sum()))


def bounded_load(requests: int, backends: int, factor: float) -> int:
    """The most requests at one backend under bounded loads: ceil(c m / n).

    Source: Mirrokni, Thorup, Zadimoghaddam, "Consistent Hashing with Bounded Loads" (2018).
    """
    _some(backends)
    if requests < 0 or not factor >= 1:
        raise TheoryError(
            f"{requests} requests, factor {factor!r}", mend="Give a factor of 1 or more."
        )
    return math.ceil(factor * requests / backends)


def moved(backends: int, *, consistent: bool = True) -> float:
    """The share of keys that change hands on average when one of *backends* goes.

    Its own, 1 / n, with rendezvous or a ring; a table of hash modulo n moves all but 1 / n.

    Source: Karger et al., "Consistent hashing and random trees" (STOC 1997).
    """
    _some(backends)
    if backends == 1:
        return 1.0
    return 1 / backends if consistent else 1 - 1 / backends


def _some(count: int, what: str = "backends") -> None:
    if count < 1:
        raise TheoryError(f"{count!r} {what}", mend="Give one or more.")
