"""Laws of the replacement policies, and libCacheSim as the outside oracle."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ScenarioError
from proxysim.policies.eviction import EVICTIONS, build_eviction

every = pytest.mark.parametrize("name", EVICTIONS)

LIBCACHESIM = {"lru": "LRU", "fifo": "FIFO", "lfu": "LFU", "s3fifo": "S3FIFO", "sieve": "Sieve"}

#: As counted by libCacheSim 0.3.5 on the golden trace, for 1000 objects of equal size. LFU's ties
#: (least recently used first) and S3-FIFO's parameters and filling are the same there and here.
GOLDEN = {"lru": 134845, "fifo": 125975, "lfu": 145866, "s3fifo": 146611, "sieve": 146231}


def count_hits(
    name: str, capacity: int, trace: Sequence[int], sizes: Sequence[int] | None = None
) -> int:
    policy = build_eviction(name, capacity, Random(1))
    touch, insert = policy.touch, policy.insert
    hits = 0
    for key in trace:
        if touch(key):
            hits += 1
        else:
            insert(key, sizes[key] if sizes else 1)
    return hits


def zipf(exponent: float, objects: int, length: int, rng: np.random.Generator) -> np.ndarray:
    p = 1 / np.arange(1, objects + 1) ** exponent
    p /= p.sum()
    return np.searchsorted(np.cumsum(p), rng.random(length)).clip(0, objects - 1)


@cache
def golden_trace() -> list[int]:
    return zipf(1.0, 10_000, 200_000, np.random.default_rng(7)).tolist()


def other_traces() -> dict[str, list[int]]:
    rng = np.random.default_rng(11)
    drift = zipf(0.9, 4000, 40_000, rng) + np.arange(40_000) // 20
    scans = zipf(1.0, 3000, 40_000, rng)
    scans[10_000:11_500] = np.arange(2000, 3500)
    scans[25_000:27_000] = np.arange(1500, 3500)
    return {
        "zipf 0.6": zipf(0.6, 4000, 40_000, rng).tolist(),
        "zipf 0.8": zipf(0.8, 4000, 40_000, rng).tolist(),
        "zipf 1.2": zipf(1.2, 4000, 40_000, rng).tolist(),
        "loop": (np.arange(20_000) % 450).tolist(),
        "drifting": (drift % 4000).tolist(),
        "scans": scans.tolist(),
    }


TRACES = other_traces()
SIZES = np.random.default_rng(5).integers(1, 60, 4000).tolist()


# Outside oracles.


@every
def test_hits_on_the_golden_trace(name):
    assert count_hits(name, 1000, golden_trace()) == GOLDEN[name]


@every
@pytest.mark.parametrize("varied", [False, True], ids=["equal", "varied"])
@pytest.mark.parametrize("trace", TRACES)
def test_hits_are_those_of_libcachesim(name, trace, varied):
    oracle = pytest.importorskip("libcachesim", reason="the oracle has no wheel for this machine")
    capacity, sizes = (12_000, SIZES) if varied else (400, [1] * 4000)
    theirs = getattr(oracle, LIBCACHESIM[name])(capacity, hashpower=14)
    request = oracle.Request()
    expected = 0
    for key in TRACES[trace]:
        request.obj_id, request.obj_size = key, sizes[key]
        expected += theirs.get(request)
    assert count_hits(name, capacity, TRACES[trace], sizes) == expected


# The contract, against a model that is told only what went.


Step = tuple[str, int, int]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 12), st.integers(0, 12)),
        st.tuples(st.just("put"), st.integers(0, 12), st.integers(0, 12)),
        st.tuples(st.just("discard"), st.integers(0, 12), st.just(0)),
    ),
    max_size=120,
)


def play(name: str, capacity: int, script: list[Step]) -> list[list[Hashable]]:
    """Carry out *script* beside a dict of what must be kept; returns what went at each step."""
    policy = build_eviction(name, capacity, Random(1))
    kept: dict[Hashable, int] = {}
    went: list[list[Hashable]] = []
    for what, key, size in script:
        gone: Sequence[Hashable] = ()
        if what == "discard":
            policy.discard(key)
            kept.pop(key, None)
        else:
            hit = what == "ask" and policy.touch(key)
            if what == "ask":
                assert hit == (key in kept)
            if not hit:
                gone = policy.insert(key, size)
                kept[key] = size
                assert len(set(gone)) == len(gone), "a key went twice"
                assert set(gone) <= kept.keys(), "a key went that was not kept"
                for victim in gone:
                    del kept[victim]
                assert (key in gone) == (key not in policy)
                assert size <= capacity or key in gone
        went.append(list(gone))
        assert policy.used == sum(kept.values()) <= capacity
        assert len(policy) == len(kept)
        assert all(kept_key in policy for kept_key in kept)
    assert all((key in policy) == (key in kept) for key in range(13))
    return went


@every
@given(capacity=st.integers(0, 30), script=steps)
def test_what_is_kept_is_what_came_less_what_went(name, capacity, script):
    assert play(name, capacity, script) == play(name, capacity, script)


@every
@given(capacity=st.integers(1, 20), keys=st.lists(st.integers(0, 40), max_size=200))
def test_nothing_goes_before_the_cache_is_full(name, capacity, keys):
    policy = build_eviction(name, capacity, Random(1))
    seen: set[int] = set()
    for key in keys:
        if not policy.touch(key):
            gone = policy.insert(key, 1)
            seen.add(key)
            assert len(gone) == (len(policy) + len(gone) > capacity)
        assert len(policy) == min(len(seen), capacity)


@every
def test_larger_than_the_cache_is_not_admitted_and_drives_nobody_out(name):
    policy = build_eviction(name, 10, Random(1))
    policy.insert("a", 4)
    assert list(policy.insert("b", 11)) == ["b"]
    assert "a" in policy
    assert list(policy.insert("a", 11)) == ["a"]
    assert len(policy) == policy.used == 0


@every
def test_zero_size_always_fits(name):
    policy = build_eviction(name, 1, Random(1))
    for key in range(50):
        assert not policy.insert(key, 0)
    assert len(policy) == 50


@every
def test_inserting_again_replaces_the_size(name):
    policy = build_eviction(name, 10, Random(1))
    policy.insert("a", 3)
    policy.insert("b", 3)
    assert not policy.insert("a", 6)
    assert policy.used == 9
    assert "a" in policy
    assert list(policy.insert("a", 9)) == ["b"]
    assert policy.used == 9


# What each rule says goes.


def keep(name, capacity, script):
    policy = build_eviction(name, capacity, Random(1))
    for key in script:
        if not policy.touch(key):
            policy.insert(key, 1)
    return {key for key in script if key in policy}


@pytest.mark.parametrize(
    ("name", "script", "left"),
    [
        ("lru", "abcad", "acd"),
        ("fifo", "abcad", "bcd"),
        ("lfu", "aabbccad", "acd"),  # b and c equal: b was used longer ago
        ("lfu", "aabbcd", "abd"),
        ("sieve", "abcad", "acd"),  # the hand passes a, taking its mark, and stops at b
        ("sieve", "abcade", "ade"),  # and goes on from there
    ],
)
def test_who_goes(name, script, left):
    assert keep(name, 3, script) == set(left)


@given(st.lists(st.integers(0, 30), max_size=200))
def test_lru_is_an_ordered_dict(keys):
    policy, model = build_eviction("lru", 8), OrderedDict()
    for key in keys:
        assert policy.touch(key) == (key in model)
        if key in model:
            model.move_to_end(key)
            continue
        gone = [model.popitem(last=False)[0]] if len(model) == 8 else []
        model[key] = 1
        assert list(policy.insert(key, 1)) == gone


def test_a_scan_passes_through_the_small_queue_of_s3fifo():
    policy = build_eviction("s3fifo", 100)
    for key in range(100):
        policy.insert(key, 1)
    for key in range(100):
        policy.touch(key)
        policy.touch(key)
    for key in range(1000, 5000):
        policy.insert(key, 1)
    assert sum(key in policy for key in range(100)) >= 85


# Building.


@pytest.mark.parametrize(
    ("spec", "capacity", "says"),
    [
        ("lur", 10, "Did you mean 'lru'"),
        ("lru", -1, "found -1 as a cache's capacity"),
        ("lru", 1.5, "found 1.5 as a cache's capacity"),
        ({"s3fifo": {"small": 0}}, 10, "small: found 0. Give a share from 0.01 to 0.99"),
        ({"s3fifo": {"small": "200%"}}, 10, "small: found '200%'"),
        ({"lru": {"small": 0.1}}, 10, "has no parameter 'small'"),
    ],
)
def test_an_impossible_policy_is_refused(spec, capacity, says):
    with pytest.raises(ScenarioError) as caught:
        build_eviction(spec, capacity)
    assert says in str(caught.value)
