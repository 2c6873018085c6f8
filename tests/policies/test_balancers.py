"""Laws of the balancers that take turns, draw, or look at loads; and how all are built."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ScenarioError
from proxysim.policies.backend import Backend
from proxysim.policies.balancers import ALIASES, build_balancer
from tests.policies.pool import ask, load, make_pool, names, pools

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
    assert names("weighted_round_robin", make_pool(3, [1, 2, 3]), 6) == (
        ["s2", "s1", "s0", "s2", "s1", "s2"]
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
    assert all(load(chosen) <= load(other) for other in pool)


def test_least_connections_breaks_ties_evenly():
    pool = [Backend(f"s{i}", in_flight=load) for i, load in enumerate((2, 1, 1, 3, 1))]
    counts = Counter(names("least_connections", pool, 9000))
    assert set(counts) == {"s1", "s2", "s4"}
    assert all(count == pytest.approx(3000, abs=180) for count in counts.values())


def test_idle_backends_are_chosen_by_weight():
    assert set(names("least_connections", make_pool(3, [1.0, 2.0, 1.0]), 50)) == {"s1"}


@given(pool=pools, choices=st.integers(1, 5), seed=st.integers(0, 20))
def test_power_of_d_choices_passes_over_at_most_those_it_has_not_drawn(pool, choices, seed):
    balancer = build_balancer({"power_of_two": {"choices": choices}}, Random(seed))
    chosen = balancer.choose(ask(), pool)
    no_lighter = [backend for backend in pool if load(backend) >= load(chosen)]
    assert len(no_lighter) >= min(choices, len(pool))


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


# Building.


def test_names_of_the_field():
    for alias, name in ALIASES.items():
        assert type(build_balancer(alias, Random(1))) is type(build_balancer(name, Random(1)))
        assert type(build_balancer({alias: {}}, Random(1))) is type(build_balancer(name, Random(1)))


def test_balancers_within_balancers_have_a_bottom():
    spec = "random"
    for _ in range(4):
        spec = {"sticky": {"within": spec}}
    assert build_balancer(spec, Random(1)).choose(ask(), make_pool(1)).name == "s0"
    with pytest.raises(ScenarioError, match="more than 4 deep"):
        build_balancer({"priority": {"within": spec}}, Random(1))


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
        ({"least_response_time": {"smoothing": 0}}, "Give a share from 0.001 to 1"),
        ({"least_response_time": {"penalty": "2h"}}, "Give a time from 0s to 3600s"),
        ({"peak_ewma": {"decay": 0}}, "decay: found 0. Give a time from 0.001s to 3600s"),
        ({"peak_ewma": {"choices": 0}}, "choices: found 0"),
        ({"uri_hash": {"key": "client"}}, "uri_hash has no parameter 'key'"),
        ({"ring": {"key": "colour"}}, "key: found 'colour'. Give client, uri, host, header:NAME"),
        ({"ring": {"key": "header:"}}, "key: found 'header:'"),
        ({"ring": {"points": 3}}, "points: found 3. Give a whole number from 4 to 16384"),
        ({"ring": {"key": "uri", "trusted_hops": 1}}, "found trusted_hops with key: uri"),
        ({"bounded_load": {"factor": 0.9}}, "factor: found 0.9. Give a number from 1 to 100"),
        ({"bounded_load": {"factor": float("nan")}}, "factor: found nan"),
        ({"bounded_load": {"factor": "many"}}, "factor: found 'many'. Give a number from"),
        ({"bounded_load": {"factor": True}}, "factor: found True. Give a number from"),
        ({"maglev": {"size": 65536}}, "size: found 65536, no prime number. Give a prime"),
        ({"maglev": {"size": 1}}, "size: found 1. Give a whole number from 2 to 655373"),
        ({"first_available": {"limit": 0}}, "limit: found 0. Give a whole number from 1 to"),
        ({"priority": {"tiers": ["a", "b"]}}, "tiers: found ['a', 'b']. Give lists of backends"),
        ({"priority": {"tiers": [["a"], []]}}, "tiers: found an empty tier"),
        ({"priority": {"tiers": [["a"], ["a"]]}}, "tiers: found 'a' twice"),
        ({"priority": {"tiers": [[7]]}}, "tiers: found 7 in a tier"),
        ({"priority": {"within": "p3c"}}, "balancer priority: within: no balancer is called 'p3c'"),
        (
            {"sticky": {"within": {"maglev": {"size": 4}}}},
            "sticky: within: balancer maglev: size: found 4",
        ),
        ({"sticky": {"cookie": "a b"}}, "cookie: found 'a b'. Give a cookie's name"),
        ({"sticky": {"within": 7}}, "within: found 7 for a balancer"),
    ],
)
def test_an_impossible_balancer_is_refused(spec, says):
    with pytest.raises(ScenarioError, match=r".") as caught:
        build_balancer(spec, Random(1))
    assert says in str(caught.value)
