"""Strategies that need something of the world: answers' times, cookies, a clock."""

from __future__ import annotations

from typing import Any

import pytest

from proxysim.errors import ScenarioError
from proxysim.results.run import Run
from proxysim.scenario import from_dict
from proxysim.sim import simulate

SITE = "shop.example"


def run(balancer: Any, **server: Any) -> Run:
    return simulate(
        from_dict(
            {
                "proxysim": 1,
                "title": "balancers at work",
                "run": {"duration": 60.0, "seed": 4},
                "sites": {SITE: {"objects": 50}},
                "nodes": {
                    "users": {"kind": "clients", "count": 40, "arrivals": 100.0},
                    "edge": {
                        "kind": "reverse_proxy",
                        "sites": [SITE],
                        "backends": "shop",
                        "balancer": balancer,
                    },
                    "shop": {"kind": "server", "count": 4, "workers": 8, **server},
                },
            }
        )
    )


@pytest.mark.parametrize("balancer", ["least_response_time", "peak_ewma"])
def test_the_slow_server_is_learnt(balancer: str) -> None:
    """Answers' times reach the balancer: a server ten times slower gets far less than its share."""
    load = run(balancer, service={"fixed": 0.02}, speed=[1.0, 1.0, 1.0, 0.1]).summary().load
    assert load["shop-4"] < 0.12 * sum(load.values())
    even = run("random", service={"fixed": 0.02}, speed=[1.0, 1.0, 1.0, 0.1]).summary().load
    assert even["shop-4"] > 0.2 * sum(even.values())


def test_a_sticky_client_comes_back_to_its_server() -> None:
    """Clients keep the cookie that the proxy sets, so each is served by one server only."""
    rows = run("sticky", service={"fixed": 0.005}).requests
    settled = rows[rows["at"] > 20.0]
    servers = settled.groupby("client", observed=True)["backend"].nunique()
    assert (servers == 1).all()
    spread = run("round_robin", service={"fixed": 0.005}).requests
    assert (spread.groupby("client", observed=True)["backend"].nunique() > 1).all()


def test_a_tier_that_fits_nobody_is_a_mistake() -> None:
    with pytest.raises(ScenarioError, match=r"edge.*balancer"):
        run({"priority": {"tiers": [["shop-1", "shop-2"], ["shop-3", "shpo-4"]]}})
