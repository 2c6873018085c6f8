"""Laws of the balancers that hash a key of the request."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import ceil
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uhashring import HashRing

from proxysim.policies.balancers import build_balancer
from tests.policies.pool import ask, load, make_pool, names

KEYS = [f"10.{i // 250}.{i % 250}.7" for i in range(1500)]

BY_CLIENT = ["source_hash", "ring", "bounded_load", "rendezvous", "maglev"]
BY_TABLE = ["ring", "bounded_load", "rendezvous", "maglev"]


def owners(spec, pool, keys=KEYS):
    """Whom each of *keys*, as a client, belongs to."""
    balancer = build_balancer(spec, Random(1))
    return [balancer.choose(ask(key), pool).name for key in keys]


@pytest.mark.parametrize("name", BY_CLIENT)
def test_a_client_stays_with_its_backend(name):
    """Whatever else it asks for, whoever asks before, whichever process or proxy is asked."""
    pool = make_pool(7)
    first = owners(name, pool)
    assert owners(name, pool, KEYS[::-1]) == first[::-1]
    balancer = build_balancer(name, Random(2))
    for key, owner in zip(KEYS[:50], first, strict=False):
        assert {balancer.choose(ask(key, path=f"/{i}"), pool).name for i in range(3)} == {owner}


def test_a_path_stays_with_its_backend():
    pool = make_pool(7)
    balancer = build_balancer("uri_hash", Random(1))
    paths = [f"/objects/{i}?page=1" for i in range(300)]
    first = [balancer.choose(ask("10.0.0.1", path=path), pool) for path in paths]
    assert [balancer.choose(ask("10.9.9.9", path=path), pool) for path in paths] == first
    assert len(set(first)) == 7


def test_a_tunnel_has_no_path_and_goes_by_its_client():
    pool = make_pool(9)
    balancer = build_balancer("uri_hash", Random(1))
    assert len({balancer.choose(ask(key, path=""), pool) for key in KEYS[:200]}) == 9


def test_the_hash_is_the_same_in_every_process():
    assert names("source_hash", make_pool(5), 6) == ["s4", "s3", "s4", "s4", "s2", "s4"]


@pytest.mark.parametrize("name", BY_CLIENT)
@pytest.mark.parametrize("given_weights", [[1.0, 3.0], [0.5, 0.5, 3.0], [2.0, 1.0, 1.0, 4.0]])
def test_keys_are_shared_by_weight(name, given_weights):
    keys = [f"10.{i // 256}.{i % 256}.7" for i in range(4000)]
    counts = Counter(owners({name: {}}, make_pool(len(given_weights), given_weights), keys))
    for i, weight in enumerate(given_weights):
        share = weight / sum(given_weights)
        # Four standard deviations of the keys, and as many of the ring's arcs.
        arcs = 4 * share / (160 * weight) ** 0.5 if name in ("ring", "bounded_load") else 0
        slack = 4 * (share * (1 - share) / len(keys)) ** 0.5 + arcs
        assert counts[f"s{i}"] / len(keys) == pytest.approx(share, abs=slack)


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


@pytest.mark.parametrize("name", BY_TABLE)
def test_any_key_may_be_hashed(name):
    pool = make_pool(20)
    balancer = build_balancer({name: {"key": "header:X-User"}}, Random(1))
    ann = {balancer.choose(ask(key, **{"x-user": "ann"}), pool) for key in KEYS[:20]}
    nobody = {balancer.choose(ask(key), pool) for key in KEYS[:200]}
    assert len(ann) == 1
    assert len(nobody) > 10  # without the field it goes by the client


# When members come and go.


@pytest.mark.parametrize("name", ["ring", "bounded_load", "rendezvous"])
@given(
    given_weights=st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.0]), min_size=2, max_size=8),
    gone=st.integers(0, 7),
)
def test_one_that_leaves_moves_exactly_the_keys_it_owned(name, given_weights, gone):
    pool = make_pool(len(given_weights), given_weights)
    leaver = pool[gone % len(pool)]
    before = owners(name, pool, KEYS[:300])
    after = owners(name, [backend for backend in pool if backend is not leaver], KEYS[:300])
    for was, now in zip(before, after, strict=True):
        assert (was == leaver.name) == (was != now)


def test_the_keys_of_one_that_leaves_are_shared_by_all_others():
    pool = make_pool(6)
    for name in BY_TABLE:
        before, after = owners(name, pool), owners(name, pool[1:])
        heirs = Counter(now for was, now in zip(before, after, strict=True) if was == "s0")
        assert set(heirs) == {"s1", "s2", "s3", "s4", "s5"}


@pytest.mark.parametrize("name", ["source_hash", *BY_TABLE])
def test_one_that_is_back_has_its_keys_back(name):
    pool = make_pool(6)
    balancer = build_balancer(name, Random(1))

    def placed(members):
        return [balancer.choose(ask(key), members).name for key in KEYS[:300]]

    before = placed(pool)
    assert placed(pool[1:]) != before
    assert placed(list(pool)) == before


def test_a_map_moves_most_keys_where_maglev_moves_few():
    pool = make_pool(10)
    moved = {
        name: sum(
            was != now for was, now in zip(owners(name, pool), owners(name, pool[1:]), strict=True)
        )
        / len(KEYS)
        for name in ("source_hash", "maglev")
    }
    assert moved["source_hash"] > 0.4
    assert 0.1 - 0.03 < moved["maglev"] < 0.2


@pytest.mark.parametrize("name", ["ring", "rendezvous"])
def test_a_weight_that_grows_takes_keys_for_its_backend_alone(name):
    before = owners(name, make_pool(4))
    after = owners(name, make_pool(4, [1.0, 2.0, 1.0, 1.0]))
    moved = {now for was, now in zip(before, after, strict=True) if was != now}
    assert moved == {"s1"}


# Bounded loads.


@given(
    size=st.integers(1, 8),
    factor=st.sampled_from([1, 1.01, 1.1, 1.25, 1.5, 2, 7.3]),
    steps=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=80),
)
def test_bounded_load_takes_the_first_on_the_ring_within_its_bound(size, factor, steps):
    """Held against uhashring's order of backends for a key, and the bound of the paper."""
    pool = make_pool(size)
    known = {backend.name: backend for backend in pool}
    theirs = HashRing(nodes=list(known), hash_fn="ketama")
    balancer = build_balancer({"bounded_load": {"factor": factor}}, Random(1))
    flying = []
    for key, answers in steps:
        for _ in range(min(answers, len(flying))):
            flying.pop(0).__exit__()
        bound = ceil(Fraction(str(factor)) * (len(flying) + 1) / size)
        expected = next(
            name for name in theirs.iterate_nodes(str(key)) if known[name].in_flight < bound
        )
        chosen = balancer.choose(ask(str(key)), pool)
        assert chosen.name == expected
        flying.append(chosen.__enter__())
        assert chosen.in_flight <= bound <= ceil(factor * len(flying) / size)


