"""Sequential runs: no decision depends on how long anything takes."""

from __future__ import annotations

import numpy as np
import pytest

import proxysim as ps
from proxysim.results.decisions import disagreements
from proxysim.scenario.build_workload import workload_of
from proxysim.workload.sequence import in_sequence

SHORT = {"run.duration": "3s", "run.warmup": "0s"}


def scenario(name, **changes):
    return ps.load(name).set({**SHORT, **changes})


@pytest.mark.parametrize("balancer", ["round_robin", "least_connections", "p2c", "peak_ewma"])
def test_how_long_things_take_decides_nothing(balancer):
    changes = {"nodes.edge.balancer": balancer, "events": []}
    one = scenario("website-reverse-proxy", **changes)
    slow = {"nodes.shop.service": {"exponential": "200ms"}, "links.0.latency": "3ms"}
    other = one.set(slow)
    runs = [ps.simulate(found, sequential=True) for found in (one, other)]
    assert len(runs[0].table("requests")) > 500
    assert disagreements(*runs) == []
    assert {"hit", "miss", "bypass"} <= set(runs[0].requests["cache"])
    assert runs[0].column("latency").sum() < runs[1].column("latency").sum()


def test_requests_do_not_overlap_and_times_are_those_at_which_they_were_due():
    found = scenario("office-forward-proxy")
    run = ps.simulate(found, sequential=True)
    due = {turn.draw.id: turn.at for turn in in_sequence(workload_of(found).groups, 3.0)}
    ats = run.column("at")
    np.testing.assert_allclose(ats, [due[number] for number in run.column("id")], atol=1e-9)
    assert (run.column("wait") == 0).all()  # who is alone waits for nobody
    assert run.extra["sequential"] is True
    assert run.summary().requests["arrived"] == len(ats)
    assert run.summary().hit_ratio["gateway"] is not None


def test_events_happen_between_requests():
    events = [{"at": "1s", "node": "shop", "down_for": "1s"}]
    run = ps.simulate(scenario("website-reverse-proxy", events=events), sequential=True)
    ats, failed = run.column("at"), run.requests["outcome"] == "failed"
    assert failed[(ats > 1) & (ats < 2)].any()
    assert not failed[(ats < 1) | (ats >= 2)].any()


def test_a_request_that_nobody_answers_is_left():
    events = [{"at": "1s", "node": "server", "silent_for": "100ms"}]
    run = ps.simulate(scenario("one-server", events=events), sequential=True)
    left = run.requests["outcome"] == "in_flight"
    ats = run.column("at")
    assert left[(ats > 1) & (ats < 1.1)].all()
    assert not left[(ats < 1) | (ats >= 1.1)].any()


def test_members_of_closed_loops_think_and_are_answered_at_once():
    loop = {"nodes.users.arrivals": {"closed": {"think": {"exponential": "500ms"}}}}
    found = scenario("one-server", **loop).set("nodes.users.count", 7)
    turns = list(in_sequence(workload_of(found).groups, 3.0))
    assert [turn.at for turn in turns] == sorted(turn.at for turn in turns)
    group = workload_of(found).groups[0]
    for member in range(7):
        clock, ats = 0.0, []
        for pause, _ in group.think(member):
            clock += pause
            if clock >= 3.0:
                break
            ats.append(clock)
        assert [turn.at for turn in turns if turn.draw.member == member] == ats
