"""What holds for every balancer, by being in the menu."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import proxysim
from proxysim.policies.backend import Backend
from proxysim.policies.balancers import BALANCERS, build_balancer
from proxysim.policies.health import PassiveHealth
from proxysim.policies.identity import ReverseIdentity
from proxysim.proxies.effects import Fetch, Send
from proxysim.proxies.fleet import Fleet
from proxysim.proxies.reverse import ReverseProxy
from tests.policies.pool import Traffic, ask, make_pool, names, pools, someone

every = pytest.mark.parametrize("name", BALANCERS)

#: Strategies whose choice is never left to chance.
CERTAIN = {
    "round_robin",
    "weighted_round_robin",
    "source_hash",
    "uri_hash",
    "ring",
    "bounded_load",
    "rendezvous",
    "maglev",
    "first_available",
}

#: With tables that are quickly built, for tests that want many.
SMALL = {"maglev": {"maglev": {"size": 1009}}}


def proxy_over(name, backends, **rest):
    balancer = build_balancer(name, Random(1))
    return ReverseProxy("edge", lambda: 0.0, ReverseIdentity(), balancer, backends, **rest)


@every
def test_a_pool_of_one_is_chosen(name):
    assert set(names(name, make_pool(1), 20)) == {"s0"}


@every
@given(pool=pools, seed=st.integers(0, 5))
def test_never_outside_the_pool_and_loads_stay_untouched(name, pool, seed):
    balancer = build_balancer(SMALL.get(name, name), Random(seed))
    before = [backend.in_flight for backend in pool]
    for i in range(10):
        assert balancer.choose(someone(i), pool) in pool
    assert [backend.in_flight for backend in pool] == before


@every
def test_an_empty_pool_is_the_proxys_503(name):
    proxy = proxy_over(name, [Backend("s0", weight=0.0)])
    effect = next(proxy.handle(ask()))
    assert isinstance(effect, Send)
    assert effect.response.status == 503


@every
def test_weight_zero_gets_nothing(name):
    backends = [*make_pool(2), Backend("drained", weight=0.0)]
    proxy = proxy_over(name, backends)
    for i in range(50):
        effect = next(proxy.handle(someone(i)))
        assert isinstance(effect, Fetch)
        assert effect.backend.name != "drained"


@every
def test_when_all_are_ejected_all_are_asked(name):
    health = PassiveHealth(failures=1, seconds=10.0)
    backends = make_pool(3)
    fleet = Fleet(backends, ejectors=[health])
    proxy = proxy_over(name, fleet)
    for backend in backends:
        fleet.observe(backend, False, 0.0)
    assert isinstance(next(proxy.handle(ask())), Fetch)


@every
def test_same_stream_same_choices(name):
    assert names(name, make_pool(5), 200, seed=3) == names(name, make_pool(5), 200, seed=3)


SCRIPT = """
import json
from tests.policies.pool import Traffic, make_pool
from proxysim.policies.balancers import BALANCERS

