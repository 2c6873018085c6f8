"""Retries and hedges in simulated time: what they cost, and what they save."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sim.scene import edge, latencies, outcomes, play, server, statuses

EXPONENTIAL = {"exponential": 0.02}
USERS = {"kind": "clients", "arrivals": {"poisson": 50.0}}


def test_a_full_server_is_passed_over_where_its_503_is_retried() -> None:
    nodes = {
        "users": {},
        "edge": edge(retry={"on": [503]}),
        "shop": server(count=2, workers=1, queue=0, service=1.0),
    }
    script = [(0.0, "a", "/1", 1), (0.1, "b", "/2", 1), (0.2, "c", "/3", 1)]
    run = play(nodes, script=script)
    assert statuses(run) == [200, 200, 503]
    assert run.column("attempts").tolist() == [1, 1, 2]


def test_backing_off_is_waiting_and_has_its_span() -> None:
    nodes = {
        "users": {},
        "edge": edge(retry={"on": [503], "attempts": 9, "backoff": {"base": 1.0, "max": 20.0}}),
        "shop": server(count=1, workers=1, queue=0, service=2.0),
    }
    run = play(nodes, script=[(0.0, "a", "/1", 1), (0.1, "b", "/2", 1)], hops="all")
    assert outcomes(run) == ["ok", "ok"]
    tries = int(run.column("attempts")[1])
    assert tries > 1
    wait, service = run.column("wait")[1], run.column("service")[1]
    assert wait + service == pytest.approx(latencies(run)[1])
    hops = run.hops
    waits = hops[(hops["step"] == "wait") & (hops["request"] == 1)]
    assert len(waits) == tries - 1
    assert (waits["end"] - waits["start"]).sum() == pytest.approx(wait)


def test_an_answer_that_is_given_up_leaves_the_wire_to_others() -> None:
    """Of five pages of 502 the first four are broken off, so the fifth has the wire to itself."""
    backoff = {"base": 1e-6}
    nodes = {
        "users": {},
        "edge": edge("inner", retry={"attempts": 5, "on": [502], "backoff": backoff}),
        "inner": edge(),
        "shop": server(),
    }
    links = [
        {"between": ["users", "edge"]},
        {"between": ["edge", "inner"], "bandwidth": 100.0},
        {"between": ["inner", "shop"]},
    ]
    down = [{"at": 0.0, "node": "shop", "down_for": 50.0}]
    run = play(nodes, script=[(1.0, "a", "/1", 1)], links=links, events=down)
    assert run.column("attempts")[0] == 5
    page = int(run.column("bytes_down")[0])
    assert latencies(run)[0] == pytest.approx(page / 100, rel=1e-3)


def slow_minority(**more: object) -> dict[str, object]:
    """Four servers, of which one takes ten times as long."""
    shop = server(count=4, workers=8, service=EXPONENTIAL, speed=[1, 1, 1, 0.1])
    return {"users": USERS, "edge": edge(**more), "shop": shop}


def test_hedges_cut_the_tail_for_a_few_per_cent_more_requests() -> None:
    """The order and size of the effect in "The Tail at Scale", on a slow minority of servers."""
    plain = play(slow_minority())
    run = play(slow_minority(hedge={"after": 0.1, "budget": 1.0}))
    run.check()
    before, after = (np.quantile(latencies(found), 0.99) for found in (plain, run))
    assert after < 0.5 * before
    more = run.column("attempts").sum() / run.arrived - 1
    assert 0.05 < more < 0.2, "a quarter of all go to the slow one, of which a third take so long"
    assert (run.column("attempts") <= 2).all()


def test_at_the_95th_percentile_hedges_are_one_in_twenty() -> None:
    hedge = {"quantile": 0.95, "budget": 0.5}
    nodes = {
        "users": USERS,
        "edge": edge(hedge=hedge),
        "shop": server(count=4, service=EXPONENTIAL),
    }
    run = play(nodes, run={"duration": 200.0})
    asked, extra = run.arrived, run.column("attempts").sum() - run.arrived
    # 3.5 standard errors of a count of one in twenty.
    assert extra / asked == pytest.approx(0.05, abs=3.5 * (0.05 * 0.95 / asked) ** 0.5)


def test_times_add_up_whoever_wins_the_race() -> None:
    run = play(slow_minority(hedge={"after": 0.03, "budget": 1.0}, retry={"attempts": 2}))
    parts = sum(run.column(name) for name in ("wait", "service", "network", "cpu"))
    assert parts == pytest.approx(run.column("latency"))
    hedged = run.column("attempts") == 2
    assert (run.column("wait")[hedged] >= 0).all()
    won_late = hedged & (run.column("latency") > 0.03)
    assert run.column("wait")[won_late].max() >= 0.03, "until the winner set out it waited"


def test_a_client_that_leaves_takes_the_winner_s_body_with_it() -> None:
    """The answer that won its race is still coming when nobody wants it any more."""
    nodes = {
        "users": {"kind": "clients", "patience": 2.0},
        "edge": edge(hedge={"after": 0.5}),
        "shop": server(count=2),
    }
    links = [
        {"between": ["users", "edge"]},
        {"between": ["edge", "shop"], "bandwidth": 1000.0, "shared": True},
    ]
    script = [(0.0, "a", "/1", 10_000), (3.0, "b", "/2", 500)]
    run = play(nodes, script=script, links=links)
    run.check()
    assert outcomes(run) == ["timed_out", "ok"]
    assert latencies(run)[1] == pytest.approx(0.5), "it has the wire to itself"


def test_a_run_may_end_in_the_middle_of_a_race() -> None:
    run = play(
        {
            "users": {"kind": "clients"},
            "edge": edge(hedge={"after": 0.5}),
            "shop": server(count=2, service=50.0),
        },
        script=[(0.0, "a", "/1", 0)],
        run={"duration": 2.0, "drain": 10.0},
    )
    assert outcomes(run) == ["in_flight"]


def test_the_same_seed_says_the_same() -> None:
    found = slow_minority(hedge={}, retry={"attempts": 3, "on": ["5xx", "connect"], "backoff": {}})
    assert play(found).digests() == play(found).digests()
