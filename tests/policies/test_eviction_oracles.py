"""Replacement policies counted hit by hit beside libCacheSim, brute force, and naive models."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter, OrderedDict
from collections.abc import Sequence
from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ScenarioError
from proxysim.policies.eviction import (
    EVICTIONS,
    OFFLINE,
    Eviction,
    build_eviction,
    build_offline,
)

#: As counted by libCacheSim 0.3.5 on the golden trace, for 1000 objects of equal size.
GOLDEN = {
    "lru": 134845,
    "fifo": 125975,
    "clock": 136965,
    "lfu": 145866,  # ties: the least recently used goes first, there as here
    "slru": 145541,  # four equal segments
    "2q": 143281,
    "arc": 144986,
    "sieve": 146231,
    "s3fifo": 146611,
    "gdsf": 143146,
}

LIBCACHESIM = {
    "lru": "LRU",
    "fifo": "FIFO",
    "clock": "Clock",
    "lfu": "LFU",
    "slru": "SLRU",
    "2q": "TwoQ",
    "arc": "ARC",
    "sieve": "Sieve",
    "s3fifo": "S3FIFO",
    "gdsf": "GDSF",
    "random": "Random",
    "wtinylfu": "WTinyLFU",
}

#: Where sizes vary, these are near libCacheSim but not equal to it; the share of hits they may
#: differ by.
#: SLRU: there a hit may drive an object out, when what falls is larger than what rose and the
#: lowest segment overflows. A hit drives nothing out here; the lowest segment uses what is free.
#: ARC: there the target moves by single bytes where the paper's moves by pages; here by the size of
#: what returned, so that the unit does not matter. With the same step it is within 1 %: there the
#: ghosts may grow beyond the paper's bounds.
#: 2Q: there Am may not grow into what the queue leaves free.
VARIED = {"slru": 0.0125, "arc": 0.02, "2q": 0.001}


def hits(policy: Eviction, trace: Sequence[int], sizes: Sequence[int] | None = None) -> int:
    touch, insert = policy.touch, policy.insert
    found = 0
    for key in trace:
        if touch(key):
            found += 1
        else:
            insert(key, sizes[key] if sizes else 1)
    return found


def theirs(name: str, capacity: int, trace: Sequence[int], sizes: Sequence[int]) -> int:
    oracle = pytest.importorskip("libcachesim", reason="the oracle has no wheel for this machine")
    simulated = getattr(oracle, LIBCACHESIM[name])(capacity, hashpower=14)
    request = oracle.Request()
    found = 0
    for key in trace:
        request.obj_id, request.obj_size = key, sizes[key]
        found += simulated.get(request)
    return found


def zipf(exponent: float, objects: int, length: int, rng: np.random.Generator) -> np.ndarray:
    p = 1 / np.arange(1, objects + 1) ** exponent
    p /= p.sum()
    return np.searchsorted(np.cumsum(p), rng.random(length)).clip(0, objects - 1)


@cache
def golden_trace() -> list[int]:
    return zipf(1.0, 10_000, 200_000, np.random.default_rng(7)).tolist()


def other_traces() -> dict[str, list[int]]:
    rng = np.random.default_rng(11)
    drift = zipf(0.9, 4000, 25_000, rng) + np.arange(25_000) // 20
    scans = zipf(1.0, 3000, 25_000, rng)
    scans[10_000:11_500] = np.arange(2000, 3500)
    scans[20_000:22_000] = np.arange(1500, 3500)
    return {
        "zipf 0.6": zipf(0.6, 4000, 25_000, rng).tolist(),
        "zipf 0.8": zipf(0.8, 4000, 25_000, rng).tolist(),
        "zipf 1.2": zipf(1.2, 4000, 25_000, rng).tolist(),
        "loop": (np.arange(15_000) % 450).tolist(),
        "drifting": (drift % 4000).tolist(),
        "scans": scans.tolist(),
    }


TRACES = other_traces()
EQUAL = [1] * 4000
SIZES = np.random.default_rng(5).integers(1, 60, 4000).tolist()


@pytest.mark.parametrize("name", GOLDEN)
def test_hits_on_the_golden_trace(name):
    assert hits(build_eviction(name, 1000), golden_trace()) == GOLDEN[name]


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        # Which of the popular objects are drawn differs.
        ("random", 125890),
        # The sketches differ. There: ten rows over one another, a sample of 32 requests an object
        # without a limit, what leaves the window counted twice, hits in the window not at all; so
        # its own count depends on how the keys are numbered: 148271 from 1, 148212 from 0.
        ("wtinylfu", 148271),
        ("wtinylfu", 148212),
    ],
)
def test_hits_on_the_golden_trace_within_one_percent(name, counted):
    assert hits(build_eviction(name, 1000, Random(1)), golden_trace()) == pytest.approx(
        counted, rel=0.01
    )


@pytest.mark.parametrize("trace", TRACES)
@pytest.mark.parametrize("name", GOLDEN)
def test_hits_are_those_of_libcachesim(name, trace):
    expected = theirs(name, 400, TRACES[trace], EQUAL)
    assert hits(build_eviction(name, 400), TRACES[trace]) == expected


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", GOLDEN)
def test_hits_are_those_of_libcachesim_when_all_turns_often(name, seed):
    """Short phases of loops, favourites and strangers, so that every balance tips both ways."""
    rng, trace = Random(seed), []
    for _ in range(400):
        start, width, length = (
            rng.randrange(150),
            rng.choice((5, 15, 25, 60)),
            rng.randrange(10, 80),
        )
        if rng.random() < 0.5:
            trace += [start + at % width for at in range(length)]
        else:
            trace += [start + int(width * rng.random() ** 2) for _ in range(length)]
    assert hits(build_eviction(name, 20), trace) == theirs(name, 20, trace, EQUAL)


@pytest.mark.parametrize("trace", TRACES)
@pytest.mark.parametrize("name", GOLDEN)
def test_hits_are_those_of_libcachesim_when_sizes_vary(name, trace):
    if (name, trace) == ("slru", "loop"):
        pytest.skip("a loop just too large: one object more or less in it changes every hit")
    expected = theirs(name, 12_000, TRACES[trace], SIZES)
    found = hits(build_eviction(name, 12_000), TRACES[trace], SIZES)
    assert abs(found - expected) <= VARIED.get(name, 0.0) * expected
    if name == "arc":
        same_step = build_eviction({"arc": {"step": 1}}, 12_000)
        assert abs(hits(same_step, TRACES[trace], SIZES) - expected) <= 0.01 * expected


@pytest.mark.parametrize("trace", ["zipf 0.6", "zipf 0.8", "zipf 1.2", "scans"])
def test_random_is_as_good_as_that_of_libcachesim(trace):
    expected = theirs("random", 400, TRACES[trace], EQUAL)
    found = hits(build_eviction("random", 400, Random(1)), TRACES[trace])
    assert abs(found - expected) < 4 * (2 * expected) ** 0.5  # both draw


# Models: the rule, written as plainly as possible, whatever it costs.


class PlainLfuda:
    """Arlitt's LFU-DA: the least ``uses + age at the last use`` goes, and becomes the age.

    libCacheSim's LFUDA is no oracle for it: there the age is added at each use again, so that
    counts double instead of rising, and nothing ages on a drifting trace.
    """

    def __init__(self, capacity: int) -> None:
        self.room, self.age, self.now = capacity, 0, 0
        self.uses: dict[int, int] = {}
        self.rank: dict[int, tuple[int, int]] = {}

    def request(self, key: int) -> bool:
        hit = key in self.rank
        self.now += 1
        if not hit:
            self.room -= 1
            self.uses[key] = 0
            while self.room < 0:
                least = min(self.rank, key=self.rank.__getitem__)
                self.age = self.rank.pop(least)[0]
                self.room += 1
        self.uses[key] += 1
        self.rank[key] = self.uses[key] + self.age, self.now
        return hit


class PlainTinyLfu:
    """W-TinyLFU with exact counts in place of the sketch, and a list for each part."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.window, self.trial, self.safe = OrderedDict(), OrderedDict(), OrderedDict()
        self.counts: Counter[int] = Counter()
        self.since, self.objects = 0, 64

    def request(self, key: int) -> bool:
        hit = True
        if key in self.safe:
            self.safe.move_to_end(key)
        elif key in self.trial:
            del self.trial[key]
            self.safe[key] = None
            if len(self.safe) > int((self.capacity - int(self.capacity * 0.01)) * 0.8):
                self.trial[self.safe.popitem(last=False)[0]] = None
        elif key in self.window:
            self.window.move_to_end(key)
        else:
            hit = False
            self.window[key] = None
            if len(self.window) > int(self.capacity * 0.01):
                candidate = self.window.popitem(last=False)[0]
                if len(self.window) + len(self.trial) + len(self.safe) == self.capacity:
                    resident = next(iter(self.trial or self.safe))
                    if self.counts[candidate] > self.counts[resident]:
                        (self.trial if resident in self.trial else self.safe).pop(resident)
                        self.trial[candidate] = None
                else:
                    self.trial[candidate] = None
        self.since += 1
        if self.since >= 16 * self.objects:
            self.since //= 2
            self.counts = Counter({key: (n - 1) // 2 for key, n in self.counts.items() if n > 2})
        self.counts[key] = min(self.counts[key] + 1, 16)
        while len(self.window) + len(self.trial) + len(self.safe) > self.objects:
            self.objects *= 2
        return hit


@pytest.mark.parametrize("trace", ["zipf 0.8", "drifting", "scans"])
def test_hits_are_those_of_a_plain_lfuda(trace):
    plain = PlainLfuda(100)
    keys = TRACES[trace][:8000]
    assert hits(build_eviction("lfuda", 100), keys) == sum(plain.request(key) for key in keys)


@pytest.mark.parametrize("trace", TRACES)
def test_the_sketch_of_wtinylfu_hardly_costs_a_hit(trace):
    plain = PlainTinyLfu(400)
    expected = sum(plain.request(key) for key in TRACES[trace])
    found = hits(build_eviction("wtinylfu", 400), TRACES[trace])
    assert found == pytest.approx(expected, rel=0.015)


# Belady.


def test_belady_on_the_golden_trace():
    trace = golden_trace()
    assert hits(build_offline("belady", 1000, trace), trace) == 162483
    assert hits(build_offline("belady_bypass", 1000, trace), trace) == 162493


def most_hits(trace: Sequence[int], capacity: int, bypass: bool) -> int:
    """The best that any choices can do, by trying all."""

    @cache
    def rest(at: int, kept: frozenset[int]) -> int:
        if at == len(trace):
            return 0
        key = trace[at]
        if key in kept:
            return 1 + rest(at + 1, kept)
        if len(kept) < capacity:
            choices = [kept | {key}]
        else:
            choices = [kept - {victim} | {key} for victim in kept]
        if bypass:
            choices.append(kept)
        return max(rest(at + 1, choice) for choice in choices)

    return rest(0, frozenset())


@given(st.lists(st.integers(0, 5), max_size=14), st.integers(1, 4))
def test_nothing_has_more_hits_than_belady(trace, capacity):
    assert hits(build_offline("belady", capacity, trace), trace) == most_hits(
        trace, capacity, bypass=False
    )
    assert hits(build_offline("belady_bypass", capacity, trace), trace) == most_hits(
        trace, capacity, bypass=True
    )


@given(st.lists(st.integers(0, 30), max_size=300), st.integers(1, 20))
def test_belady_bounds_every_policy(trace, capacity):
    best = hits(build_offline("belady", capacity, trace), trace)
    bypassing = hits(build_offline("belady_bypass", capacity, trace), trace)
    assert best <= bypassing
    for name in EVICTIONS:
        bound = bypassing if name == "gdsf" else best  # GDSF may refuse a newcomer
        assert hits(build_eviction(name, capacity, Random(1)), trace) <= bound, name


@pytest.mark.parametrize("name", OFFLINE)
@given(
    trace=st.lists(st.integers(0, 12), max_size=150),
    capacity=st.integers(0, 30),
    discards=st.sets(st.integers(0, 150)),
)
def test_belady_keeps_the_contract(name, trace, capacity, discards):
    policy = build_offline(name, capacity, trace)
    kept: dict[int, int] = {}
    for at, key in enumerate(trace):
        size = key * 3 % 13
        assert policy.touch(key) == (key in kept)
        if key not in kept or at in discards:
            victim = policy.victim(size) if key not in kept and size <= capacity else None
            kept[key] = size
            gone = list(policy.insert(key, size))
            assert victim is None or victim in gone or key in gone
            for lost in gone:
                del kept[lost]
        if at in discards:
            policy.discard(at % 13)
            kept.pop(at % 13, None)
        assert policy.used == sum(kept.values()) <= capacity
        assert len(policy) == len(kept)
        assert all((key in policy) == (key in kept) for key in range(13))


def test_belady_does_not_answer_for_another_trace():
    policy = build_offline("belady", 2, "ab")
    policy.touch("a")
    with pytest.raises(ScenarioError, match="'b' is inserted, and was not asked for"):
        policy.insert("b", 1)
    policy.insert("a", 1)
    with pytest.raises(ScenarioError, match="request 1 is for 'a', which is not what the trace"):
        policy.touch("a")
    with pytest.raises(ScenarioError, match="request 2"):
        policy.touch("b")


# The same in every process.

SCRIPT = """
from random import Random
from proxysim.policies.eviction import EVICTIONS, build_eviction
rng = Random(4)
trace = [("https", f"site{int(9 * rng.random())}", f"/{int(300 * rng.random() ** 3)}", None)
         for _ in range(3000)]
for name in EVICTIONS:
    policy, gone = build_eviction(name, 400, Random(1)), []
    for key in trace:
        if not policy.touch(key):
            gone += policy.insert(key, len(key[2]))
    print(name, len(gone), gone[-50:])
"""


def test_hash_seeds_change_nothing():
    said = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert all(f"{name} ".encode() in next(iter(said)) for name in EVICTIONS)
