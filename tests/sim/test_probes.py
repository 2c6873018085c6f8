"""Health checks in simulated time: probes are real, and only probes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.scene import SITE, edge, latencies, outcomes, play, server, statuses, world

WIRES = [
    {"between": ["users", "edge"], "latency": 0.01},
    {"between": ["edge", "shop"], "latency": 0.05},
]


def checked(**active: Any) -> dict[str, Any]:
    return edge(health={"active": {"interval": 1.0, "timeout": 0.5, **active}})


def asking(*times: float) -> list[tuple[Any, ...]]:
    return [(at, "ann", "/1", 0) for at in times]


def every(seconds: float, until: float) -> list[tuple[Any, ...]]:
    return asking(*(seconds * number for number in range(int(until / seconds))))


def test_a_probe_is_no_arrival_no_row_and_no_sight() -> None:
    nodes = {"edge": checked(), "shop": server(count=3)}
    run = play(nodes, script=asking(0.0), hops="all", run={"duration": 10.0})
    assert run.arrived == len(run.requests) == 1
    assert run.summary().requests["arrived"] == 1
    assert set(run.views["client"].astype(str)) == {"users-1"}
    probes = run.hops[run.hops["request"] < 0]
    assert 27 <= probes["request"].nunique() <= 33
    received = run.nodes.groupby("node", observed=True)["rate"].sum()
    assert all(received[f"shop-{number}"] > 0 for number in (1, 2, 3))


def test_a_probe_takes_the_way_of_a_request() -> None:
    """Connects, crosses the wire, is served, and comes back; the next finds the connection open."""
    run = play(
        {"edge": checked(timeout=5.0, interval=4.0, first="down"), "shop": server(service=1.0)},
        script=asking(0.0),
        links=WIRES,
        hops="all",
        run={"duration": 10.0},
    )
    probes = run.hops[run.hops["request"] < 0]
    first, second = (spans for _, spans in list(probes.groupby("request", sort=False))[::-1][:2])
    assert set(first["step"]) == {"connect", "request", "service", "response"}
    assert set(second["step"]) == {"request", "service", "response"}
    assert first["end"].max() - first["start"].min() == pytest.approx(0.1 + 0.05 + 1.0 + 0.05)


def test_a_probe_is_no_load_of_the_balancer() -> None:
    """Probes that take for ever leave least connections as they found it."""
    nodes = {
        "edge": {**checked(timeout=1000.0, fall=100), "balancer": "least_connections"},
        "shop": server(count=2, service=500.0),
    }
    found = world(nodes, script=asking(0.0), run={"duration": 10.0, "drain": 0.0})
    found.run()
    fleet = found.nodes["edge"].proxy.fleet
    assert sorted(backend.in_flight for backend in fleet.backends) == [0, 1]


def test_a_server_that_goes_down_is_asked_no_more_until_it_has_risen() -> None:
    """Down from 10 to 20 s: out at the third failed probe, back at the second that succeeds."""
    run = play(
        {"edge": checked(first="fully_up"), "shop": server(count=2)},
        script=every(0.1, 40.0),
        events=[{"at": 10.0, "node": "shop-1", "down_for": 10.0}],
        run={"duration": 40.0},
    )
    at, failed = run.column("at"), run.column("status") == 502
    asked = run.requests["backend"].astype(str) == "shop-1"
    assert failed.any()
    assert 10.0 <= at[failed].min() < at[failed].max() < 13.2
    away = at[(~asked) & (at > 13.2)]
    back = at[asked & (at > 13.2)].min()
    assert 20.9 < back < 22.2
    assert len(away[away < back]) == pytest.approx((back - 13.2) / 0.1, abs=2)


def test_without_an_answer_in_time_a_silent_server_goes_down() -> None:
    run = play(
        {"edge": checked(fall=1), "shop": server(count=2)},
        script=every(0.1, 20.0),
        events=[{"at": 5.0, "node": "shop-1", "silent_for": 100.0}],
        run={"duration": 20.0, "drain": 0.0},
    )
    at = run.column("at")
    asked = run.requests["backend"].astype(str) != "shop-2"
    assert 5.0 < at[asked].max() < 5.0 + 1.05 + 0.5 + 0.2


def test_when_all_are_down_the_proxy_says_503_at_once() -> None:
    run = play(
        {"edge": checked(fall=1), "shop": server(count=2)},
        script=asking(0.0, 8.0, 13.5),
        events=[{"at": 3.0, "node": "shop", "down_for": 7.0}],
        run={"duration": 20.0},
    )
    assert statuses(run) == [200, 503, 200]
    assert outcomes(run) == ["ok", "rejected", "ok"]
    assert latencies(run)[1] == 0.0


@pytest.mark.parametrize(("first", "early"), [("up", 200), ("down", 503), ("fully_down", 503)])
def test_the_first_state_decides_before_the_first_probe(first: str, early: int) -> None:
    """The first probe comes within an interval, the second an interval later."""
    run = play(
        {"edge": checked(first=first), "shop": server()},
        script=asking(0.0, 1.2, 2.2),
        run={"duration": 5.0},
    )
    middle = 503 if first == "fully_down" else 200
    assert statuses(run) == [early, middle, 200]


def test_probes_queue_behind_requests_and_take_a_healthy_site_down() -> None:
    """Workers are busy for 3 s; probes wait behind them longer than they may."""
    shop = server(workers=1, service=3.0)
    script = [(0.0, f"ann{number}", "/1", 0) for number in range(3)] + asking(6.0)
    busy = play(
        {"edge": checked(fall=2, demand=0.01), "shop": shop},
        script=script,
        run={"duration": 12.0},
    )
    assert statuses(busy) == [200, 200, 200, 503]
    idle = play({"edge": edge(), "shop": shop}, script=script, run={"duration": 12.0})
    assert statuses(idle) == [200] * 4


@pytest.mark.parametrize("demand", [None, 0.1])
def test_a_probe_costs_what_a_request_costs_unless_it_is_said(demand: float | None) -> None:
    more = {} if demand is None else {"demand": demand}
    run = play(
        {"edge": checked(timeout=5.0, **more), "shop": server(workers=1, service=0.5)},
        script=asking(0.0),
        hops="all",
        run={"duration": 20.0},
    )
    served = run.hops[(run.hops["request"] < 0) & (run.hops["step"] == "service")]
    assert 18 <= len(served) <= 21
    assert (served["end"] - served["start"]).tolist() == pytest.approx(
        [demand or 0.5] * len(served)
    )


def test_littles_law_holds_for_requests_and_probes_together() -> None:
    run = play(
        {
            "users": {"kind": "clients", "arrivals": {"poisson": 5.0}},
            "edge": checked(interval=0.1, timeout=5.0, demand=0.3),
            "shop": server(service={"exponential": 0.05}),
        },
        hops="all",
        run={"duration": 200.0},
    )
    inside, expected = run.littles_law("shop")
    assert inside == pytest.approx(expected, rel=0.01)


def test_probes_keep_no_finished_run_from_ending() -> None:
    found = world({"edge": checked(), "shop": server()}, script=asking(0.0), run={"duration": 3.0})
    found.run()
    assert found.env.time < 4.0


def test_probes_begin_again_when_a_proxy_does() -> None:
    run = play(
        {"edge": checked(fall=1), "shop": server(count=2)},
        script=asking(0.0, 20.0, 20.1),
        events=[
            {"at": 2.0, "node": "edge", "down_for": 3.0},
            {"at": 10.0, "node": "shop-1", "down_for": 100.0},
        ],
        run={"duration": 30.0},
    )
    assert statuses(run) == [200, 200, 200]


def test_probes_move_no_other_chance() -> None:
    """The same requests have the same demands and go the same ways, probed or not."""
    nodes: dict[str, Any] = {
        "users": {"kind": "clients", "arrivals": {"poisson": 20.0}},
        "shop": server(count=3, service={"exponential": 0.05}),
    }
    plain = play({**nodes, "edge": edge(balancer="random")}, run={"duration": 20.0})
    probed = play({**nodes, "edge": {**checked(), "balancer": "random"}}, run={"duration": 20.0})
    assert plain.digest() == probed.digest()


def test_probes_to_servers_behind_tls_shake_hands() -> None:
    run = play(
        {"edge": {**checked(), "tls": "reencrypt"}, "shop": server(keep_alive=0.0)},
        script=asking(0.0),
        site={"tls": True},
        hops="all",
        run={"duration": 5.0},
    )
    probes = run.hops[run.hops["request"] < 0]
    assert "tls" in set(probes["step"])
    assert statuses(run) == [200]


def test_probes_pass_a_further_proxy_like_requests() -> None:
    run = play(
        {
            "edge": {**checked(fall=1), "backends": "inner"},
            "inner": edge(),
            "shop": server(),
        },
        script=asking(0.0, 12.0, 25.0),
        events=[{"at": 5.0, "node": "shop", "down_for": 15.0}],
        run={"duration": 30.0},
    )
    assert statuses(run) == [200, 503, 200]
    assert SITE in set(run.requests["site"].astype(str))
