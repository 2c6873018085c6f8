"""Limits, breakers, shedding and deadlines in simulated time, against theory where there is one."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from proxysim.results.run import Run
from tests.sim.scene import edge, front, latencies, outcomes, play, server, statuses

ONE_SECOND = {"exponential": 1.0}


def under(load: float, shop: dict[str, object], duration: float = 1000.0, **more: object) -> Run:
    events = more.pop("events", [])
    users = {"kind": "clients", "arrivals": {"poisson": load}}
    run = play(
        {"users": users, "edge": edge(**more), "shop": shop},
        run={"duration": duration},
        events=events,
    )
    run.check()
    return run


def share(run: Run, status: int) -> float:
    return float((run.column("status") == status).mean())


def latencies_of(run: Run, rows: np.ndarray) -> np.ndarray:
    return np.asarray(run.column("latency"))[rows]


def test_one_place_and_a_queue_of_four_is_m_m_1_5() -> None:
    """Of Poisson arrivals the share (1 - r) r^5 / (1 - r^6) finds all five places taken.

    Request by request it is what a server does that has the same queue itself.
    """
    room = {"in_flight": 1, "queue": 4}
    run = under(0.8, server(service=ONE_SECOND), 5000.0, limits={"proxy": room})
    same = under(0.8, server(service=ONE_SECOND, workers=1, queue=4), 5000.0)
    assert statuses(run) == statuses(same)
    assert latencies(run) == pytest.approx(latencies(same))
    lost = 0.2 * 0.8**5 / (1 - 0.8**6)
    # Losses come in bursts, so their count varies more than a binomial one; twice is ample here.
    assert share(run, 503) == pytest.approx(lost, abs=2 * 3.5 * sqrt(lost / run.arrived))
    assert set(outcomes(run)) == {"ok", "rejected"}


def test_a_slot_for_each_worker_makes_the_proxy_s_line_one_for_all() -> None:
    """Four servers behind one line are one server of four workers, whatever the balancer."""
    shop = server(count=4, workers=1, service=ONE_SECOND)
    one = {"limits": {"backend": {"in_flight": 1}}}
    run = under(3.2, shop, balancer="random", **one)
    whole = under(3.2, server(workers=4, service=ONE_SECOND))
    assert latencies(run) == pytest.approx(latencies(whole))
    alone = under(3.2, shop, balancer="random")
    assert np.mean(latencies(alone)) > 2 * np.mean(latencies(run))


def test_waiting_in_the_proxy_is_waiting() -> None:
    nodes = {
        "users": {},
        "edge": edge(limits={"backend": {"in_flight": 1, "queue": 1, "timeout": 0.5}}),
        "shop": server(service=1.0),
    }
    script = [(0.0, "a", "/1", 1), (0.6, "b", "/2", 1), (0.7, "c", "/3", 1), (2.05, "d", "/4", 1)]
    script += [(2.1, "e", "/5", 1)]
    run = play(nodes, script=script, hops="all")
    assert statuses(run) == [200, 200, 503, 200, 503]
    assert run.column("wait").tolist() == pytest.approx([0, 0.4, 0, 0, 0.5])
    assert outcomes(run)[2] == outcomes(run)[4] == "rejected"
    hops = run.hops
    assert (hops[hops["step"] == "wait"]["request"]).tolist() == [1, 4]


def test_over_the_rate_is_rejected_by_429() -> None:
    run = under(20.0, server(), rate_limit={"rate": 5.0, "burst": 3})
    assert set(statuses(run)) == {200, 429}
    assert (run.column("status") == 200).sum() <= 3 + 5 * 1000
    assert share(run, 200) == pytest.approx(0.25, rel=0.05)
    assert set(outcomes(run)) == {"ok", "rejected"}


def test_each_client_has_its_own_bucket() -> None:
    nodes = {"users": {}, "edge": edge(rate_limit={"rate": 1.0}), "shop": server()}
    script = [(0.0, "a", "/1", 1), (0.1, "b", "/1", 1), (0.2, "a", "/1", 1), (1.0, "a", "/1", 1)]
    assert statuses(play(nodes, script=script)) == [200, 200, 429, 200]


def test_shedding_keeps_what_it_lets_in_quick() -> None:
    """At half as much again as can be done: without it the queue has no end."""
    shop = server(workers=4, service={"exponential": 0.1})
    queueing = under(60.0, shop, 200.0)
    shedding = under(60.0, shop, 200.0, shedding={"in_flight": 8})
    ok = shedding.column("status") == 200
    assert np.quantile(latencies_of(shedding, ok), 0.99) < 1.0
    assert np.quantile(latencies(queueing), 0.5) > 5.0
    assert ok.sum() > 0.9 * 40 * 200, "and the workers stay busy"


def test_a_controlled_queue_is_short_where_it_would_stand() -> None:
    shop = server(service={"exponential": 0.05}, workers=1)
    room = {"proxy": {"in_flight": 1, "queue": 100}}
    standing = under(30.0, shop, 200.0, limits=room)
    controlled = under(30.0, shop, 200.0, limits=room, shedding={"queue_delay": {}})
    waits = [run.column("wait")[run.column("status") == 200] for run in (standing, controlled)]
    assert np.median(waits[0]) > 1.0
    assert np.quantile(waits[1], 0.99) <= 0.1 + 1e-9
    assert (controlled.column("status") == 200).sum() > 0.75 * 20 * 200


def test_a_breaker_spares_clients_the_server_that_is_down() -> None:
    shop = server(count=4)
    down = [{"at": 10.0, "node": "shop-1", "down_for": 50.0}]
    without = under(40.0, shop, 100.0, events=down)
    run = under(40.0, shop, 100.0, events=down, breaker={"failures": 5, "open_for": 5.0})
    assert share(without, 502) == pytest.approx(0.125, abs=0.02)
    failed = (run.column("status") == 502).sum()
    assert 5 < failed <= 5 + 10, "the first five, and a trial every five seconds"
    after = run.column("at") > 65.0
    assert (run.column("backend")[after] == run.column("backend").min()).mean() > 0.2


def test_one_deadline_bounds_all_tries() -> None:
    shop = server(count=2, service={"exponential": 0.3})
    tries = {"attempts": 9, "budget": 1.0}
    run = under(5.0, shop, 200.0, retry=tries, deadlines={"first_byte": 0.2, "total": 0.5})
    assert latencies_of(run, run.column("status") == 504).min() == pytest.approx(0.5)
    assert max(latencies(run)) == pytest.approx(0.5)
    assert run.column("attempts").max() == 3
    assert set(outcomes(run)) == {"ok", "timed_out"}


def test_a_deadline_that_is_passed_on_spares_the_proxy_beyond() -> None:
    """The inner proxy's line is longer than the outer waits: it stops when nobody does."""
    nodes = {
        "users": {},
        "edge": edge("inner", deadlines={"total": 0.5}),
        "inner": edge(deadlines={"total": 9.0}, limits={"backend": {"in_flight": 1}}),
        "shop": server(service=0.4),
    }
    script = [(n / 100, f"c{n}", f"/{n}", 1) for n in range(4)]
    run = play(nodes, script=script)
    assert statuses(run) == [200, 504, 504, 504]
    assert latencies(run)[1:] == pytest.approx([0.5] * 3)


