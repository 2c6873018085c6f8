"""Every single request held against the recursions of queueing theory, along one sample path."""

from heapq import heappop, heappush
from typing import Any

import numpy as np
import pytest

from proxysim.results.run import Run
from tests.sim.scene import SITE, edge, play

RUN = {"duration": 3000.0}
SERVICE = {"exponential": 1.0}


def direct(rate: float, **more: Any) -> dict[str, Any]:
    return {
        "users": {"kind": "clients", "arrivals": rate},
        "web": {"kind": "server", "sites": [SITE], "service": SERVICE, **more},
    }


def behind(rate: float, balancer: str, count: int) -> dict[str, Any]:
    return {
        "users": {"kind": "clients", "arrivals": rate},
        "edge": edge(balancer=balancer),
        "shop": {"kind": "server", "count": count, "service": SERVICE},
    }


def departures(at: np.ndarray, demand: np.ndarray, workers: int) -> np.ndarray:
    """First come, first served: each takes the worker that is free first (Kiefer, Wolfowitz)."""
    free = [0.0] * workers
    found = np.empty(len(at))
    for number in range(len(at)):
        found[number] = max(at[number], heappop(free)) + demand[number]
        heappush(free, found[number])
    return found


@pytest.mark.parametrize("workers", [1, 3])
def test_first_come_first_served(workers: int) -> None:
    run = play(direct(0.9 * workers, workers=workers), run=RUN)
    at, service = run.column("at"), run.column("service")
    assert len(at) > 2000
    assert np.allclose(run.column("end"), departures(at, service, workers), atol=1e-7)
    assert np.allclose(run.column("wait") + service, run.column("latency"), atol=1e-7)


@pytest.mark.parametrize("balancer", ["round_robin", "random", "least_connections"])
def test_each_queue_behind_a_balancer(balancer: str) -> None:
    run = play(behind(3.6, balancer, 4), run=RUN)
    backend = run.column("backend")
    for member in np.unique(backend):
        mine = backend == member
        expected = departures(run.column("at")[mine], run.column("service")[mine], 1)
        assert np.allclose(run.column("end")[mine], expected, atol=1e-7)


def loads(run: Run) -> list[dict[int, int]]:
    """How many each backend has when each request comes, this one left out."""
    at, end, backend = (run.column(name) for name in ("at", "end", "backend"))
    members = [int(code) for code in np.unique(backend)]
    under_way: list[tuple[float, int]] = []
    now = dict.fromkeys(members, 0)
    found = []
    for number in range(len(at)):
        while under_way and under_way[0][0] <= at[number]:
            now[heappop(under_way)[1]] -= 1
        found.append(dict(now))
        now[int(backend[number])] += 1
        heappush(under_way, (end[number], int(backend[number])))
    return found


def test_least_connections_counts_what_waits_and_what_is_served() -> None:
    """The shortest queue is joined, every time; ties go to each about as often."""
    run = play(behind(3.6, "least_connections", 4), run=RUN)
    ties: dict[int, int] = {}
    for number, load in enumerate(loads(run)):
        chosen = int(run.column("backend")[number])
        assert load[chosen] == min(load.values())
        if list(load.values()).count(0) == 4:
            ties[chosen] = ties.get(chosen, 0) + 1
    assert len(ties) == 4
    assert max(ties.values()) < 3 * min(ties.values())


def test_round_robin_takes_turns() -> None:
    backend = play(behind(3.6, "round_robin", 4), run=RUN).column("backend")
    assert (backend[4:] == backend[:-4]).all()
    assert len(np.unique(backend[:4])) == 4


def test_two_choices_never_take_the_longest_of_all() -> None:
    """Of two distinct ones the shorter is taken, so the strictly longest of all never is."""
    run = play(behind(3.6, "power_of_two", 4), run=RUN)
    for number, load in enumerate(loads(run)):
        chosen = load[int(run.column("backend")[number])]
        longest = max(load.values())
        if list(load.values()).count(longest) == 1:
            assert chosen < longest
