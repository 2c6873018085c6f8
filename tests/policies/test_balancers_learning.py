"""Laws of the balancers that learn from answers."""

from __future__ import annotations

from math import exp
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.policies.backend import Backend
from proxysim.policies.balancers import build_balancer
from tests.policies.pool import Traffic, ask, make_pool, pools

histories = st.lists(
    st.tuples(st.integers(0, 11), st.floats(0.001, 5.0), st.floats(0.0, 30.0)), max_size=40
)


def told(balancer, pool, history):
    """Let *balancer* hear of a history; gives the time at its end."""
    now = 0.0
    for member, seconds, passed in history:
        now += passed
        balancer.observe(pool[member % len(pool)], seconds, True, now)
    return now


def chosen_by(spec, pool, times=300, clock=None):
    balancer = build_balancer(spec, Random(1), clock)
    return balancer, lambda: {balancer.choose(ask(), pool).name for _ in range(times)}


# Least response time.


def test_least_response_time_averages_as_it_says():
    pool = make_pool(2)
    balancer = build_balancer({"least_response_time": {"smoothing": 0.25}}, Random(1))
    for seconds in (1.0, 2.0, 0.5):
        balancer.observe(pool[0], seconds, True, 0.0)
    # 1, then 1 + (2 - 1) / 4 = 1.25, then 1.25 + (0.5 - 1.25) / 4.
    assert balancer.explain(ask(), pool)["averages"] == {"s0": 1.0625, "s1": None}


@given(pool=pools, history=histories)
def test_least_response_time_never_passes_over_a_better_score(pool, history):
    balancer = build_balancer("least_response_time", Random(1))
    told(balancer, pool, history)
    scores = balancer.explain(ask(), pool)["scores"]
    averages = balancer.explain(ask(), pool)["averages"]
    for backend in pool:
        if averages[backend.name] is not None:
            expected = averages[backend.name] * (backend.in_flight + 1) / backend.weight
            assert scores[backend.name] == pytest.approx(expected)
    assert scores[balancer.choose(ask(), pool).name] == min(scores.values())


def test_least_response_time_weighs_time_against_load():
    pool = [Backend("quick", in_flight=3), Backend("slow", in_flight=0)]
    balancer, choices = chosen_by("least_response_time", pool)
    balancer.observe(pool[0], 0.1, True, 0.0)
    balancer.observe(pool[1], 0.3, True, 0.0)
    assert choices() == {"slow"}  # 0.1 * 4 > 0.3 * 1
    pool[0].in_flight = 1
    assert choices() == {"quick"}  # 0.1 * 2 < 0.3 * 1


def test_one_slow_answer_starves_a_backend_under_least_response_time():
    pool = make_pool(2)
    traffic = Traffic("least_response_time", most=0)
    traffic.balancer.observe(pool[0], 0.1, True, 0.0)
    traffic.balancer.observe(pool[1], 5.0, True, 0.0)
    assert {traffic.send(pool).name for _ in range(1500)} == {"s0"}


def test_peak_ewma_tries_the_slow_one_again():
    pool = make_pool(2)
    traffic = Traffic("peak_ewma", most=0)
    traffic.balancer.observe(pool[0], 0.1, True, 0.0)
    traffic.balancer.observe(pool[1], 5.0, True, 0.0)
    chosen = [traffic.send(pool).name for _ in range(6000)]  # one minute
    # 5 s fade to 0.1 s in 10 ln 50 seconds; from then on its better answers count.
    assert chosen.index("s1") == pytest.approx(3912, abs=5)
    assert traffic.balancer.explain(ask(), pool)["averages"]["s1"] < 0.13


# Peak EWMA.


def test_a_peak_is_believed_at_once_and_good_news_slowly():
    pool = make_pool(1)
    now = 0.0
    balancer = build_balancer({"peak_ewma": {"decay": "10s"}}, Random(1), lambda: now)

    def average():
        return balancer.explain(ask(), pool)["averages"]["s0"]

    balancer.observe(pool[0], 0.2, True, now)
    assert average() == 0.2
    balancer.observe(pool[0], 3.0, True, now)
    assert average() == 3.0
    now = 5.0
    assert average() == pytest.approx(3.0 * exp(-0.5))  # nothing heard: it fades
    balancer.observe(pool[0], 0.2, True, now)
    assert average() == pytest.approx(3.0 * exp(-0.5) + 0.2 * (1 - exp(-0.5)))


@given(pool=pools, history=histories, weight=st.integers(1, 4), seed=st.integers(0, 5))
def test_peak_ewma_never_passes_over_a_lighter_of_those_drawn(pool, history, weight, seed):
    now = 0.0
    spec = {"peak_ewma": {"choices": weight}}
    balancer = build_balancer(spec, Random(seed), lambda: now)
    now = told(balancer, pool, history) + 1.0
    seen = balancer.explain(ask(), pool)
    for backend in pool:
        if (average := seen["averages"][backend.name]) is not None:
            cost = average * (backend.in_flight + 1) / backend.weight
            assert seen["costs"][backend.name] == pytest.approx(cost)
    mine = seen["costs"][balancer.choose(ask(), pool).name]
    no_lighter = sum(cost >= mine for cost in seen["costs"].values())
    assert no_lighter >= min(weight, len(pool))


def test_peak_ewma_over_the_whole_pool_takes_the_cheapest():
    pool = make_pool(5)
    balancer, choices = chosen_by({"peak_ewma": {"choices": 5}}, pool)
    for backend, seconds in zip(pool, (0.5, 0.2, 0.1, 0.4, 0.3), strict=True):
        balancer.observe(backend, seconds, True, 0.0)
    assert choices() == {"s2"}
    pool[2].in_flight = 2
    assert choices() == {"s1"}  # 0.2 * 1 < 0.1 * 3


# Both.

both = pytest.mark.parametrize("name", ["least_response_time", "peak_ewma"])


@both
def test_a_stranger_is_asked_once_and_then_awaited(name):
    pool = make_pool(4)
    traffic = Traffic({"peak_ewma": {"choices": 4}} if name == "peak_ewma" else name, most=100)
    for backend in pool[:3]:
        traffic.balancer.observe(backend, 0.1, True, 0.0)
    first = [traffic.send(pool).name for _ in range(40)]
    assert first[0] == "s3"
    assert first.count("s3") == 1
    traffic.answer(pool[3])
    assert "s3" in [traffic.send(pool).name for _ in range(10)]


@both
def test_who_fails_fast_becomes_a_sink_unless_failures_cost(name):
    pool = make_pool(2)
    counts = []
    for penalty in (0, "2s"):
        balancer, choices = chosen_by({name: {"penalty": penalty}}, pool)
        for _ in range(20):
            balancer.observe(pool[0], 0.001, False, 0.0)
            balancer.observe(pool[1], 0.1, True, 0.0)
        counts.append(choices())
    assert counts == [{"s0"}, {"s1"}]


@both
def test_what_was_learned_outlives_a_short_absence(name):
    pool = make_pool(3)
    balancer = build_balancer(name, Random(1))
    for backend in pool:
        balancer.observe(backend, 0.1, True, 0.0)
    balancer.observe(pool[1], 9.0, True, 0.0)
    before = balancer.explain(ask(), pool)["averages"]
    balancer.choose(ask(), [pool[0], pool[2]])
    balancer.choose(ask(), pool)
    assert balancer.explain(ask(), pool)["averages"] == before
