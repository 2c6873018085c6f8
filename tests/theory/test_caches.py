"""Hit ratios beside simulated policies, exact chains, and published values."""

from __future__ import annotations

import math
from itertools import permutations
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.policies.eviction import build_eviction
from proxysim.theory import caches
from proxysim.theory.caches import TheoryError

POPULARITIES = st.lists(st.floats(0.01, 1), min_size=2, max_size=30)


def zipf(exponent: float, objects: int) -> np.ndarray:
    p = 1 / np.arange(1, objects + 1) ** exponent
    return p / p.sum()


def simulated(name: str, p: np.ndarray, capacity: int, sizes: list[int], requests: int) -> float:
    rng = np.random.default_rng(7)
    warm = requests // 10
    trace = np.searchsorted(np.cumsum(p), rng.random(warm + requests)).clip(0, len(p) - 1)
    policy, hits = build_eviction(name, capacity, Random(1)), 0
    for at, key in enumerate(trace.tolist()):
        if policy.touch(key):
            hits += at >= warm
        else:
            policy.insert(key, sizes[key])
    return hits / requests


# Beside simulation.


def test_che_on_the_golden_popularity():
    assert caches.lru(zipf(1.0, 10_000), 1000) == pytest.approx(0.675602, abs=5e-7)


@pytest.mark.parametrize("exponent", [0.6, 0.8, 1.0, 1.2])
@pytest.mark.parametrize("name", ["lru", "fifo", "random"])
def test_the_approximation_is_within_half_a_percent(name, exponent):
    p = zipf(exponent, 2000)
    found = simulated(name, p, 200, [1] * 2000, 200_000)
    assert getattr(caches, name)(p, 200) == pytest.approx(found, abs=0.005)


@pytest.mark.parametrize("name", ["lru", "fifo"])
def test_with_sizes(name):
    p = zipf(0.9, 2000)
    sizes = np.random.default_rng(3).integers(1, 40, 2000)
    found = simulated(name, p, 4000, sizes.tolist(), 200_000)
    assert getattr(caches, name)(p, 4000, sizes) == pytest.approx(found, abs=0.005)


def test_perfect_lfu_bounds_what_does_not_know_the_future():
    p = zipf(1.0, 300)
    assert caches.lfu(p[::-1], 30) == pytest.approx(p[:30].sum())
    for name in ("lru", "lfu", "arc", "wtinylfu"):
        assert simulated(name, p, 30, [1] * 300, 100_000) < caches.lfu(p, 30) + 0.004
    assert simulated("wtinylfu", p, 30, [1] * 300, 100_000) > caches.lfu(p, 30) - 0.04


@pytest.mark.parametrize("renewed", [True, False])
def test_ttl(renewed):
    rng, until, now, hits = Random(5), 0.0, 0.0, 0
    for _ in range(200_000):
        now += rng.expovariate(2.0)
        hit = now < until
        hits += hit
        if renewed or not hit:
            until = now + 0.7
    assert caches.ttl(2.0, 0.7, renewed=renewed) == pytest.approx(hits / 200_000, abs=0.005)


# Beside exact solutions of small chains.


def exact_lru(p: np.ndarray, capacity: int) -> float:
    """King (1971): the chance of each order of the last uses, added up."""
    ratio = 0.0
    for kept in permutations(range(len(p)), capacity):
        chance, left = 1.0, 1.0
        for key in kept:
            chance *= p[key] / left
            left -= p[key]
        ratio += chance * p[list(kept)].sum()
    return ratio


