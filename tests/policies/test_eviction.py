"""Laws of the replacement policies."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from random import Random
from weakref import WeakSet

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ScenarioError
from proxysim.policies.eviction import EVICTIONS, build_eviction
from proxysim.policies.eviction.ghosts import Ghosts

every = pytest.mark.parametrize("name", EVICTIONS)


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
@given(capacity=st.integers(0, 30), script=steps, size=st.integers(0, 30))
def test_the_victim_is_who_goes_first(name, capacity, script, size):
    policy = build_eviction(name, capacity, Random(1))
    for what, key, its in script:
        if what == "discard":
            policy.discard(key)
        elif what == "put" or not policy.touch(key):
            policy.insert(key, its)
    size = min(size, capacity)
    kept = len(policy)
    victim = policy.victim(size)
    assert policy.victim(size) == victim
    assert len(policy) == kept
    assert (victim is None) == (policy.used + size <= capacity)
    gone = list(policy.insert("never seen", size))
    if gone[:1] != ["never seen"]:  # GDSF may refuse it
        assert gone[:1] == ([] if victim is None else [victim])


class Key:
    """Can be watched as it is forgotten."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __repr__(self) -> str:
        return f"Key({self.number})"


@every
@pytest.mark.parametrize("least", [0, 1], ids=["some without size", "all with size"])
def test_what_has_left_is_forgotten_in_the_end(name, least):
    policy, rng = build_eviction(name, 50, Random(1)), Random(2)
    alive: WeakSet[Key] = WeakSet()
    recent: list[Key] = []
    for number in range(4000):
        key = Key(number)
        alive.add(key)
        recent = [*recent[-60:], key]
        policy.insert(key, rng.randint(least, 3))
        again = rng.choice(recent)
        if not policy.touch(again):
            policy.insert(again, 1)
        policy.discard(rng.choice(recent))
    del key, again, recent
    assert len(alive) <= 2 * len(policy) + 2 * 50 + 64


@every
def test_the_unit_of_size_does_not_matter(name):
    rng = Random(3)
    trace = [int(400 * rng.random() ** 3) for _ in range(5000)]

    def hits(unit: int) -> int:
        policy, found = build_eviction(name, 100 * unit, Random(1)), 0
        for key in trace:
            if policy.touch(key):
                found += 1
            else:
                policy.insert(key, unit)
        return found

    assert hits(1) == hits(8)


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
    policy.touch("a")
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
        ("clock", "abcad", "acd"),  # a goes round once more, and is the newest of a, c
        ("clock", "abcade", "ade"),  # c is the oldest now, and was not used
        ("lfuda", "aaabcdef", "aef"),  # the age is 1 by now: a's three uses still count for more
        ("lfuda", "aaabcdefgh", "fgh"),  # the age passes 2 and a has had its time
        ("lfu", "aaabcdefgh", "agh"),
        ("gdsf", "aabcbd", "abd"),
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


def test_the_victim_of_s3fifo_stays_the_same():
    policy = build_eviction("s3fifo", 30)  # small 3, main 27
    policy.insert("first", 3)
    for key in range(26):
        policy.insert(key, 1)
    policy.discard("first")
    policy.insert("a", 2)
    policy.insert("b", 2)
    policy.touch("a")
    policy.touch("a")
    # To find b, a has moved on to the main queue, which is too large from now.
    assert [policy.victim(1), policy.victim(1), *policy.insert("new", 1)] == ["b", "b", "b"]


def test_larger_than_a_segment_of_slru_moves_nobody_down():
    policy = build_eviction("slru", 8)
    policy.insert("a", 1)
    policy.touch("a")
    policy.insert("large", 3)
    policy.touch("large")
    assert policy.victim(8) == "large"


def test_ghosts_are_bounded_even_without_size():
    ghosts = Ghosts(10)
    for key in range(100):
        ghosts.add(key, 0)
    assert len(ghosts) == ghosts.total == 10
    assert all(key in ghosts for key in range(90, 100))
    ghosts.add(99, 4)
    assert ghosts.total == 10
    assert 93 in ghosts
    assert 92 not in ghosts
    ghosts.add("large", 11)
    assert "large" not in ghosts
    assert ghosts.take(99) == 4
    assert ghosts.total == 6


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
        ({"slru": {"segments": 1}}, 10, "segments: found 1. Give a whole number from 2 to 16"),
        ({"2q": {"kin": 1}}, 10, "kin: found 1. Give a share from 0.01 to 0.99"),
        ({"wtinylfu": {"window": "100%"}}, 10, "window: found '100%'"),
        ({"wtinylfu": {"sample": 0}}, 10, "sample: found 0"),
        ({"arc": {"step": "0kB"}}, 10, "step: found '0kB', by which the target would never move"),
        ("belady", 10, "belady must know all requests to come"),
    ],
)
def test_an_impossible_policy_is_refused(spec, capacity, says):
    with pytest.raises(ScenarioError) as caught:
        build_eviction(spec, capacity)
    assert says in str(caught.value)
