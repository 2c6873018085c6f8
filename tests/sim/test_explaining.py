"""Why this server: every choice explained, and none changed by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proxysim.errors import ResultError
from proxysim.policies.balancers import BALANCERS
from proxysim.results.run import Run
from proxysim.sim import simulate
from tests.sim.scene import edge, play, scenario_of, server

SPECS: dict[str, Any] = {"maglev": {"maglev": {"size": 1009}}}


def shop(balancer: str, explain: bool, **more: Any) -> Run:
    scenario = scenario_of(
        {
            "users": {"kind": "clients", "count": 40, "arrivals": {"poisson": 40.0}},
            "edge": edge(
                balancer=SPECS.get(balancer, balancer),
                health={"passive": {"failures": 1, "for": 1.0}},
                retry={"attempts": 2},
                **more,
            ),
            "shop": server(count=4, service={"exponential": 0.05}, weight=[1.0, 2.0, 1.0, 0.0]),
        },
        site={"objects": 50, "tls": more.get("tls") == "passthrough"},
        events=[{"at": 2.0, "node": "shop-1", "down_for": 3.0}],
        run={"duration": 8.0},
    )
    return simulate(scenario, hops="all", explain=explain)


@pytest.mark.parametrize("balancer", sorted(BALANCERS))
def test_to_explain_changes_nothing(balancer: str) -> None:
    explained, plain = shop(balancer, True), shop(balancer, False)
    assert explained.digests() == plain.digests()
    assert not plain.choices
    assert json.loads(json.dumps(explained.choices)) == explained.choices


@pytest.mark.parametrize("balancer", ["round_robin", "least_connections", "ring", "sticky"])
def test_every_attempt_has_its_choice_and_its_reason(balancer: str) -> None:
    run = shop(balancer, True)
    attempts = dict(zip(run.column("id").tolist(), run.column("attempts").tolist(), strict=True))
    backends = dict(
        zip(run.column("id").tolist(), run.requests["backend"].astype(str), strict=True)
    )
    assert len(run.choices) == sum(attempts.values())
    for request, count in attempts.items():
        told = run.why(request)
        assert len(told) == count
        assert told[-1]["backend"] == backends[request]
        for choice in told:
            assert choice["node"] == "edge"
            assert choice["backend"] in choice["why"]["candidates"]
    assert [choice["at"] for choice in run.choices] == sorted(c["at"] for c in run.choices)


def test_who_is_away_is_told_with_the_reason() -> None:
    run = shop("least_connections", True)
    away = [choice["why"]["away"] for choice in run.choices if "away" in choice["why"]]
    assert {"shop-1": "ejected"} in away
    assert all(2.0 <= choice["at"] < 7.0 for choice in run.choices if "away" in choice["why"])


def test_connections_that_are_relayed_are_explained_too() -> None:
    run = shop("least_connections", True, tls="passthrough")
    assert 0 < len(run.choices) < len(run.requests)
    assert {choice["node"] for choice in run.choices} == {"edge"}
    assert {choice["request"] for choice in run.choices} <= set(run.column("id").tolist())


def test_only_requests_whose_spans_are_kept_are_explained() -> None:
    scenario = scenario_of(
        {
            "users": {"kind": "clients", "arrivals": {"even": 10.0}},
            "edge": edge(),
            "shop": server(count=2),
        },
        run={"duration": 10.0},
    )
    run = simulate(scenario, hops=10, explain=True)
    assert [choice["request"] for choice in run.choices] == list(range(0, len(run.requests), 10))
    with pytest.raises(ResultError, match="explain=True"):
        run.why(1)
    with pytest.raises(ResultError, match="hops='all'"):
        simulate(scenario, explain=True)


def test_the_reasons_are_in_the_files(tmp_path: Path) -> None:
    run = shop("least_connections", True)
    assert tmp_path / "choices.jsonl" in run.to_csv(tmp_path)
    lines = (tmp_path / "choices.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == run.choices
    trace = json.loads(run.to_trace(tmp_path / "trace.json").read_text())
    told = [event for event in trace["traceEvents"] if event.get("cat") == "choice"]
    assert len(told) == len(run.choices)
    assert told[0]["args"]["request"] == run.choices[0]["request"]
    assert "candidates" in told[0]["args"]


def test_hedges_and_waits_in_line_are_explained_and_not_moved() -> None:
    more: dict[str, Any] = {"hedge": {"after": 0.05}, "limits": {"backend": {"in_flight": 3}}}
    explained = shop("least_connections", True, **more)
    plain = shop("least_connections", False, **more)
    assert explained.digests() == plain.digests()
    attempts = dict(
        zip(plain.column("id").tolist(), plain.column("attempts").tolist(), strict=True)
    )
    assert max(attempts.values()) > 1
    twice = next(request for request, count in attempts.items() if count > 1)
    assert len(explained.why(twice)) >= 2


def test_nothing_is_told_where_nobody_chooses() -> None:
    run = play({"web": server(sites=["app.example"])}, script=[(0.0, "ann", "/1", 0)], hops="all")
    assert run.choices == []