def played(name):
    traffic = Traffic(name)
    everyone = make_pool(6, [1.0, 2.0, 1.0, 0.5, 1.0, 3.0])
    pools = [everyone, everyone[:2] + everyone[3:], everyone[1:]]
    return [traffic.send(pools[i // 20 % 3]).name for i in range(120)]

print(json.dumps({name: played(name) for name in BALANCERS}))
"""


def test_the_same_in_every_process():
    root = Path(__file__).resolve().parents[2]
    said = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
    assert set(json.loads(said[0])) == set(BALANCERS)


@every
@given(
    steps=st.lists(st.lists(st.integers(0, 5), min_size=1, unique=True), min_size=1, max_size=20)
)
def test_members_come_and_go(name, steps):
    everyone = make_pool(6, [1.0, 1.0, 2.0, 1.0, 0.5, 1.0])
    traffic = Traffic(SMALL.get(name, name), most=7)
    for members in steps:
        pool = [everyone[i] for i in members]
        for _ in range(3):
            assert traffic.send(pool) in pool


@every
def test_an_excursion_leaves_no_stranger_behind(name):
    """As a retry asks: one choice among the others, then again among all."""
    pool = make_pool(4)
    traffic = Traffic(name)
    for _ in range(200):
        chosen = traffic.send(pool)
        others = [backend for backend in pool if backend is not chosen]
        assert traffic.send(others) in others


@every
def test_those_who_left_for_good_are_forgotten(name):
    gc.collect()
    before = sum(isinstance(found, Backend) for found in gc.get_objects())
    traffic = Traffic(SMALL.get(name, name), most=8)
    for number in range(300):
        pool = [Backend(f"s{number}-{i}") for i in range(4)]
        for _ in range(8):
            traffic.send(pool)
    gc.collect()
    left = sum(isinstance(found, Backend) for found in gc.get_objects()) - before
    assert left < 150


@every
def test_everyone_gets_some(name):
    traffic = Traffic(name, most=60)
    pool = make_pool(4, group="s-")
    assert {traffic.send(pool).name for _ in range(2000)} == {"s-0", "s-1", "s-2", "s-3"}


@pytest.mark.parametrize("name", sorted(set(BALANCERS) - {"first_available"}))
def test_equal_backends_share_about_evenly(name):
    traffic = Traffic(name)
    pool = make_pool(4, group="s-")
    counts = Counter(traffic.send(pool).name for _ in range(8000))
    assert max(counts.values()) - min(counts.values()) < 700  # 9 standard deviations of random


SHOP = """
proxysim: 1
title: Members come and go
run: {duration: 6s, seed: 3}
sites:
  shop.example: {objects: 200}
nodes:
  visitors: {kind: clients, count: 40, arrivals: 120/s}
  edge:
    kind: reverse_proxy
    sites: [shop.example]
    backends: [shop, spare]
    health: {passive: {failures: 2, for: 1s}}
    retry: {attempts: 3}
  shop: {kind: server, count: 3, workers: 4, service: {exponential: 20ms}}
  spare: {kind: server, workers: 4, weight: 2, service: {exponential: 20ms}}
events:
  - {at: 1s, node: shop-2, down_for: 1s}
  - {at: 3s, node: shop, down_for: 1s}
"""


@every
def test_whole_runs_come_out_alike_while_servers_fail_and_return(name):
    scenario = proxysim.loads(SHOP).set("nodes.edge.balancer", name)
    first, again = (proxysim.simulate(scenario) for _ in range(2))
    asked = first.summary().requests
    assert asked["arrived"] == sum(asked.values()) - asked["arrived"] > 600
    assert asked["ok"] > 0.9 * asked["arrived"]
    assert list(first.column("served_by")) == list(again.column("served_by"))
    assert list(first.column("latency")) == list(again.column("latency"))


# Why this server?


@every
@given(pool=pools, seed=st.integers(0, 5))
def test_an_explanation_names_who_is_then_chosen(name, pool, seed):
    traffic = Traffic(SMALL.get(name, name), seed, most=12)
    for i in range(12):
        members = pool[i % 2 :] or pool
        told = traffic.balancer.explain(someone(traffic.count), members)
        chosen = traffic.send(members)
        assert chosen.name in told["candidates"]
        if name in CERTAIN:
            assert told["candidates"] == [chosen.name]


@every
def test_to_explain_changes_nothing(name):
    def played(curious):
        traffic = Traffic(name, most=15)
        everyone = make_pool(5)
        chosen = []
        for i in range(150):
            pool = everyone if i // 10 % 2 else everyone[1:]
            if curious:
                traffic.balancer.explain(someone(traffic.count), pool)
            chosen.append(traffic.send(pool).name)
        return chosen

    assert played(True) == played(False)


@every
def test_an_explanation_is_plain_data(name):
    traffic = Traffic(name)
    pool = make_pool(4, [1.0, 2.0, 0.5, 1.0])
    for _ in range(30):
        traffic.send(pool)
    told = traffic.balancer.explain(ask(), pool)
    assert json.loads(json.dumps(told)) == told
    assert set(told) - {"candidates"} or name == "random"