def retrying(**retry: object) -> Run:
    """A service with room to spare, one short outage, and those who ask again."""
    shop = server(workers=8, service=0.1, queue=None)
    return under(
        40.0,
        shop,
        60.0,
        retry={"attempts": 4, "on": ["connect", "reset", "timeout"], **retry},
        deadlines={"first_byte": 0.5},
        events=[{"at": 10.0, "node": "shop", "slow": 20.0, "for": 5.0}],
    )


def test_a_retry_storm_outlives_its_cause_and_a_budget_ends_it() -> None:
    storm, spared = retrying(budget=1.0), retrying(budget=0.2)
    for run, least, most in ((storm, 0.0, 0.2), (spared, 0.95, 1.0)):
        late = run.column("at") > 40.0
        assert least <= (run.column("status")[late] == 200).mean() <= most


def test_a_forward_proxy_has_a_gate_too_and_counts_a_tunnel_once() -> None:
    gateway = {
        "kind": "forward_proxy",
        "rate_limit": {"rate": 1.0},
        "limits": {"backend": {"in_flight": 1}},
        "deadlines": {"total": 0.5},
    }
    nodes = {"users": {"through": "gateway"}, "gateway": gateway, "web": front(service=0.4)}
    script = [(0.0, "a", "/1", 1), (0.2, "a", "/2", 1), (0.2, "b", "/3", 1), (2.0, "a", "/4", 1)]
    plain = play(nodes, script=script)
    assert statuses(plain) == [200, 429, 504, 200], "b's turn comes at 0.4, and 0.3 s are too short"
    tunnelled = play(nodes, script=script, site={"tls": True})
    assert statuses(tunnelled) == [200, 429, 200, 200]
    assert outcomes(tunnelled) == ["ok", "rejected", "ok", "ok"]
