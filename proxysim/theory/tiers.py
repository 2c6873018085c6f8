"""Caches behind caches, and caches whose objects age: Che's approximation carried further.

Parameters and errors as in :mod:`proxysim.theory.caches`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from proxysim.theory.caches import TheoryError, characteristic_time, ttl_from_empty

__all__ = ["Tiers", "lru_tiers", "lru_with_lifetime", "lru_with_lifetime_from_empty"]

Floats = NDArray[np.float64]

#: Requests in a lifetime that find the object near its eviction: beyond, its end hardly matters.
_OFTEN = 12.0
#: Of a sum whose terms are then nothing.
_TERMS = 100
#: Steps to a characteristic time or a lifetime, steps in all at most, and rates solved for.
_STEPS = 40
_MOST_STEPS = 1600
_RATES = 48


@dataclass(frozen=True, slots=True)
class Tiers:
    """The hit ratio of each tier, of the requests that reach it, and that of all together."""

    hits: tuple[float, ...]
    overall: float


def lru_tiers(
    popularity: ArrayLike,
    capacities: Sequence[float],
    *,
    leaves: int = 1,
    sizes: ArrayLike | None = None,
) -> Tiers:
    """LRU caches one behind the other, each asking the next and keeping a copy of what comes.

    The first tier is of *leaves* caches of equal capacity, each asked by its own share of the
    clients. Its misses for an object are a renewal process, exactly: a run of requests each within
    T1 of the last, then a gap that is longer. From that follow, for the second tier, who is inside
    and who hits, given its own characteristic time. Behind it the misses are taken for independent
    requests, but for those that the tier before has just had; there it is up to three points low.

    Source: Fofack, Nain, Neglia, Towsley, "Analysis of TTL-based cache networks" (2012), for the
    misses; Martina, Garetto, Leonardi, "A unified approach to the performance analysis of caching
    systems" (2014), section 5, for further tiers.
    """
    p = np.asarray(popularity, dtype=np.float64)
    if leaves < 1 or not capacities:
        raise TheoryError(
            f"{len(capacities)} tier(s), {leaves} leaves", mend="Give one or more of each."
        )
    time = leaves * characteristic_time(p, capacities[0], sizes)
    rates = p / p.sum()
    hit = _kept(rates / leaves, time)
    ratios = [float(rates @ hit)]
    for tier, capacity in enumerate(capacities[1:]):
        own, before = rates / leaves, time
        rates = rates * (1 - hit)
        total = float(rates.sum())
        if total <= 0:
            ratios.append(0.0)
            continue
        if tier == 0:
            time, hit = _behind_leaves(own, before, leaves, capacity, sizes)
        else:
            time = characteristic_time(rates, capacity, sizes) / total
            hit = _kept(rates, max(0.0, time - before))
        ratios.append(float(rates @ hit) / total)
    return Tiers(tuple(ratios), 1 - float((rates * (1 - hit)).sum()))


def _behind_leaves(
    own: Floats, before: float, leaves: int, capacity: float, sizes: ArrayLike | None
) -> tuple[float, Floats]:
    """The second tier's characteristic time, and who hits; *own* are the requests of one leaf."""
    misses = own * np.exp(-own * before)
    weights = np.ones_like(own) if sizes is None else np.asarray(sizes, dtype=np.float64)

    def surplus(time: float) -> float:
        _, inside = _since_miss(misses, before, time)
        return float(weights @ (1 - (1 - inside) ** leaves)) - capacity

    time = math.inf
    if capacity < weights[misses > 0].sum():
        time = 1.0
        while surplus(time) < 0:
            time *= 2.0
        time = float(brentq(surplus, 0.0, time, xtol=1e-9, rtol=1e-9))
    again, inside = _since_miss(misses, before, time)
    return time, 1 - (1 - again) * (1 - inside) ** (leaves - 1)


def _since_miss(misses: Floats, before: float, time: float) -> tuple[Floats, Floats]:
    """Chances that a leaf's last miss was within *time*: seen from a miss, and from any moment.

    A miss is followed by the next within T with the chance
    sum over j >= 1 of (-1)^(j + 1) (b (T - j t))^j / j!, b being their rate, t *before*.
    """
    again, inside = np.ones_like(misses), np.ones_like(misses)
    again[misses == 0] = inside[misses == 0] = 0.0
    if math.isinf(time):
        return again, inside
    few = misses * time <= _OFTEN
    rate = misses[few]
    sums, rest = np.zeros_like(rate), rate * time
    for step in range(1, int(min(time / before, _TERMS)) + 1):
        left = rate * (time - step * before)
        term = (-left) ** step / -math.factorial(step)
        sums += term
        rest -= term * left / (step + 1)
    again[few], inside[few] = np.clip(sums, 0, 1), np.clip(rest, 0, 1)
    return again, inside


