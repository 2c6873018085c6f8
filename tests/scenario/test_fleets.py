"""Settings of health that could not do what they say are refused, with a mend."""

from __future__ import annotations

from typing import Any

import pytest

from proxysim.errors import ScenarioError
from proxysim.scenario import Scenario
from tests.sim.scene import edge, server, tree


def load(count: int = 4, **more: Any) -> Scenario:
    nodes = {
        "users": {"kind": "clients", "arrivals": {"even": 1.0}},
        "edge": edge(**more),
        "shop": server(count=count),
    }
    return Scenario.checked(tree(nodes, site={"tls": True}), name="scene")


RATE = {"requests": 10}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"tls": "passthrough", "health": {"active": {}}}, "cannot ask over HTTP"),
        ({"health": {"active": {"interval": "0s"}}}, "Give at least 1ms"),
        ({"health": {"active": {"timeout": 0}}}, "Give at least 1ms"),
        ({"health": {"active": {"path": "health"}}}, "a path that begins with /"),
        ({"health": {"active": {"expect": []}}}, "expect"),
        ({"health": {"active": {"expect": ["300-200"]}}}, "a range such as 200-399"),
        ({"health": {"active": {"expect": [99]}}}, "a status such as 200"),
        ({"health": {"active": {"rise": 0}}}, "rise"),
        ({"health": {"active": {"first": "maybe"}}}, "fully_down"),
        ({"count": 2000, "health": {"active": {"interval": "1ms"}}}, "Probe less often"),
        ({"health": {"outliers": {"success_rate": RATE}}}, "or set it to 4 and factor below 1.73"),
        (
            {"count": 1, "health": {"outliers": {"success_rate": RATE}}},
            r"there are 1\. Have more backends\.$",
        ),
        ({"health": {"outliers": {"success_rate": {"backends": 2}}}}, "Give a factor below 1.73"),
        ({"health": {"outliers": {"at_most": "110%"}}}, "at_most"),
        ({"health": {"panic": 2}}, "panic"),
        ({"health": {"slow_start": "0s"}}, "above zero"),
        ({"health": {"passive": {"for": "0s"}}}, "above zero"),
        ({"health": {"outliers": {"for": 0}}}, "above zero"),
        ({"health": {"outliers": {"success_rate": {"interval": 0}}}}, "above zero"),
        ({"health": {"slow_start": "10s"}}, "looks at no weights"),
        (
            {"balancer": {"sticky": {"within": "random"}}, "health": {"slow_start": "10s"}},
            "looks at no weights",
        ),
    ],
)
def test_what_cannot_be_is_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ScenarioError, match=says) as refused:
        load(**more)
    assert "health" in str(refused.value)


@pytest.mark.parametrize(
    "more",
    [
        {"health": {"active": {"expect": [200, "204-206"], "path": "/up?full=1"}}},
        {"count": 5, "health": {"outliers": {"success_rate": RATE}}},
        {"health": {"outliers": {"success_rate": {"backends": 4, "factor": 1.5}}}},
        {"balancer": {"sticky": {"within": "least_connections"}}, "health": {"slow_start": 10}},
        {"health": {"active": {}, "passive": {}, "outliers": {}, "panic": "50%"}},
    ],
)
def test_what_can_be_is_taken(more: dict[str, Any]) -> None:
    assert load(**more)


def test_statuses_are_read_as_they_are_meant() -> None:
    found = load(health={"active": {"expect": [200, "204-206"]}})
    assert found.document.nodes["edge"].health.active.statuses == {200, 204, 205, 206}
