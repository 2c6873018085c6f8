"""TLS in live runs: who shakes hands in full and who resumes, at both ends of each connection."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

import proxysim as ps
from proxysim.results.decisions import disagreements
from proxysim.scenario import Scenario, from_dict

pytest.importorskip("httptools")
pytestmark = pytest.mark.live


def bank(*, version: str = "1.3", **edge: Any) -> Scenario:
    """Customers of a bank, at its edge and through a gateway; all it has restarts now and then."""
    return from_dict(
        {
            "proxysim": 1,
            "title": "bank",
            "run": {"duration": 1.5, "seed": 4, "drain": "20s"},
            "sites": {"bank.example": {"tls": True, "objects": 5}},
            "nodes": {
                "customers": {
                    "kind": "clients",
                    "count": 4,
                    "arrivals": {"poisson": "12/s"},
                },
                "office": {
                    "kind": "clients",
                    "count": 2,
                    "arrivals": {"poisson": "8/s"},
                    "through": "gateway",
                },
                "gateway": {"kind": "forward_proxy"},
                "edge": {
                    "kind": "reverse_proxy",
                    "sites": ["bank.example"],
                    "backends": "bank",
                    **({} if edge.get("tls") == "passthrough" else {"tls_version": version}),
                    **edge,
                },
                "bank": {
                    "kind": "server",
                    "count": 2,
                    "service": "1ms",
                    "tls_version": version,
                },
            },
            "links": [
                {"between": ["customers", "edge"], "latency": "1ms"},
                {"between": ["office", "gateway"]},
                {"between": ["gateway", "edge"]},
                {"between": ["edge", "bank"]},
            ],
            "events": [
                {"at": at, "node": node, "down_for": "1ms"}
                for at in (0.5, 1.0)
                for node in ("edge", "bank")
            ],
        }
    )


def handshakes(run: Any) -> dict[str, dict[str, int]]:
    """By node, of those who were asked over TLS."""
    return {name: fact["handshakes"] for name, fact in run.facts.items() if fact.get("handshakes")}


def steps(run: Any) -> Counter[tuple[int, str, str]]:
    """Whose connection was opened, and to whom."""
    hops = run.hops[run.hops["step"].isin(["connect", "tls"])]
    return Counter(zip(hops["request"], hops["node"].astype(str), hops["step"], strict=True))


@pytest.mark.parametrize(
    ("settings", "ending"),
    [
        pytest.param({"tls": "terminate"}, {"edge"}, marks=pytest.mark.slow),
        ({"tls": "reencrypt", "version": "1.2"}, {"edge", "bank-1", "bank-2"}),
        ({"tls": "passthrough"}, {"bank-1", "bank-2"}),
    ],
)
def test_the_same_connections_are_opened_and_resumed_as_simulated(settings, ending):
    scenario = bank(**settings)
    live = ps.live(scenario, sequential=True, hops="all")
    simulated = ps.simulate(scenario, sequential=True, hops="all")
    assert disagreements(live, simulated) == []
    assert handshakes(live) == handshakes(simulated)
    assert set(handshakes(live)) == ending
    for counts in handshakes(live).values():
        assert counts["resumed"] > 0
    # Six customers come to the edge or to its servers, whoever of these answers first.
    first = sum(handshakes(live)[name]["full"] for name in ending if name != "edge") or 6
    assert first == (2 if settings["tls"] == "reencrypt" else 6)
    assert steps(live) == steps(simulated)
    assert {step for _, _, step in steps(live)} == {"connect", "tls"}
