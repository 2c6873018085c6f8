"""Tiers and ageing copies beside the caches themselves, and hashing beside the tables."""

import math
from collections import OrderedDict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.policies.hashing import ketama_ring, maglev_table
from proxysim.theory import caches, hashing, tiers
from proxysim.theory.queues import TheoryError

REQUESTS = 250_000
WARM = 50_000


def zipf(exponent: float, objects: int) -> np.ndarray:
    p = 1 / np.arange(1, objects + 1) ** exponent
    return p / p.sum()


def asked(p: np.ndarray, seed: int) -> list[int]:
    rng = np.random.default_rng(seed)
    return np.searchsorted(np.cumsum(p), rng.random(REQUESTS)).clip(0, len(p) - 1).tolist()


class Lru:
    def __init__(self, capacity: int) -> None:
        self.kept: OrderedDict[int, None] = OrderedDict()
        self.capacity = capacity
        self.hits = self.requests = 0

    def ask(self, key: int, counts: bool) -> bool:
        hit = key in self.kept
        self.requests += counts
        self.hits += counts and hit
        self.kept[key] = None
        self.kept.move_to_end(key)
        if len(self.kept) > self.capacity:
            self.kept.popitem(last=False)
        return hit


@pytest.mark.parametrize(
    ("capacities", "leaves"),
    [((100, 400), 1), ((100, 100), 1), ((100, 400), 4), ((50, 150, 600), 2)],
)
def test_tiers_beside_simulation(capacities, leaves):
    p = zipf(0.9, 5000)
    edges = [Lru(capacities[0]) for _ in range(leaves)]
    behind = [Lru(capacity) for capacity in capacities[1:]]
    at = np.random.default_rng(1).integers(0, leaves, REQUESTS).tolist()
    for number, (key, leaf) in enumerate(zip(asked(p, 7), at, strict=True)):
        for cache in (edges[leaf], *behind):
            if cache.ask(key, number >= WARM):
                break
    found = tiers.lru_tiers(p, capacities, leaves=leaves)
    first = sum(cache.hits for cache in edges) / sum(cache.requests for cache in edges)
    assert found.hits[0] == pytest.approx(first, abs=0.005)
    for ratio, cache, off in zip(found.hits[1:], behind, (0.008, 0.03), strict=False):
        assert ratio == pytest.approx(cache.hits / cache.requests, abs=off)
    missed = behind[-1].requests - behind[-1].hits
    assert found.overall == pytest.approx(1 - missed / (REQUESTS - WARM), abs=0.015)


@given(st.floats(0.3, 1.3), st.integers(1, 300))
def test_one_tier_is_ches(exponent, capacity):
    p = zipf(exponent, 300)
    found = tiers.lru_tiers(p, [capacity])
    assert found.hits[0] == pytest.approx(caches.lru(p, capacity))
    assert found.overall == pytest.approx(found.hits[0])


def test_behind_a_cache_that_holds_everything_nothing_is_asked():
    assert tiers.lru_tiers(zipf(1, 50), [50, 10]) == tiers.Tiers((1.0, 0.0), 1.0)


@pytest.mark.parametrize("lifetime", [20.0, 300.0, 1500.0, 20_000.0])
def test_ageing_copies_beside_simulation(lifetime):
    """Time is counted in requests, so the rate is 1; Che's time is some 500 of them."""
    p = zipf(0.8, 2000)
    kept: OrderedDict[int, float] = OrderedDict()
    rng = np.random.default_rng(4)
    hits, now = 0, 0.0
    gaps = rng.exponential(1.0, REQUESTS).tolist()
    for number, (key, gap) in enumerate(zip(asked(p, 9), gaps, strict=True)):
        now += gap
        if now < kept.get(key, -1.0):
            hits += number >= WARM
        else:
            kept[key] = now + lifetime
        kept.move_to_end(key)
        if len(kept) > 200:
            kept.popitem(last=False)
    found = float(p @ tiers.lru_with_lifetime(p, 200, 1.0, lifetime))
    assert found == pytest.approx(hits / (REQUESTS - WARM), abs=0.006)


@given(st.floats(0.3, 1.3), st.integers(1, 400), st.floats(0.01, 100))
def test_ageing_lies_between_never_and_at_once(exponent, capacity, rate):
    p = zipf(exponent, 300)
    lives = [0.0, 1.0, 10.0, 100.0, 1e4, 1e7, math.inf]
    ratios = [tiers.lru_with_lifetime(p, capacity, rate, life) for life in lives]
    assert not ratios[0].any()
    assert (ratios[0] <= 1).all()
    assert float(p @ ratios[-1]) == pytest.approx(caches.lru(p, capacity))
    for less, more in pairwise(ratios):
        assert (more - less >= -1e-5).all()


def test_where_everything_fits_ageing_is_all():
    p = zipf(1.0, 20)
    found = tiers.lru_with_lifetime(p, 20, 2.0, 3.0)
    assert found == pytest.approx([caches.ttl(2 * one, 3.0, renewed=False) for one in p])


