"""Closed forms against published values, against one another, and against brute force."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from proxysim.theory import queues
from proxysim.theory.queues import TheoryError

LOADS = st.floats(0.05, 0.95)
TIMES = st.floats(1e-3, 1e3)


# Values to the digits that are published, mean service time 1, rho 0.8.


@pytest.mark.parametrize(
    ("servers", "response", "waits"),
    [
        (1, 5.0, 0.8),
        (2, 2.777778, 0.711111),
        (4, 1.745541, 0.596432),
        (8, 1.286028, 0.457645),
        (10, 1.204590, 0.409180),
    ],
)
def test_mmc(servers: int, response: float, waits: float) -> None:
    assert queues.mmc(0.8 * servers, 1.0, servers) == pytest.approx(response, abs=5e-7)
    assert queues.erlang_c(servers, 0.8 * servers) == pytest.approx(waits, abs=5e-7)


def test_erlang_b() -> None:
    assert queues.erlang_b(4, 3.2) == pytest.approx(0.228145, abs=5e-7)


@pytest.mark.parametrize(("count", "response"), [(2, 3.843980), (4, 3.267384)])
def test_round_robin(count: int, response: float) -> None:
    assert queues.round_robin(0.8 * count, 1.0, count) == pytest.approx(response, abs=5e-7)


@pytest.mark.parametrize(("count", "response"), [(2, 2.955737), (4, 1.95313)])
def test_join_shortest_queue(count: int, response: float) -> None:
    found = queues.join_shortest_queue(0.8 * count, 1.0, count)
    assert found == pytest.approx(response, abs=5e-6)


def test_random_split() -> None:
    assert queues.random_split(3.2, 1.0, 4) == pytest.approx(5.0)


@pytest.mark.parametrize(("rho", "response"), [(0.8, 1.9474), (0.9, 2.6141), (0.95, 3.3830)])
def test_power_of_two_choices(rho: float, response: float) -> None:
    assert queues.power_of_choices(100 * rho, 1.0, 100) == pytest.approx(response, abs=5e-5)


# What must agree with what.


@given(rho=LOADS, service=TIMES)
def test_one_server_is_the_same_queue_by_every_road(rho: float, service: float) -> None:
    rate = rho / service
    expected = service / (1 - rho)
    assert queues.mm1(rate, service) == pytest.approx(expected)
    for found in (
        queues.mmc(rate, service, 1),
        queues.mg1(rate, service, 1.0),
        queues.mg1_sharing(rate, service),
        queues.round_robin(rate, service, 1),
        queues.random_split(rate, service, 1),
        queues.join_shortest_queue(rate, service, 1),
        queues.power_of_choices(rate, service, 1, choices=1),
    ):
        assert found == pytest.approx(expected, rel=1e-9)


@given(rho=LOADS, servers=st.integers(1, 12))
def test_erlang_b_is_the_last_state_of_a_queue_without_waiting_room(
    rho: float, servers: int
) -> None:
    load = rho * servers
    direct = load**servers / math.factorial(servers)
    direct /= math.fsum(load**busy / math.factorial(busy) for busy in range(servers + 1))
    assert queues.erlang_b(servers, load) == pytest.approx(direct)
    assert queues.mmck(load, 1.0, servers, servers).blocked == pytest.approx(direct)


@given(rho=st.floats(0.05, 0.9), servers=st.integers(1, 6))
def test_much_room_is_as_good_as_boundless(rho: float, servers: int) -> None:
    bounded = queues.mmck(rho * servers, 1.0, servers, 500)
    assert bounded.response == pytest.approx(queues.mmc(rho * servers, 1.0, servers), rel=1e-6)
    assert bounded.blocked < 1e-6


@given(rho=st.floats(0.3, 0.9), count=st.integers(2, 3))
def test_the_more_a_balancer_knows_the_shorter_the_wait(rho: float, count: int) -> None:
    rate = rho * count
    times = [
        queues.mmc(rate, 1.0, count),
        queues.join_shortest_queue(rate, 1.0, count),
        queues.round_robin(rate, 1.0, count),
        queues.random_split(rate, 1.0, count),
    ]
    assert times == sorted(times)
    assert times[0] >= 1.0


@pytest.mark.parametrize(("count", "spread"), [(2, 80), (3, 30), (4, 16)])
@pytest.mark.parametrize("rho", [0.3, 0.8])
def test_what_the_truncated_chain_leaves_out_does_not_matter(
    count: int, spread: int, rho: float
) -> None:
    less = queues.join_shortest_queue(rho * count, 1.0, count)
    more = queues.join_shortest_queue(rho * count, 1.0, count, spread=spread)
    assert less == pytest.approx(more, rel=1e-7)


def test_join_shortest_queue_against_a_chain_of_unsorted_lengths() -> None:
    """Two queues, every pair of lengths below 30 a state of its own, by power iteration."""
    most, rho = 30, 0.5
    chances = np.zeros((most, most))
    chances[0, 0] = 1.0
    lengths = np.arange(most)
    shorter = (lengths[:, None] < lengths[None, :]) + 0.5 * (lengths[:, None] == lengths[None, :])
    step = 0.24
    for _ in range(3000):
        flow = np.zeros_like(chances)
        first, second = 2 * rho * chances * shorter, 2 * rho * chances * (1 - shorter)
        first[-1], second[:, -1] = 0, 0
        flow -= first + second
        flow[1:] += first[:-1]
        flow[:, 1:] += second[:, :-1]
        flow[:-1] += chances[1:]
        flow[1:] -= chances[1:]
        flow[:, :-1] += chances[:, 1:]
        flow[:, 1:] -= chances[:, 1:]
        chances = chances + step * flow
    inside = float((chances * (lengths[:, None] + lengths[None, :])).sum())
    assert queues.join_shortest_queue(2 * rho, 1.0, 2) == pytest.approx(
        inside / (2 * rho), rel=1e-7
    )


@given(rho=LOADS, variation=st.floats(0, 50))
def test_waiting_in_mg1_grows_in_line_with_variation(rho: float, variation: float) -> None:
    fixed = queues.mg1(rho, 1.0, 0.0) - 1
    assert queues.mg1(rho, 1.0, variation) - 1 == pytest.approx(fixed * (1 + variation))


def test_round_robin_solves_its_own_transform() -> None:
    """sigma = E exp(-mu (1 - sigma) A), with A Erlang-c between the arrivals of one queue."""
    count, rho = 4, 0.7
    sigma = 1 - 1 / queues.round_robin(rho * count, 1.0, count)
    gap = stats.gamma(count, scale=1 / (rho * count))
    transform, _ = integrate.quad(lambda t: math.exp(-(1 - sigma) * t) * gap.pdf(t), 0, 200)
    assert transform == pytest.approx(sigma, rel=1e-8)


def test_a_closed_loop_against_mean_value_analysis() -> None:
    """One server: R(n) = S (1 + X(n-1) R(n-1)), the recursion of Reiser and Lavenberg."""
    think, service, inside = 5.0, 1.0, 0.0
    for users in range(1, 31):
        response = service * (1 + inside)
        throughput = users / (think + response)
        inside = throughput * response
        found = queues.closed_loop(users, think, service)
        assert found.response == pytest.approx(response)
        assert found.throughput == pytest.approx(throughput)


def test_a_closed_loop_with_a_server_for_everyone_never_waits() -> None:
    assert queues.closed_loop(7, 3.0, 1.0, 7).response == pytest.approx(1.0)
    assert queues.closed_loop(7, 0.0, 1.0, 2).throughput == pytest.approx(2.0)


# What has no answer.


@pytest.mark.parametrize(
    "ask",
    [
        lambda: queues.mm1(1.0, 1.0),
        lambda: queues.mmc(5.0, 1.0, 4),
        lambda: queues.mmc(1.0, 1.0, 0),
        lambda: queues.round_robin(4.0, 1.0, 4),
        lambda: queues.join_shortest_queue(2.0, 1.0, 2),
        lambda: queues.join_shortest_queue(6.0, 1.0, 8),
        lambda: queues.mg1(0.5, 1.0, -1.0),
        lambda: queues.mm1(-1.0, 1.0),
        lambda: queues.mm1(0.0, 1.0),
        lambda: queues.mm1(math.nan, 1.0),
        lambda: queues.mmck(1.0, 1.0, 2, 1),
        lambda: queues.erlang_b(0, 1.0),
        lambda: queues.closed_loop(0, 1.0, 1.0),
        lambda: queues.power_of_choices(1.0, 1.0, 2, choices=0),
    ],
)
def test_parameters_out_of_range(ask) -> None:
    with pytest.raises(TheoryError):
        ask()
