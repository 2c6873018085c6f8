"""Exact results of other kinds: room that is bounded, users who wait, and limits of many queues."""

from typing import Any

import pytest

from proxysim.results.columns import Outcome
from proxysim.results.run import Run
from proxysim.theory import queues
from tests.oracles.oracle import SITE, assert_exact, luck, replicate, response, scenario

EXPONENTIAL = {"exponential": 1.0}


def counted_share(outcome: int) -> Any:
    def share(run: Run) -> float:
        return float((run.column("outcome")[run.counted] == outcome).mean())

    return share


def mean_ok(run: Run) -> float:
    ok = run.counted & (run.column("outcome") == Outcome.OK)
    return float(run.column("latency")[ok].mean())


def arrivals(rate: float) -> Any:
    def more(run: Run) -> tuple[float, ...]:
        return (float(run.counted.sum()) / (rate * (run.duration - run.warmup)) - 1.0,)

    return more


@pytest.mark.parametrize(
    ("servers", "waiting", "rate", "tolerance"),
    [
        (1, 4, 0.9, 0.03),
        (2, 0, 1.5, 0.03),
        pytest.param(1, 4, 0.9, 0.01, marks=pytest.mark.oracle),
        pytest.param(2, 0, 1.5, 0.01, marks=pytest.mark.oracle),
        pytest.param(3, 5, 3.6, 0.01, marks=pytest.mark.oracle),
    ],
)
def test_bounded_room(servers: int, waiting: int, rate: float, tolerance: float) -> None:
    """M/M/c/K: who finds it full is answered 503; the others wait as long as theory says."""
    exact = queues.mmck(rate, 1.0, servers, servers + waiting)
    nodes = {
        "users": {"kind": "clients", "arrivals": rate},
        "server": {
            "kind": "server",
            "sites": [SITE],
            "workers": servers,
            "queue": waiting,
            "service": EXPONENTIAL,
        },
    }
    duration = 100 + 15_000 / rate * (0.03 / tolerance) ** 2
    queue = scenario(nodes, duration=duration, warmup=100)
    rejected = counted_share(Outcome.REJECTED)
    blocked, response = replicate(queue, rejected, mean_ok, controls=arrivals(rate))
    assert_exact(blocked, exact.blocked, tolerance)
    assert_exact(response, exact.response, tolerance)


@pytest.mark.parametrize(("users", "think", "workers"), [(10, 5.0, 1), (12, 3.0, 3)])
@pytest.mark.parametrize("tolerance", [0.03, pytest.param(0.01, marks=pytest.mark.oracle)])
def test_closed_loop(users: int, think: float, workers: int, tolerance: float) -> None:
    """The machine repairman: throughput and response time of users who wait for their answers."""
    exact = queues.closed_loop(users, think, 1.0, workers)
    nodes = {
        "users": {
            "kind": "clients",
            "count": users,
            "arrivals": {"closed": {"think": {"exponential": think}}},
        },
        "server": {
            "kind": "server",
            "sites": [SITE],
            "workers": workers,
            "service": EXPONENTIAL,
        },
    }
    duration = 200 + 3500 / exact.throughput * (0.03 / tolerance) ** 2
    rate, response = replicate(
        scenario(nodes, duration=duration, warmup=200),
        lambda run: float(run.counted.sum()) / (run.duration - run.warmup),
        mean_ok,
    )
    assert_exact(rate, exact.throughput, tolerance)
    assert_exact(response, exact.response, tolerance)


def test_two_choices_lie_between_one_and_all() -> None:
    """Four queues at rho 0.8: clearly better than chance, worse than to see them all."""
    rate = 3.2
    nodes = {
        "users": {"kind": "clients", "arrivals": rate},
        "edge": {
            "kind": "reverse_proxy",
            "sites": [SITE],
            "backends": "server",
            "balancer": "power_of_two",
        },
        "server": {"kind": "server", "count": 4, "service": EXPONENTIAL},
    }
    queue = scenario(nodes, duration=900 + 4000 / rate, warmup=900)
    (found,) = replicate(queue, response, controls=luck(rate, lambda run: run.column("service")))
    assert found.high < queues.random_split(rate, 1.0, 4) / 1.5
    assert found.low > queues.join_shortest_queue(rate, 1.0, 4)


@pytest.mark.oracle
def test_two_choices_of_many_queues_come_near_the_limit() -> None:
    """A hundred queues at rho 0.8: at most 2 % above the limit of infinitely many."""
    rate = 80.0
    nodes = {
        "users": {"kind": "clients", "arrivals": rate},
        "edge": {
            "kind": "reverse_proxy",
            "sites": [SITE],
            "backends": "server",
            "balancer": "power_of_two",
        },
        "server": {"kind": "server", "count": 100, "service": EXPONENTIAL},
    }
    limit = queues.power_of_choices(rate, 1.0, 100)
    queue = scenario(nodes, duration=200 + 15_000 / rate, warmup=200)
    (found,) = replicate(queue, response, controls=luck(rate, lambda run: run.column("service")))
    assert found.relative <= 0.01
    assert limit < found.high
    assert found.low < 1.02 * limit