def test_bounded_load_goes_on_from_the_last_point_to_the_first():
    pool = make_pool(3)
    balancer = build_balancer({"bounded_load": {"factor": 1, "points": 4}}, Random(1))
    for key in range(600):
        balancer.choose(ask(str(key)), pool).__enter__()
    assert [backend.in_flight for backend in pool] == [200, 200, 200]


@given(
    given_weights=st.lists(st.sampled_from([0.5, 1.0, 2.0, 0.1]), min_size=1, max_size=8),
    factor=st.sampled_from([1, 1.1, 1.25, 3]),
    keys=st.lists(st.integers(0, 3), max_size=60),
)
def test_bounded_load_keeps_to_weighted_bounds(given_weights, factor, keys):
    pool = make_pool(len(given_weights), given_weights)
    balancer = build_balancer({"bounded_load": {"factor": factor}}, Random(1))
    total = sum(Fraction(str(weight)) for weight in given_weights)
    for placed, key in enumerate(keys, start=1):
        chosen = balancer.choose(ask(str(key)), pool).__enter__()
        share = Fraction(str(chosen.weight)) / total
        assert chosen.in_flight <= ceil(Fraction(str(factor)) * placed * share)


def test_one_key_that_everybody_wants_is_spread():
    pool = make_pool(5)
    counts = {}
    for name in ("ring", "bounded_load"):
        balancer = build_balancer(name, Random(1))
        for backend in pool:
            backend.in_flight = 0
        for _ in range(100):
            balancer.choose(ask("one"), pool).__enter__()
        counts[name] = max(load(backend) - 1 for backend in pool)
    assert counts == {"ring": 100, "bounded_load": 25}


def test_an_explanation_tells_who_was_passed_over():
    pool = make_pool(3)
    balancer = build_balancer("bounded_load", Random(1))
    first = balancer.choose(ask("one"), pool)
    first.in_flight = 9
    told = balancer.explain(ask("one"), pool)
    assert told["passed_over"] == [first.name]
    assert told["bounds"] == {"s0": 5, "s1": 5, "s2": 5}  # ceil(1.25 * 10 / 3)
    assert told["candidates"] == [balancer.choose(ask("one"), pool).name]