# Hashing.


@pytest.mark.parametrize(("backends", "size"), [(3, 7), (7, 251), (100, 65537)])
def test_maglev_beside_its_table(backends, size):
    members = tuple((f"backend-{number}", 1.0) for number in range(backends))
    owned = np.bincount(np.asarray(maglev_table(members, size)), minlength=backends)
    assert owned.max() / owned.mean() == pytest.approx(hashing.maglev_peak(backends, size))


@pytest.mark.parametrize(("backends", "points"), [(4, 160), (20, 160), (50, 40)])
def test_a_ring_beside_its_points(backends, points):
    spreads, peaks = [], []
    for trial in range(40):
        members = tuple((f"{trial}/{number}", 1.0) for number in range(backends))
        ring = ketama_ring(members, points)
        arcs = np.diff(ring.points, prepend=ring.points[-1] - 2**32)
        shares = np.bincount(ring.owners[:-1], weights=arcs, minlength=backends) / 2**32
        spreads.append(np.square(shares * backends - 1).mean())
        peaks.append(shares.max() * backends)
    assert math.sqrt(np.mean(spreads)) == pytest.approx(
        hashing.ring_spread(backends, points), rel=0.15
    )
    assert np.mean(peaks) == pytest.approx(hashing.ring_peak(backends, points), abs=0.02)


def test_popular_keys_upset_any_hash():
    p = zipf(1.0, 500)
    owners = np.random.default_rng(2).integers(0, 8, (2000, 500))
    loads = np.stack([(owners == backend) @ p for backend in range(8)], axis=1)
    spread = math.sqrt(np.square(8 * loads - 1).mean())
    assert spread == pytest.approx(hashing.key_spread(p, 8), rel=0.05)
    assert hashing.key_spread(np.ones(10**5), 8) < 0.01


def test_what_moves_and_what_is_the_most():
    assert hashing.moved(4) == 0.25
    keys = np.arange(120)
    assert hashing.moved(5, consistent=False) == pytest.approx((keys % 5 != keys % 4).mean())
    assert hashing.bounded_load(100, 8, 1.25) == 16
    assert hashing.ring_peak(1) == hashing.maglev_peak(1, 7) == 1


@pytest.mark.parametrize(
    "ask",
    [
        lambda: tiers.lru_tiers([1, 1], []),
        lambda: tiers.lru_tiers([1, 1], [1], leaves=0),
        lambda: tiers.lru_with_lifetime([1, 1], 1, 0.0, 1.0),
        lambda: tiers.lru_with_lifetime([1, 1], 1, 1.0, -1.0),
        lambda: hashing.maglev_peak(0),
        lambda: hashing.maglev_peak(9, 7),
        lambda: hashing.ring_spread(3, 0),
        lambda: hashing.key_spread([], 3),
        lambda: hashing.bounded_load(3, 2, 0.5),
    ],
)
def test_parameters_out_of_range(ask):
    with pytest.raises(TheoryError):
        ask()


def played(rate: float, time: float, life: float, start: float, end: float, runs: int) -> float:
    """The hit ratio in [start, end), from an empty cache, by drawing one object's requests."""
    rng = np.random.default_rng(5)
    asked = hits = 0
    for _ in range(runs):
        fetched = last = -math.inf
        at = rng.exponential(1 / rate)
        while at < end:
            hit = at - fetched < life and at - last <= time
            fetched, last = (fetched if hit else at), at
            asked += at >= start
            hits += hit and at >= start
            at += rng.exponential(1 / rate)
    return hits / asked


@pytest.mark.parametrize(
    ("rate", "time", "life"),
    [(0.1, 10.0, 25.0), (0.4, 10.0, 25.0), (2.0, 10.0, 25.0), (0.3, 1e9, 25.0), (0.2, 20.0, 8.0)],
    ids=["seldom", "between", "never evicted", "nothing has to leave", "stale before it leaves"],
)
def test_a_cache_that_fills_while_its_copies_age(rate, time, life):
    (found,) = tiers.lru_with_lifetime_from_empty([rate], time, life, 5.0, 60.0)
    runs = 1500
    # A run's requests depend on one another: no more is taken for granted than runs.
    error = math.sqrt(found * (1 - found) / runs)
    assert found == pytest.approx(played(rate, time, life, 5.0, 60.0, runs), abs=3.5 * error)


def test_in_the_end_it_is_settled():
    p = np.array([0.7, 0.2, 0.1])
    capacity = 1.5
    time = caches.characteristic_time(p, capacity)
    settled = tiers.lru_with_lifetime(p, capacity, 1.0, 4.0)
    late = tiers.lru_with_lifetime_from_empty(p, time, 4.0, 20.0, 40.0)
    assert late == pytest.approx(settled, abs=0.004)


def test_what_takes_too_many_steps_is_left_to_the_settled_cache():
    assert tiers.lru_with_lifetime_from_empty([1.0], 0.01, 5.0, 0.0, 100.0) is None
