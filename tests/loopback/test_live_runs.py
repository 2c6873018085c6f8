"""Scenarios on real sockets: requests, decisions and sights are those that are simulated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import proxysim as ps
from proxysim.errors import ResultError
from proxysim.results.decisions import disagreements
from proxysim.scenario import Scenario, from_dict
from tests.loopback.stage import both_proxies, one_queue

pytest.importorskip("httptools")
pytestmark = pytest.mark.live

#: What one request looks like whatever the machine does.
WANTED = ["client", "site", "path", "method", "bytes_up", "encrypted"]


def sights(run):
    return run.views.astype(str).sort_values(list(run.views.columns)).to_numpy().tolist()


@pytest.fixture(scope="module")
def sequential():
    scenario = both_proxies()
    return (
        ps.simulate(scenario, sequential=True),
        ps.live(scenario, sequential=True, hops="all", explain=True),
    )


def test_sequential_runs_decide_the_same(sequential):
    simulated, live = sequential
    assert disagreements(live, simulated) == []
    found = live.requests
    # The scene is worth it: each of these has happened.
    assert {"ok", "blocked", "failed"} <= set(found["outcome"])
    assert {"hit", "miss", "none"} <= set(found["cache"])
    assert {"gzip", "identity"} <= set(found["coding"])
    assert found["attempts"].max() > 1
    assert found["encrypted"].any()
    assert (found["bytes_up"] > 0).any()


def test_sequential_runs_see_the_same(sequential):
    simulated, live = sequential
    assert sights(live) == sights(simulated)
    assert len(live.views) > 20


def test_requests_are_the_same(sequential):
    simulated, live = sequential
    assert np.array_equal(simulated.column("id"), live.column("id"))
    np.testing.assert_allclose(simulated.column("at"), live.column("at"), atol=1e-9)
    for name in WANTED:
        assert list(simulated.requests[name]) == list(live.requests[name]), name


def test_demands_are_the_same_for_the_same_attempts(sequential):
    simulated, live = sequential
    np.testing.assert_allclose(simulated.column("service"), live.column("service"), atol=1e-9)


def test_the_parts_of_a_latency_add_up(sequential):
    _, live = sequential
    assert live.unexplained() < 1e-9


def test_every_process_adds_to_the_spans(sequential):
    _, live = sequential
    steps = set(live.hops["step"])
    assert {"connect", "tls", "request", "response", "service", "cpu"} <= steps
    assert {"gateway", "edge", "web", "edge>shop-1", "gateway>edge"} <= set(live.hops["node"])
    assert (live.hops["end"] >= live.hops["start"]).all()
    assert {choice["node"] for choice in live.choices} == {"edge"}


def test_what_the_rules_matched_is_told(sequential):
    simulated, live = sequential
    assert live.facts["gateway"]["rules"] == simulated.facts["gateway"]["rules"]


def test_decisions_of_different_requests_cannot_be_compared(sequential):
    _, live = sequential
    with pytest.raises(ResultError, match="different requests"):
        disagreements(live, ps.simulate(both_proxies(), seed=99, sequential=True))


def test_disagreements_are_found(sequential):
    simulated, _ = sequential
    other = both_proxies(**{"nodes.gateway.cache": None})
    found = disagreements(ps.simulate(other, sequential=True), simulated)
    assert {row.column for row in found} >= {"cache", "attempts"}


def test_a_queue_is_served_as_simulated():
    """Nothing is asserted of how late this machine is, but that it is not early, nor absurd."""
    scenario = one_queue()
    shares = []
    live = ps.live(scenario, progress=shares.append)
    simulated = ps.simulate(scenario)
    assert np.array_equal(live.column("id"), simulated.column("id"))
    assert set(live.requests["outcome"]) == {"ok"}
    np.testing.assert_allclose(live.column("service"), simulated.column("service"), atol=1e-9)
    assert live.column("latency").min() > 0
    assert live.unexplained() < 1e-9
    # No queue can be shorter for long than that of requests which come when they should.
    assert live.column("latency").sum() > 0.5 * simulated.column("latency").sum()
    assert sights(live) == sights(simulated)
    assert shares
    assert shares == sorted(shares)
    # The wires are ideal, and cost nothing: what crossed them is counted all the same.
    down = live.nodes[live.nodes["node"] == "server>users"]
    assert down["bytes"].sum() == live.column("bytes_down").sum()
    told = live.extra["live"]
    assert told["lateness_p99"] >= 0
    assert set(told["cpu"]) == {"servers", "clients"}
    assert live.manifest["world"] == "live"


def test_slow_start_holds_back_what_it_does_when_simulated():
    """A first answer of 30 kB takes a round trip more than the window holds; later ones do not."""
    tree = one_queue(**{"run.duration": 0.5, "sites.app.example.size": "30kB"}).to_dict()
    tree["nodes"]["users"]["count"] = 4
    tree["links"] = [{"between": ["users", "server"], "latency": "20ms", "slow_start": True}]
    live, simulated = (run(from_dict(tree), sequential=True) for run in (ps.live, ps.simulate))
    took = [run.column("end") - run.column("first_byte") for run in (live, simulated)]
    held = took[1] > 0.03
    assert 0 < held.sum() <= 4 < len(held)
    assert took[0][held].min() >= 0.04 - 1e-3
    assert np.median(took[0][~held]) < took[0][held].min()


def two_in_turn(changes: dict[str, Any], **edge: Any) -> Scenario:
    """The one queue made two, which a proxy asks in turn."""
    tree = one_queue(**changes).to_dict()
    tree["nodes"]["server"] |= {"count": 2, "sites": []}
    tree["nodes"]["edge"] = {
        "kind": "reverse_proxy",
        "sites": ["app.example"],
        "backends": "server",
        "balancer": "round_robin",
        **edge,
    }
    return from_dict(tree)


def test_a_request_and_its_hedge_take_what_they_do_when_simulated():
    """Whoever of both wins: that hangs on time, but what each has to do does not."""
    changes = {"run.duration": 0.5, "nodes.server.service.exponential": "30ms"}
    scenario = two_in_turn(changes, hedge={"after": 0, "budget": "100%"})
    took = []
    for run in (ps.live, ps.simulate):
        hops = run(scenario, sequential=True, hops="all").hops
        spans = hops[hops["step"] == "service"].astype({"node": str})
        took.append({(row.request, row.node): row.end - row.start for row in spans.itertuples()})
    both = took[0].keys() & took[1].keys()
    requests = [request for request, _ in both]
    assert len(both) > len(set(requests)) > 10  # some were served twice
    for key in both:
        assert took[0][key] == pytest.approx(took[1][key], abs=1e-9)


def test_what_is_not_answered_before_the_end_is_in_flight():
    run = {"run.duration": 0.3, "run.drain": 0.1}
    live = ps.live(one_queue(**run, **{"nodes.server.service": "3s"}))
    assert live.arrived > 3
    assert set(live.requests["outcome"]) == {"in_flight"}
    assert len(live.requests) == live.arrived


def test_what_a_silent_server_holds_is_in_flight_as_when_simulated():
    silent = {"at": 0.0, "node": "server-1", "silent_for": 60.0}
    scenario = two_in_turn({"run.duration": 0.2, "run.drain": 0.2}).set("events", [silent])
    live, simulated = (run(scenario, sequential=True) for run in (ps.live, ps.simulate))
    assert set(live.requests["outcome"]) == {"ok", "in_flight"}
    assert disagreements(live, simulated) == []


def test_without_addresses_of_their_own_nodes_have_ports(monkeypatch):
    monkeypatch.setattr("proxysim.loopback.running._own_addresses", lambda: False)
    scenario = both_proxies(**{"run.duration": 1.0, "events": []})
    live = ps.live(scenario, sequential=True)
    assert "127.0.0.1" in live.extra["live"]["addresses"]
    simulated = ps.simulate(scenario, sequential=True)
    assert disagreements(live, simulated) == []
