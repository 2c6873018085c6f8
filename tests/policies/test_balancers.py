"""Laws of the balancers; the contract holds for everything in the menu."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ScenarioError
from proxysim.messages import Headers, Request
from proxysim.policies.backend import Backend
from proxysim.policies.balancers import ALIASES, BALANCERS, build_balancer

every = pytest.mark.parametrize("name", BALANCERS)


def ask(peer: str = "10.0.0.1", forwarded_for: str = "") -> Request:
    headers = Headers([("x-forwarded-for", forwarded_for)] if forwarded_for else [])
    return Request("GET", "http", "shop.example", 80, "/", headers, peer)


def make_pool(count: int, weights: list[float] | None = None) -> list[Backend]:
    return [
        Backend(f"s{i}", f"10.1.0.{i}", weight=weights[i] if weights else 1.0) for i in range(count)
    ]


def names(name: str, pool: list[Backend], times: int, seed: int = 1) -> list[str]:
    balancer = build_balancer(name, Random(seed))
    return [balancer.choose(ask(f"10.0.{i % 7}.{i % 251}"), pool).name for i in range(times)]


pools = st.lists(
    st.tuples(st.integers(0, 50), st.sampled_from([0.5, 1.0, 2.0, 3.0])), min_size=1, max_size=12
).map(
    lambda loads: [
        Backend(f"s{i}", weight=weight, in_flight=load) for i, (load, weight) in enumerate(loads)
    ]
)


# The contract.


@every
def test_a_pool_of_one_is_chosen(name):
    assert set(names(name, make_pool(1), 20)) == {"s0"}


@every
@given(pool=pools, seed=st.integers(0, 5))
def test_never_outside_the_pool_and_loads_stay_untouched(name, pool, seed):
    balancer = build_balancer(name, Random(seed))
    before = [backend.in_flight for backend in pool]
    for i in range(10):
        assert balancer.choose(ask(f"10.0.0.{i}"), pool) in pool
    assert [backend.in_flight for backend in pool] == before


@every
def test_same_stream_same_choices(name):
    assert names(name, make_pool(5), 200, seed=3) == names(name, make_pool(5), 200, seed=3)


@every
@given(
    steps=st.lists(st.lists(st.integers(0, 5), min_size=1, unique=True), min_size=1, max_size=20)
)
def test_members_come_and_go(name, steps):
    everyone = make_pool(6)
    balancer = build_balancer(name, Random(1))
    for members in steps:
        pool = [everyone[i] for i in members]
        for i in range(3):
            assert balancer.choose(ask(f"10.0.0.{i}"), pool) in pool


@every
def test_everyone_gets_some(name):
    assert set(names(name, make_pool(4), 2000)) == {"s0", "s1", "s2", "s3"}


@every
def test_equal_backends_share_about_evenly(name):
    counts = Counter(names(name, make_pool(4), 8000))
    assert max(counts.values()) - min(counts.values()) < 700  # 9 standard deviations of random


# Round robin.


def test_round_robin_takes_turns():
    assert names("round_robin", make_pool(3), 7) == ["s0", "s1", "s2", "s0", "s1", "s2", "s0"]


def test_smooth_weights_give_the_sequences_of_nginx():
    assert names("weighted_round_robin", make_pool(3, [3, 1, 1]), 10) == (
        ["s0", "s1", "s0", "s2", "s0"] * 2
    )
    assert names("weighted_round_robin", make_pool(3, [5, 1, 1]), 7) == (
        ["s0", "s0", "s1", "s0", "s2", "s0", "s0"]
    )


@given(weights=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_smooth_weights_are_exact_over_a_round(weights):
    pool = make_pool(len(weights), [float(weight) for weight in weights])
    chosen = names("weighted_round_robin", pool, 3 * sum(weights))
    for start in range(0, len(chosen), sum(weights)):
        counts = Counter(chosen[start : start + sum(weights)])
        assert [counts[backend.name] for backend in pool] == weights


def test_an_excursion_of_one_choice_leaves_the_rounds_in_order():
    pool = make_pool(3, [3.0, 1.0, 1.0])
    balancer = build_balancer("weighted_round_robin", Random(1))
    chosen = []
    for _ in range(50):
        chosen.append(balancer.choose(ask(), pool).name)
        balancer.choose(ask(), pool[1:])  # as a retry does
    counts = Counter(chosen)
    assert counts["s0"] == 50 - counts["s1"] - counts["s2"] >= 30


# Chance.


def test_random_is_blind_to_weights_and_weighted_random_is_not():
    weights = [1.0, 3.0]
    blind = Counter(names("random", make_pool(2, weights), 8000))
    seeing = Counter(names("weighted_random", make_pool(2, weights), 8000))
    assert blind["s1"] == pytest.approx(4000, abs=180)  # 4 standard deviations
    assert seeing["s1"] == pytest.approx(6000, abs=155)


# Loads.


@given(pool=pools, seed=st.integers(0, 20))
def test_least_connections_never_passes_over_a_lighter_backend(pool, seed):
    chosen = build_balancer("least_connections", Random(seed)).choose(ask(), pool)
    load = (chosen.in_flight + 1) / chosen.weight
    assert all(load <= (other.in_flight + 1) / other.weight for other in pool)


def test_least_connections_breaks_ties_evenly():
    pool = [Backend(f"s{i}", in_flight=load) for i, load in enumerate((2, 1, 1, 3, 1))]
    counts = Counter(names("least_connections", pool, 9000))
    assert set(counts) == {"s1", "s2", "s4"}
    assert all(count == pytest.approx(3000, abs=180) for count in counts.values())


def test_idle_backends_are_chosen_by_weight():
    assert set(names("least_connections", make_pool(3, [1.0, 2.0, 1.0]), 50)) == {"s1"}


@given(pool=pools.filter(lambda pool: len(pool) > 1), seed=st.integers(0, 20))
def test_power_of_two_never_takes_the_heaviest(pool, seed):
    def load(backend):
        return (backend.in_flight + 1) / backend.weight

    chosen = build_balancer("power_of_two", Random(seed)).choose(ask(), pool)
    assert chosen is not max(pool, key=load) or sum(load(b) >= load(chosen) for b in pool) > 1


def test_power_of_two_draws_distinct_backends_evenly():
    pool = [Backend(f"s{i}", in_flight=i) for i in range(4)]
    counts = Counter(names("power_of_two", pool, 12000))
    # Of the 6 pairs, the lightest is in 3, the next is the lighter of 2, and so on.
    expected = {"s0": 6000, "s1": 4000, "s2": 2000}
    assert set(counts) == set(expected)
    assert all(counts[name] == pytest.approx(expected[name], abs=220) for name in expected)


def test_more_choices_than_members_is_least_connections():
    pool = [Backend(f"s{i}", in_flight=load) for i, load in enumerate((4, 2, 7))]
    balancer = build_balancer({"power_of_two": {"choices": 9}}, Random(1))
    assert {balancer.choose(ask(), pool).name for _ in range(50)} == {"s1"}


# Hashes.


@given(peer=st.ip_addresses().map(str))
def test_a_client_stays_with_its_backend(peer):
    pool = make_pool(7)
    first = build_balancer("source_hash", Random(1)).choose(ask(peer), pool)
    assert build_balancer("source_hash", Random(2)).choose(ask(peer), pool) is first


def test_the_hash_is_the_same_in_every_process():
    assert names("source_hash", make_pool(5), 6) == ["s4", "s3", "s4", "s4", "s2", "s4"]


def test_source_hash_shares_by_weight():
    balancer = build_balancer("source_hash", Random(1))
    pool = make_pool(2, [1.0, 3.0])
    clients = (f"10.{i // 256}.{i % 256}.7" for i in range(8000))
    counts = Counter(balancer.choose(ask(peer), pool).name for peer in clients)
    assert counts["s1"] == pytest.approx(6000, abs=155)


def test_source_hash_looks_behind_trusted_proxies_only():
    pool = make_pool(50)
    trusting = build_balancer({"source_hash": {"trusted_hops": 1}}, Random(1))
    wary = build_balancer("source_hash", Random(1))
    chains = [f"6.6.6.{i}, 9.9.9.9" for i in range(9)]
    behind = trusting.choose(ask("9.9.9.9"), pool)
    assert {trusting.choose(ask("10.0.0.1", chain), pool) for chain in chains} == {behind}
    assert len({wary.choose(ask("10.0.0.1", chain), pool) for chain in chains}) == 1
    spread = {trusting.choose(ask("10.0.0.1", f"7.7.7.{i}"), pool) for i in range(9)}
    assert len(spread) > 3


# Building.


def test_names_of_the_field():
    assert type(build_balancer("p2c", Random(1))) is BALANCERS["power_of_two"]
    assert set(ALIASES.values()) <= set(BALANCERS)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("least_conections", "Did you mean 'least_connections'"),
        ({"power_of_two": {"choices": 0}}, "choices: found 0. Give a whole number from 1 to 1000"),
        ({"power_of_two": {"choices": True}}, "choices: found True"),
        ({"power_of_two": {"choice": 3}}, "Did you mean 'choices'"),
        ({"round_robin": {"choices": 3}}, "has no parameter 'choices'"),
        ({"source_hash": {"trusted_hops": -1}}, "trusted_hops: found -1"),
        ({"random": {}, "round_robin": {}}, "one name with its parameters"),
        (7, "found 7 for a balancer"),
        ({"random": 7}, "for a balancer"),
    ],
)
def test_an_impossible_balancer_is_refused(spec, says):
    with pytest.raises(ScenarioError, match=r".") as caught:
        build_balancer(spec, Random(1))
    assert says in str(caught.value)
