"""What a cache takes in, and the sketch by which frequencies are known."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ScenarioError
from proxysim.policies.admission import ADMISSIONS, Admission, build_admission
from proxysim.policies.eviction import EVICTIONS, Eviction, build_eviction
from proxysim.policies.frequency import FrequencySketch, key_hash

SPECS = {"size_limit": {"size_limit": {"limit": 3}}, "second_hit": "second_hit"}
every = pytest.mark.parametrize("name", ADMISSIONS)


def admission(name: str) -> Admission:
    return build_admission(SPECS.get(name, name))


def ask(keeper: Eviction, guard: Admission, key: object, size: int) -> bool:
    """One request, as a cache makes it."""
    if keeper.touch(key):
        guard.touch(key)
        return True
    if size <= keeper.capacity and guard.admits(key, size, keeper.victim(size)):
        keeper.insert(key, size)
    return False


requests = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 6)), max_size=100)


@every
@pytest.mark.parametrize("eviction", EVICTIONS)
@given(script=requests, capacity=st.integers(0, 12))
def test_in_front_of_every_policy(name, eviction, script, capacity):
    def play() -> list[bool]:
        keeper, guard = build_eviction(eviction, capacity, Random(1)), admission(name)
        answers = []
        for key, size in script:
            kept = key in keeper
            answers.append(ask(keeper, guard, key, size))
            assert answers[-1] == kept
            assert keeper.used <= capacity
        return answers

    assert play() == play()


@every
def test_refusing_changes_nothing_that_is_kept(name):
    keeper, guard = build_eviction("lru", 3), admission(name)
    for key in "abc":
        keeper.insert(key, 1)
        guard.touch(key)
        guard.touch(key)
    assert not guard.admits("new", 4 if name == "size_limit" else 1, keeper.victim(1))
    assert all(key in keeper for key in "abc")


def test_a_size_limit_takes_up_to_its_limit():
    policy = build_admission({"size_limit": {"limit": "4kB"}})
    assert policy.admits("a", 4000)
    assert not policy.admits("a", 4001)


def test_the_second_time_enters():
    policy = build_admission({"second_hit": {"remembered": 2}})
    assert not policy.admits("a", 1)
    assert policy.admits("a", 1)
    assert not policy.admits("a", 1)  # it has left since, and starts anew
    assert not policy.admits("b", 1)
    assert not policy.admits("c", 1)  # a, the oldest, is forgotten
    assert not policy.admits("a", 1)
    assert policy.admits("c", 1)


@given(st.lists(st.integers(0, 50), max_size=300), st.integers(1, 10))
def test_second_hit_remembers_no_more_than_it_may(keys, remembered):
    policy = build_admission({"second_hit": {"remembered": remembered}})
    turned_away: list[int] = []
    for key in keys:
        known = key in turned_away[-remembered:]
        assert policy.admits(key, 1) == known
        if known:
            turned_away.remove(key)
        else:
            turned_away.append(key)


def test_tinylfu_prefers_what_is_asked_for_more_often():
    policy = build_admission("tinylfu")
    for _ in range(3):
        policy.touch("kept")
    assert policy.admits("new", 1, None)
    assert [policy.admits("new", 1, "kept") for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize(("name", "gain"), [("second_hit", 0.01), ("tinylfu", 0.04)])
def test_a_scan_does_less_harm_behind_an_admission(name, gain):
    rng = Random(1)
    trace = [int(3000 * rng.random() ** 4) for _ in range(20_000)]
    for start in (5000, 12_000):
        trace[start : start + 2000] = range(10_000 + start, 12_000 + start)

    def ratio(guard: Admission | None) -> float:
        keeper = build_eviction("lru", 200)
        hits = 0
        for key in trace:
            if guard is not None:
                hits += ask(keeper, guard, key, 1)
            elif keeper.touch(key):
                hits += 1
            else:
                keeper.insert(key, 1)
        return hits / len(trace)

    assert ratio(admission(name)) > ratio(None) + gain


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("size_limit", "size_limit needs limit"),
        ({"size_limit": {"limit": "4 parsecs"}}, "limit: found '4 parsecs'"),
        ({"size": {"limit": 4}}, "no admission policy is called 'size'"),
        ({"second_hit": {"remembered": 0}}, "remembered: found 0"),
        ({"tinylfu": {"objects": "many"}}, "objects: found 'many'"),
    ],
)
def test_an_impossible_admission_is_refused(spec, says):
    with pytest.raises(ScenarioError, match="admission policy") as caught:
        build_admission(spec)
    assert says in str(caught.value)


# The sketch.


@given(st.lists(st.integers(0, 200), max_size=200))
def test_estimates_are_never_too_low(keys):
    sketch, counts = FrequencySketch(64), Counter(keys)
    for key in keys:
        sketch.add(key_hash(key))
    assert all(sketch.estimate(key_hash(key)) >= min(n, 16) for key, n in counts.items())


def test_estimates_are_seldom_too_high():
    sketch, rng = FrequencySketch(1000), Random(2)
    keys = [int(20_000 * rng.random() ** 3) for _ in range(15_000)]
    for key in keys:
        sketch.add(key_hash(key))
    counts = Counter(keys)
    wrong = sum(sketch.estimate(key_hash(key)) != min(n, 16) for key, n in counts.items())
    assert wrong < 0.05 * len(counts)
    strangers = sum(sketch.estimate(key_hash(key)) > 0 for key in range(20_000, 40_000))
    assert strangers < 0.08 * 20_000


def test_growing_keeps_the_estimates():
    sketch, rng = FrequencySketch(100), Random(3)
    keys = [int(400 * rng.random() ** 2) for _ in range(1000)]
    for key in keys:
        sketch.add(key_hash(key))
    before = [sketch.estimate(key_hash(key)) for key in range(500)]
    sketch.grow()
    assert sketch.objects == 256
    assert [sketch.estimate(key_hash(key)) for key in range(500)] == before


def test_counts_are_halved_when_the_sample_is_full():
    sketch = FrequencySketch(4, sample=4)
    for _ in range(9):
        sketch.add(key_hash("often"))
    assert sketch.estimate(key_hash("often")) == 9
    for number in range(6):
        sketch.add(key_hash(number))
    assert sketch.estimate(key_hash("often")) == 9
    sketch.add(key_hash("last"))  # the sixteenth
    assert sketch.estimate(key_hash("often")) == 4
    assert sketch.estimate(key_hash("last")) == 1
    assert sum(sketch.estimate(key_hash(number)) for number in range(6)) == 0


def test_a_key_has_the_same_hash_everywhere():
    assert key_hash(("https", "shop.example", "/", None)) == 3134095497544193762
    assert key_hash(12) == 1149452261449604490
    assert len({key_hash(number) & 0xFFFF for number in range(1000)}) > 980
