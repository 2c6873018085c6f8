"""Distributions of the time in system: their means, their limits, and Lindley's recursion."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from proxysim.theory import queues, sojourns
from proxysim.theory.queues import TheoryError
from proxysim.theory.sojourns import Sojourn

LOADS = st.floats(0.05, 0.95)
SHARES = st.floats(0.01, 0.999)
#: Quantiles of an exponential demand of mean 1.
EXPONENTIAL = -np.log1p(-(np.arange(100_000) + 0.5) / 100_000)

MODELS = {
    "M/M/1": lambda: sojourns.mm1(0.8, 1.0),
    "M/M/4": lambda: sojourns.mmc(3.2, 1.0, 4),
    "M/M/2 with c - 1 = a": lambda: sojourns.mmc(1.0, 1.0, 2),
    "M/M/1/5": lambda: sojourns.mmck(0.9, 1.0, 1, 5),
    "M/M/3/8": lambda: sojourns.mmck(3.6, 1.0, 3, 8),
    "M/M/2/2000": lambda: sojourns.mmck(2.02, 1.0, 2, 2000),
    "D/M/1": lambda: sojourns.dm1(0.8, 1.0),
    "round robin": lambda: sojourns.round_robin(3.2, 1.0, 4),
    "join the shortest queue": lambda: sojourns.join_shortest_queue(3.2, 1.0, 4),
    "power of three choices": lambda: sojourns.power_of_choices(90, 1.0, 100, 3),
    "closed loop": lambda: sojourns.closed_loop(12, 3.0, 1.0, 3),
    "closed loop without thought": lambda: sojourns.closed_loop(12, 0.0, 1.0, 3),
    "M/D/1": lambda: sojourns.mg1(0.8, [1.0], 1.0, 0.0),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_tail_is_a_tail_whose_integral_is_the_mean(model: Callable[[], Sojourn]) -> None:
    found = model()
    times = np.linspace(0, found.quantile(0.9999), 2000)
    late = np.array([found.tail(time) for time in times.tolist()])
    assert late[0] == pytest.approx(1)
    assert (np.diff(late) <= 1e-12).all()
    assert found.mean == pytest.approx(integrate.trapezoid(late, times), rel=3e-3)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_the_quantile_inverts_the_tail(model: Callable[[], Sojourn], share: float) -> None:
    found = model()
    assert found.tail(found.quantile(share)) == pytest.approx(1 - share, rel=1e-6)


@given(rho=LOADS, share=SHARES)
def test_one_server_is_the_same_queue_by_every_road(rho: float, share: float) -> None:
    exact = -math.log(1 - share) / (1 - rho)
    for found in (
        sojourns.mm1(rho, 1.0),
        sojourns.mmc(rho, 1.0, 1),
        sojourns.round_robin(rho, 1.0, 1),
        sojourns.random_split(3 * rho, 1.0, 3),
        sojourns.join_shortest_queue(rho, 1.0, 1),
        sojourns.power_of_choices(rho, 1.0, 1, 1),
        sojourns.mmck(rho, 1.0, 1, 1000),
    ):
        assert found.quantile(share) == pytest.approx(exact, rel=1e-6)


@given(rho=LOADS, servers=st.integers(2, 30), share=SHARES)
def test_much_room_is_as_good_as_boundless(rho: float, servers: int, share: float) -> None:
    bounded = sojourns.mmck(rho * servers, 1.0, servers, servers + 900)
    boundless = sojourns.mmc(rho * servers, 1.0, servers)
    assert bounded.quantile(share) == pytest.approx(boundless.quantile(share), rel=1e-6)


@pytest.mark.parametrize("rho", [0.2, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_the_lattice_against_what_is_known(rho: float, share: float) -> None:
    found = sojourns.mg1(rho, EXPONENTIAL, 1.0, 1.0)
    assert found.quantile(share) == pytest.approx(sojourns.mm1(rho, 1.0).quantile(share), rel=3e-3)


@pytest.mark.parametrize("time", [1.3, 2.5, 4.2, 8.7])
def test_fixed_demands_against_erlang(time: float) -> None:
    """P(W <= t) = (1 - rho) sum of (rho (k - t))^k / k! e^(-rho (k - t)) over k <= t (M/D/1)."""
    rho, wait = 0.8, time - 1
    terms = [
        (rho * (k - wait)) ** k / math.factorial(k) * math.exp(-rho * (k - wait))
        for k in range(int(wait) + 1)
    ]
    exact = 1 - (1 - rho) * math.fsum(terms)
    assert sojourns.mg1(rho, [1.0], 1.0, 0.0).tail(time) == pytest.approx(exact, abs=1e-3)


def test_round_robin_and_even_arrivals_against_lindley() -> None:
    """p95 of a million requests: W' = max(W + S - A, 0), A Erlang of four or all the same."""
    rng = np.random.default_rng(3)
    services = rng.exponential(1.0, 10**6)
    for gaps, exact in (
        (rng.gamma(4, 1 / 3.2, 10**6), sojourns.round_robin(3.2, 1.0, 4)),
        (np.full(10**6, 1.25), sojourns.dm1(0.8, 1.0)),
    ):
        walk = np.concatenate([[0.0], np.cumsum(services - gaps)[:-1]])
        found = walk - np.minimum.accumulate(walk) + services
        assert np.quantile(found, 0.95) == pytest.approx(exact.quantile(0.95), rel=0.02)
        assert found.mean() == pytest.approx(exact.mean, rel=0.02)


def test_the_shortest_queue_is_joined_as_littles_law_has_it() -> None:
    """Once by how many are inside, once by how many are found: the same mean."""
    found = sojourns.join_shortest_queue(2.7, 1.0, 3)
    assert found.mean == pytest.approx(queues.join_shortest_queue(2.7, 1.0, 3))
    area, _ = integrate.quad(found.tail, 0, 400, limit=400)
    assert found.mean == pytest.approx(area, rel=1e-7)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: sojourns.mm1(1.0, 1.0),
        lambda: sojourns.dm1(1.0, 1.0),
        lambda: sojourns.join_shortest_queue(2.0, 1.0, 2),
        lambda: sojourns.join_shortest_queue(2.0, 1.0, 9),
        lambda: sojourns.mm1(0.5, 1.0).quantile(1.0),
        lambda: sojourns.mg1(0.5, [], 1.0, 0.0),
        lambda: sojourns.mg1(0.5, [-1.0, 3.0], 1.0, 1.0),
        lambda: sojourns.mg1(0.5, [1.0], 1.0, math.inf),
    ],
)
def test_parameters_out_of_range(ask) -> None:
    with pytest.raises(TheoryError):
        ask()
