"""Caches whose hit ratio is known, or nearly.

A request is for object i with the chance p_i, whatever came before (the independent reference
model). *popularity* is p, or anything in proportion to it; *capacity* counts objects, or is in the
unit of *sizes* where those are given. Hit ratios are per request, between 0 and 1.

All raise :class:`TheoryError` for parameters out of range.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import gammainc

from proxysim.theory.queues import TheoryError

__all__ = [
    "TheoryError",
    "characteristic_time",
    "fifo",
    "lfu",
    "lru",
    "random",
    "ttl",
    "ttl_from_empty",
]

Floats = NDArray[np.float64]
#: The chance that an object is kept, by p t: the requests expected for it in time t.
_Occupancy = Callable[[Floats], Floats]


def lru(popularity: ArrayLike, capacity: float, sizes: ArrayLike | None = None) -> float:
    """The hit ratio of LRU by Che's approximation: sum p_i (1 - exp(-p_i t)).

    t is the time after which an unused object has left, the same for all: that for which the cache
    is full, sum s_i (1 - exp(-p_i t)) = C.

    Source: Che, Tung, Wang, "Hierarchical Web caching systems: modeling, design and experimental
    results" (2002); why it is so good: Fricker, Robert, Roberts, "A versatile and accurate
    approximation for LRU cache performance" (2012). First given by Fagin (1977) as a limit.
    """
    return _hit_ratio(popularity, capacity, sizes, _renewed)


def fifo(popularity: ArrayLike, capacity: float, sizes: ArrayLike | None = None) -> float:
    """The hit ratio of FIFO by its characteristic time: sum p_i (p_i t / (1 + p_i t)).

    An object stays for t however often it is used; t is that for which the cache is full.

    Source: Martina, Garetto, Leonardi, "A unified approach to the performance analysis of caching
    systems" (2014).
    """
    return _hit_ratio(popularity, capacity, sizes, _not_renewed)


def random(popularity: ArrayLike, capacity: float, sizes: ArrayLike | None = None) -> float:
    """The hit ratio of random replacement, by its mean stay: for independent requests that of FIFO.

    Source: Gelenbe, "A unified approach to the evaluation of a class of replacement algorithms"
    (1973), where the two are shown to be exactly equal; approximated as :func:`fifo`.
    """
    return _hit_ratio(popularity, capacity, sizes, _not_renewed)


def lfu(popularity: ArrayLike, capacity: int) -> float:
    """The hit ratio of perfect LFU, which keeps the most popular objects for ever: their p in all.

    It counts what it does not keep as well; LFU that forgets what has left stays below it. For
    independent requests no policy that does not know the future does better.
    """
    p = _shares(popularity)
    if capacity < 0:
        raise TheoryError(f"a capacity of {capacity!r}", mend="Give a number from 0 up.")
    return float(np.sort(p)[::-1][: int(capacity)].sum())


def ttl(rate: float, lifetime: float, *, renewed: bool) -> float:
    """The hit ratio for an object asked for at *rate* (Poisson), each copy kept for *lifetime*.

    With a timer that each hit renews, 1 - exp(-rate lifetime); else, as for HTTP's freshness,
    rate lifetime / (1 + rate lifetime): after each miss as many hits as requests in a lifetime.

    Source: Jung, Berger, Balakrishnan, "Modeling TTL-based Internet caches" (2003); Fofack,
    Nain, Neglia, Towsley, "Analysis of TTL-based cache networks" (2012).
    """
    if not (rate >= 0 and lifetime >= 0 and math.isfinite(rate * lifetime)):
        raise TheoryError(
            f"rate {rate!r}, lifetime {lifetime!r}", mend="Give finite numbers from 0 up."
        )
    requests = rate * lifetime
    return -math.expm1(-requests) if renewed else requests / (1.0 + requests)


def ttl_from_empty(rates: ArrayLike, lifetimes: ArrayLike, start: float, end: float) -> Floats:
    """Each object's hit ratio in [start, end) of a cache that is empty at 0 and lets nothing go.

    Copies are fresh for their lifetime L, and hits do not renew it. Misses are a renewal process,
    the k-th after k times between requests and k - 1 lifetimes, so that by time s there are on
    average the sum over k of P(Gamma(k) <= rate (s - (k - 1) L)). O(objects * end / L).

    Source: the renewal argument of Jung, Berger, Balakrishnan, "Modeling TTL-based Internet caches"
    (2003), before it has settled.
    """
    asked = np.asarray(rates, dtype=np.float64)
    lives = np.broadcast_to(np.asarray(lifetimes, dtype=np.float64), asked.shape)
    if not (0 <= start < end < math.inf and np.all(asked >= 0) and np.all(lives >= 0)):
        raise TheoryError(
            f"[{start!r}, {end!r}), or rates or lifetimes below 0", mend="Give times from 0 up."
        )

    def misses(until: float) -> Floats:
        found, left, step = np.zeros_like(asked), np.full_like(asked, until), 0
        # Without a lifetime each request is a miss.
        never = lives == 0
        left[never] = 0.0
        while (left > 0).any():
            step += 1
            found += gammainc(step, asked * left)
            left = np.maximum(left - lives, 0.0)
        found[never] = asked[never] * until
        return found

    expected = asked * (end - start)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = 1 - (misses(end) - misses(start)) / expected
    return np.asarray(np.where(expected > 0, np.clip(ratio, 0.0, 1.0), 0.0))


def characteristic_time(
    popularity: ArrayLike,
    capacity: float,
    sizes: ArrayLike | None = None,
    *,
    renewed: bool = True,
) -> float:
    """How many requests go by before an object leaves: unused (*renewed*: LRU), or at all (FIFO).

    Infinite where everything fits.
    """
    p = _shares(popularity)
    return _time(p, capacity, _weights(sizes, len(p)), _renewed if renewed else _not_renewed)


def _renewed(requests: Floats) -> Floats:
    return -np.expm1(-requests)


def _not_renewed(requests: Floats) -> Floats:
    return requests / (1.0 + requests)


def _hit_ratio(
    popularity: ArrayLike, capacity: float, sizes: ArrayLike | None, occupancy: _Occupancy
) -> float:
    p = _shares(popularity)
    time = _time(p, capacity, _weights(sizes, len(p)), occupancy)
    return 1.0 if math.isinf(time) else float(p @ occupancy(p * time))


def _time(p: Floats, capacity: float, weights: Floats, occupancy: _Occupancy) -> float:
    if not capacity >= 0:
        raise TheoryError(f"a capacity of {capacity!r}", mend="Give a number from 0 up.")
    # Objects that are never asked for take no room.
    p, weights = p[p > 0], weights[p > 0]
    if capacity >= weights.sum():
        return math.inf

    def surplus(time: float) -> float:
        return float(weights @ occupancy(p * time)) - capacity

    above = 1.0
    while surplus(above) < 0:
        above *= 2.0
        if math.isinf(above):
            return math.inf
    return float(brentq(surplus, 0.0, above, xtol=1e-12, rtol=1e-12))


def _shares(popularity: ArrayLike) -> Floats:
    p = np.asarray(popularity, dtype=np.float64)
    total = p.sum()
    if p.ndim != 1 or not (np.all(p >= 0) and 0 < total < math.inf):
        raise TheoryError(
            "a popularity that is no list of numbers from 0 up, some above it",
            mend="Give each object's share of the requests.",
        )
    shares: Floats = p / total
    return shares


def _weights(sizes: ArrayLike | None, count: int) -> Floats:
    if sizes is None:
        return np.ones(count)
    weights = np.asarray(sizes, dtype=np.float64)
    if weights.shape != (count,) or not np.all((weights >= 0) & np.isfinite(weights)):
        raise TheoryError(
            f"sizes that are not {count} numbers from 0 up", mend="Give each object's size."
        )
    return weights
