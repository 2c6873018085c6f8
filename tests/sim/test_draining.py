"""Draining, restarts and slow start in simulated time."""

from __future__ import annotations

from typing import Any

import pytest

from proxysim.errors import ScenarioError
from proxysim.policies.balancers import BALANCERS
from proxysim.scenario import Scenario
from tests.sim.scene import edge, outcomes, play, server, statuses, tree

#: The last fills one backend after another; there is no share to grow.
WEIGHTED = sorted(
    set(BALANCERS) - {"round_robin", "random", "priority", "sticky", "first_available"}
)


def every(seconds: float, until: float, clients: int = 1) -> list[tuple[Any, ...]]:
    count = int(until / seconds)
    return [(seconds * n, f"ann{n % clients}", f"/{n % 97}", 0) for n in range(count)]


def asked(run: Any, name: str) -> Any:
    """When *name* was asked."""
    return run.column("at")[run.requests["backend"].astype(str) == name]


def test_a_drained_server_finishes_what_it_has_and_gets_nothing_new() -> None:
    run = play(
        {"edge": edge(), "shop": server(count=2, service=3.0)},
        script=every(0.5, 30.0),
        events=[{"at": 10.2, "node": "shop-1", "drain_for": 9.9}],
        run={"duration": 30.0},
    )
    assert set(outcomes(run)) == {"ok"}
    times = asked(run, "shop-1")
    assert not any((times > 10.2) & (times < 20.1))
    assert any((times > 7.2) & (times < 10.2))
    assert any(times > 20.1)


def test_a_restart_loses_what_is_held_but_meets_no_new_request() -> None:
    base = {"edge": edge(), "shop": server(count=2, service=1.0)}
    script = every(0.5, 30.0)
    told = play(
        base,
        script=script,
        events=[{"at": 10.2, "node": "shop-1", "restart_for": 5.0}],
        run={"duration": 30.0},
    )
    crash = play(
        base,
        script=script,
        events=[{"at": 10.2, "node": "shop-1", "down_for": 5.0}],
        run={"duration": 30.0},
    )
    assert statuses(told).count(502) == 1
    assert statuses(crash).count(502) == 6


def test_a_group_that_is_drained_leaves_503() -> None:
    run = play(
        {"edge": edge(), "shop": server(count=2)},
        script=every(1.0, 10.0),
        events=[{"at": 2.5, "node": "shop", "drain_for": 3.0}],
        run={"duration": 10.0},
    )
    assert statuses(run) == [200] * 3 + [503] * 3 + [200] * 4


def test_every_proxy_before_it_is_told() -> None:
    run = play(
        {
            "edge": edge(backends=["inner", "spare"]),
            "inner": edge(),
            "shop": server(),
            "spare": server(),
        },
        script=every(1.0, 20.0),
        events=[
            {"at": 4.5, "node": "inner", "drain_for": 5.0},
            {"at": 12.5, "node": "shop", "drain_for": 2.0},
        ],
        run={"duration": 20.0},
    )
    times = asked(run, "shop")
    assert not any((times > 4.5) & (times < 9.5))
    rejected = run.column("at")[run.column("status") == 503]
    assert all(12.5 < at < 14.5 for at in rejected)
    assert 0 < len(rejected) <= 2


def test_connections_that_are_relayed_are_not_opened_to_it() -> None:
    run = play(
        {"edge": edge(tls="passthrough"), "shop": server(count=2)},
        script=every(1.0, 20.0, clients=20),
        site={"tls": True},
        events=[{"at": 5.5, "node": "shop-1", "drain_for": 100.0}],
        run={"duration": 20.0},
    )
    assert set(outcomes(run)) == {"ok"}
    assert asked(run, "shop-1").max() < 5.5


@pytest.mark.parametrize("balancer", WEIGHTED)
def test_one_that_comes_back_is_asked_little_by_little(balancer: str) -> None:
    """In each third of the time it is asked more often than in the one before."""
    spec: Any = {"maglev": {"size": 1009}} if balancer == "maglev" else balancer
    run = play(
        {
            "users": {"kind": "clients", "count": 500, "arrivals": {"poisson": 100.0}},
            "edge": edge(balancer=spec, health={"slow_start": 60.0}),
            "shop": server(count=2, service=0.2),
        },
        site={"objects": 500, "popularity": {"zipf": 0.0}},
        events=[{"at": 1.0, "node": "shop-1", "drain_for": 19.0}],
        run={"duration": 100.0},
    )
    times = asked(run, "shop-1")
    thirds = [((times >= at) & (times < at + 20.0)).sum() for at in (20.0, 40.0, 60.0)]
    after = ((times >= 80.0) & (times < 100.0)).sum()
    assert 0 < thirds[0] < 0.6 * after
    assert thirds[0] < thirds[1] < thirds[2] * 1.1
    assert thirds[2] > 0.7 * after


def test_no_server_is_drained_that_no_proxy_hears_of() -> None:
    nodes = {
        "users": {"kind": "clients", "arrivals": {"even": 1.0}},
        "web": server(sites=["app.example"]),
    }
    for what in ("drain_for", "restart_for"):
        with pytest.raises(ScenarioError, match="nobody to be told"):
            Scenario.checked(
                tree(nodes, events=[{"at": 1.0, "node": "web", what: 1.0}]), name="scene"
            )


def test_without_the_proxy_a_drain_is_nothing_and_a_restart_is_down() -> None:
    nodes = {
        "users": {"kind": "clients", "arrivals": {"even": 1.0}},
        "edge": edge(),
        "shop": server(count=2),
    }
    events = [
        {"at": 1.0, "node": "shop-1", "drain_for": 1.0},
        {"at": 2.0, "node": "shop", "restart_for": 3.0},
        {"at": 3.0, "node": "shop", "slow": 2.0, "for": 1.0},
    ]
    bare = Scenario.checked(tree(nodes, events=events), name="scene").without("edge")
    told = [event.model_dump(exclude_none=True) for event in bare.document.events]
    assert [{*event} - {"at", "node", "for_"} for event in told] == [{"down_for"}, {"slow"}]