def exact_fifo(p: np.ndarray, capacity: int) -> float:
    """King (1971): each set of kept objects has a chance in proportion to the product of its p."""
    kept = [list(order) for order in permutations(range(len(p)), capacity)]
    chances = np.array([p[order].prod() for order in kept])
    return float(chances @ [p[order].sum() for order in kept] / chances.sum())


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_near_the_exact_value_even_when_small(exponent):
    p = zipf(exponent, 8)
    assert caches.lru(p, 4) == pytest.approx(exact_lru(p, 4), abs=0.01)
    assert caches.fifo(p, 4) == pytest.approx(exact_fifo(p, 4), abs=0.015)
    assert simulated("lru", p, 4, [1] * 8, 100_000) == pytest.approx(exact_lru(p, 4), abs=0.005)
    for name in ("fifo", "random"):
        found = simulated(name, p, 4, [1] * 8, 100_000)
        assert found == pytest.approx(exact_fifo(p, 4), abs=0.005)


# Laws.


@given(POPULARITIES, st.floats(0.1, 0.9))
def test_order_of_the_policies(popularity, share):
    capacity = max(1, int(share * len(popularity)))
    fifo = caches.fifo(popularity, capacity)
    lru = caches.lru(popularity, capacity)
    best = caches.lfu(popularity, capacity)
    assert capacity / len(popularity) <= fifo + 1e-9
    assert fifo <= lru + 1e-9 <= best + 2e-9
    assert caches.random(popularity, capacity) == fifo


@given(POPULARITIES, st.floats(0.05, 0.45))
def test_a_larger_cache_hits_more(popularity, share):
    small = share * len(popularity)
    assert caches.lru(popularity, small) < caches.lru(popularity, 2 * small)
    assert caches.lru(popularity, small) == pytest.approx(
        caches.lru([7 * p for p in popularity], 3 * small, [3] * len(popularity))
    )


@given(POPULARITIES, st.booleans())
def test_the_cache_is_full_at_the_characteristic_time(popularity, renewed):
    p = np.array(popularity) / sum(popularity)
    capacity = 0.4 * len(p)
    time = caches.characteristic_time(p, capacity, renewed=renewed)
    kept = sum(caches.ttl(float(rate), time, renewed=renewed) for rate in p)
    assert kept == pytest.approx(capacity)


def test_the_edges():
    assert caches.lru([1, 1], 0) == 0.0
    assert caches.lru([1, 1], 2) == caches.fifo([1, 1], 5) == 1.0
    assert caches.lru([1, 1, 0], 2) == 1.0
    assert math.isinf(caches.characteristic_time([1, 1], 2))
    assert caches.ttl(0.0, 5.0, renewed=True) == caches.ttl(5.0, 0.0, renewed=False) == 0.0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: caches.lru([], 1),
        lambda: caches.lru([1, -1], 1),
        lambda: caches.fifo([0, 0], 1),
        lambda: caches.lru([1, math.nan], 1),
        lambda: caches.random([[1, 2]], 1),
        lambda: caches.lru([1, 2], -1),
        lambda: caches.lru([1, 2], math.nan),
        lambda: caches.lru([1, 2], 1, [1]),
        lambda: caches.lru([1, 2], 1, [1, -1]),
        lambda: caches.lfu([1, 2], -1),
        lambda: caches.ttl(-1, 1, renewed=True),
        lambda: caches.ttl(1, math.inf, renewed=True),
    ],
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(TheoryError):
        wrong()


def test_a_ttl_cache_from_empty_settles():
    asked, life = np.array([0.02, 0.3, 2.0]), 10.0
    early = caches.ttl_from_empty(asked, life, 0.0, life)
    # In the first lifetime an object has one miss, if it is asked for at all.
    assert early == pytest.approx(1 + np.expm1(-asked * life) / (asked * life))
    late = caches.ttl_from_empty(asked, life, 1000.0, 3000.0)
    assert late == pytest.approx(
        [caches.ttl(rate, life, renewed=False) for rate in asked], abs=0.004
    )
    assert caches.ttl_from_empty([1.0, 0.0], [0.0, 5.0], 0.0, 9.0) == pytest.approx([0.0, 0.0])
    with pytest.raises(caches.TheoryError):
        caches.ttl_from_empty([1.0], [1.0], 5.0, 5.0)
