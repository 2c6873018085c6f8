"""Shipped scenarios on sockets: who sees what, and every decision, are those that are simulated.

A few requests of each, so that it is over soon, and of all but three in ``make slow`` only;
``python -m benchmarks.live sequential`` runs all of them for longer.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any

import pytest

import proxysim as ps
from proxysim.results.decisions import disagreements
from proxysim.results.knowledge import observers
from proxysim.scenario import Scenario, from_dict
from proxysim.scenario.build_workload import workload_of
from proxysim.workload.sequence import in_sequence

pytest.importorskip("httptools")
pytestmark = pytest.mark.live

REQUESTS = 40
#: A forward proxy, a reverse proxy, and one before the other.
ALWAYS = ("office-forward-proxy", "website-reverse-proxy", "both-ends")


def shortened(scenario: Scenario) -> Scenario:
    """The first REQUESTS of *scenario*."""
    turns = in_sequence(workload_of(scenario).groups, scenario.document.run.duration)
    ends = [turn.at for turn in islice(turns, REQUESTS + 1)]
    return scenario.set({"run.duration": ends[-1], "run.warmup": 0.0})


def sights(run: Any) -> Counter[tuple[str, ...]]:
    """Who saw what of whom, and how often."""
    rows = run.views.astype(str).to_numpy().tolist()
    return Counter(map(tuple, rows))


@pytest.mark.parametrize(
    "name",
    [
        name if name in ALWAYS else pytest.param(name, marks=pytest.mark.slow)
        for name in ps.shipped()
    ],
)
def test_who_sees_what_and_what_is_decided_are_as_simulated(name):
    scenario = shortened(ps.load(name))
    live, simulated = (run(scenario, sequential=True) for run in (ps.live, ps.simulate))
    assert disagreements(live, simulated) == []
    assert sights(live) == sights(simulated)
    assert observers(live) == observers(simulated)
    counted = [
        {name: fact["handshakes"] for name, fact in run.facts.items() if fact.get("handshakes")}
        for run in (live, simulated)
    ]
    assert counted[0] == counted[1]


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        pytest.param("office-forward-proxy", {"staff": "20/s"}, marks=pytest.mark.slow),
        ("website-reverse-proxy", {"visitors": "20/s"}),
        pytest.param("both-ends", {"staff": "10/s", "visitors": "20/s"}, marks=pytest.mark.slow),
    ],
)
def test_clients_that_do_not_wait_are_seen_alike_too(name, rates):
    """Who learns what does not hang on how late things are; how often may, by a few requests."""
    changes: dict[str, Any] = {"run.duration": 2.0, "run.warmup": 0.0, "events": []}
    changes |= {f"nodes.{group}.arrivals.poisson": rate for group, rate in rates.items()}
    scenario = ps.load(name).set(changes)
    live, simulated = (observers(run(scenario)) for run in (ps.live, ps.simulate))
    assert [one.name for one in live] == [other.name for other in simulated]
    for one, other in zip(live, simulated, strict=True):
        assert one.requests == pytest.approx(other.requests, rel=0.1, abs=2), one.name
        for share, expected in zip(one.shares, other.shares, strict=True):
            assert (share > 0, share < 1) == (expected > 0, expected < 1), one.name
            assert share == pytest.approx(expected, abs=0.1), one.name


def test_a_backend_that_is_back_starts_slowly():
    scenario = from_dict(
        {
            "proxysim": 1,
            "title": "back",
            "run": {"duration": 5.0, "seed": 2, "drain": "20s"},
            "sites": {"shop.example": {"objects": 9}},
            "nodes": {
                "visitors": {"kind": "clients", "count": 3, "arrivals": {"poisson": "40/s"}},
                "edge": {
                    "kind": "reverse_proxy",
                    "sites": ["shop.example"],
                    "backends": "shop",
                    "balancer": "weighted_round_robin",
                    "health": {"slow_start": "3s"},
                },
                "shop": {"kind": "server", "count": 2, "service": "1ms"},
            },
            "events": [{"at": 1, "node": "shop-2", "drain_for": "1s"}],
        }
    )
    live, simulated = (run(scenario, sequential=True) for run in (ps.live, ps.simulate))
    assert disagreements(live, simulated) == []
    at, backend = live.column("at"), live.requests["backend"].to_numpy()
    share = [(backend[(at >= begin) & (at < begin + 1)] == "shop-2").mean() for begin in range(5)]
    assert share[1] == 0
    assert 0 < share[2] < share[3] < share[4]