def lru_with_lifetime(
    popularity: ArrayLike,
    capacity: float,
    rate: float,
    lifetime: ArrayLike,
    sizes: ArrayLike | None = None,
) -> Floats:
    """Each object's hit ratio in an LRU cache whose copies are fresh for *lifetime* only.

    *rate* counts all requests a unit of time, *lifetime* is in that unit, one for all or one an
    object. A copy that is no longer fresh stays where it is and is asked for anew when it is
    wanted, which is no hit. From a fetch on, hits go on until a gap is longer than LRU's
    characteristic time t, or the lifetime L is over. Their expected number H has the transform
    F / (s (1 - F)), F = l (1 - e^-(l + s) t) / (l + s), which inverts to a finite sum; the hit
    ratio is H / (1 + H). With L <= t that is the TTL cache's, with L infinite Che's.

    Source: renewal argument as in Fofack, Nain, Neglia, Towsley, "Analysis of TTL-based cache
    networks" (2012), with the characteristic time of Che, Tung, Wang (2002).
    """
    p = np.asarray(popularity, dtype=np.float64)
    span = characteristic_time(p, capacity, sizes)
    lives = np.broadcast_to(np.asarray(lifetime, dtype=np.float64), p.shape)
    if not (rate > 0 and math.isfinite(rate)) or not np.all(lives >= 0):
        raise TheoryError(f"rate {rate!r}, or lifetimes below 0", mend="Give numbers from 0 up.")
    asked = rate * p / p.sum()
    time = span / rate
    found = np.zeros_like(p)
    if time == 0:
        return found
    plain = _kept(asked, time)
    # The rate at which runs of hits end by a gap that is too long.
    ends = np.zeros_like(p) if math.isinf(time) else asked * np.exp(-asked * time)
    endless = np.isinf(lives)
    endless[~endless] = ends[~endless] * lives[~endless] > _OFTEN
    found[endless] = plain[endless]
    aging = ~endless
    hits = _hits(asked[aging], ends[aging], lives[aging], time)
    found[aging] = hits / (1 + hits)
    return found


def lru_with_lifetime_from_empty(
    rates: ArrayLike, time: float, lifetime: float, start: float, end: float
) -> Floats | None:
    """As :func:`lru_with_lifetime`, in [start, end) of a cache that is empty at 0.

    None where that takes too many steps.
    *rates* are of the objects, *time* is LRU's characteristic time, in the same unit. Of the
    requests at s, those hit that follow a fetch less than a lifetime ago by gaps no longer than
    *time*; the others are fetches, which gives a renewal equation, solved on steps of a fortieth of
    *time*. What is asked for often is never evicted, and as in a cache that lets nothing go.
    O(steps^2) for some fifty rates, between which the others are interpolated.

    Source: Feller, "An Introduction to Probability Theory and Its Applications", volume 2, section
    XI.1, for the renewal equation; else as :func:`lru_with_lifetime`.
    """
    asked = np.asarray(rates, dtype=np.float64)
    if time >= end:
        return ttl_from_empty(asked, lifetime, start, end)
    step = min(time, lifetime) / _STEPS
    if end / step > _MOST_STEPS:
        return None
    found = np.zeros_like(asked)
    often = asked * time > _OFTEN
    found[often] = ttl_from_empty(asked[often], lifetime, start, end)
    seldom = ~often & (asked > 0)
    if seldom.any():
        some = np.geomspace(asked[seldom].min(), asked[seldom].max() * (1 + 1e-9), _RATES)
        ratios = _renewed(some, time, lifetime, start, end, math.ceil(end / step))
        found[seldom] = np.interp(np.log(asked[seldom]), np.log(some), ratios)
    return found


def _renewed(
    asked: Floats, time: float, lifetime: float, start: float, end: float, steps: int
) -> Floats:
    """The hit ratio in [start, end) for each rate: fetches in each of so many *steps*, in turn."""
    step = end / steps
    ends = asked * np.exp(-asked * time)
    # The requests that hit at each age, in steps, of what was fetched at none.
    ages = np.minimum((np.arange(steps + 1) + 0.5) * step, lifetime)
    hits = np.array([_hits(asked, ends, np.full_like(asked, age), time) for age in ages])
    within = np.diff(hits, axis=0, prepend=0.0 * hits[:1])
    fetched = np.empty((steps, asked.size))
    for at in range(steps):
        later = (fetched[:at][::-1] * within[1 : at + 1]).sum(axis=0)
        fetched[at] = np.maximum(asked * step - later, 0.0) / (1 + within[0])
    middles = (np.arange(steps) + 0.5) * step
    counted = middles >= start
    return np.asarray(1 - fetched[counted].sum(axis=0) / (asked * step * counted.sum()))


def _hits(asked: Floats, ends: Floats, lives: Floats, time: float) -> Floats:
    """How many hits follow a fetch on average: the finite sum of :func:`lru_with_lifetime`."""
    hits = asked * lives
    if math.isinf(time):
        return hits
    steps = int(min(np.max(lives, initial=0.0) // time, _TERMS))
    for step in range(1, steps + 1):
        left = np.maximum(lives - step * time, 0.0)
        sign = -1.0 if step % 2 else 1.0
        runs = (ends * left) ** step / math.factorial(step)
        hits = hits + sign * runs * (1 + asked * left / (step + 1))
    return hits


def _kept(rates: Floats, time: float) -> Floats:
    """The chance that an object of each rate was asked for within *time*."""
    if math.isinf(time):
        return np.where(rates > 0, 1.0, 0.0)
    return np.asarray(-np.expm1(-rates * time))
