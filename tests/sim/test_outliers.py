"""Outlier ejection in simulated time: a server that fails now and then, and is otherwise well."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from proxysim.results.run import Run
from tests.sim.scene import edge, play, server

#: One of five is slow and has no queue: it turns a tenth of its requests away, at once.
WELL = {"workers": 4, "service": {"exponential": 0.02}}
ACTIVE = {"active": {"interval": 1.0, "timeout": 0.5}}
RATE = {"success_rate": {"requests": 50, "interval": 5.0}}


def gray(balancer: str = "round_robin", **health: Any) -> Run:
    return play(
        {
            "users": {"kind": "clients", "arrivals": {"poisson": 150.0}},
            "edge": edge(backends=["shop", "bad"], balancer=balancer, health=health),
            "shop": server(**{**WELL, "count": 4}),
            "bad": server(**{**WELL, "workers": 5, "queue": 0, "speed": 0.18}),
        },
        run={"duration": 60.0},
    )


def rejected(run: Run) -> float:
    return float(np.mean(run.column("status") == 503))


def test_a_server_that_fails_now_and_then_passes_its_probes() -> None:
    assert rejected(gray(**ACTIVE)) == pytest.approx(rejected(gray()), abs=0.003)


def test_its_success_rate_gives_it_away() -> None:
    plain, watched = gray(), gray(outliers={"failures": 1000, **RATE})
    assert rejected(plain) > 0.01
    asked = watched.requests[watched.requests["backend"].astype(str) == "bad"]
    first = asked["at"].min()
    assert first < 1.0
    # Ejected when the first interval is over, for 30 s; found again in the first one after that.
    early, late = asked["at"] < 20.0, asked["at"] >= 20.0
    assert 5.0 <= asked["at"][early].max() < 5.2
    assert 35.0 <= asked["at"][late].min() < 35.3
    assert asked["at"].max() < 41.0
    assert rejected(watched) < rejected(plain) / 4


def test_one_that_fails_fast_is_a_sink_for_least_connections_until_it_is_ejected() -> None:
    """It has the fewest requests in flight, because it refuses them at once."""

    def down(**health: Any) -> Run:
        return play(
            {
                "users": {"kind": "clients", "arrivals": {"poisson": 100.0}},
                "edge": edge(balancer="least_connections", health=health),
                "shop": server(count=5, service={"exponential": 0.2}),
            },
            events=[{"at": 10.0, "node": "shop-1", "down_for": 100.0}],
            run={"duration": 30.0},
        )

    def failed(run: Run) -> float:
        return float(np.mean(run.column("status") == 502))

    assert failed(down()) > 0.5
    assert failed(down(outliers={})) < 0.02


def test_where_all_fail_few_are_ejected() -> None:
    """Down are all ten; out is one at a time, as one in ten may be."""
    run = play(
        {
            "users": {"kind": "clients", "arrivals": {"poisson": 100.0}},
            "edge": edge(health={"outliers": {"failures": 5, "for": 1000.0}}),
            "shop": server(count=10),
        },
        events=[{"at": 5.0, "node": "shop", "down_for": 5.0}],
        run={"duration": 20.0},
    )
    after = run.requests[run.column("at") > 10.0]
    assert set(after["status"]) == {200}
    assert after["backend"].astype(str).nunique() == 9
