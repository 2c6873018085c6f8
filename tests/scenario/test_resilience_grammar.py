"""What may be said of retries, hedges and the rest; what cannot be is refused with its mend."""

from __future__ import annotations

import pytest

from proxysim.scenario import Scenario
from proxysim.scenario.build_proxies import proxy_of
from proxysim.scenario.mistakes import DocumentError
from tests.sim.scene import SITE, edge, server, tree

USERS = {"kind": "clients", "arrivals": 1.0}


def scenario(**options: object) -> Scenario:
    nodes = {"users": USERS, "edge": edge(**options), "shop": server()}
    return Scenario.checked(tree(nodes), name="scene")


IMPOSSIBLE = [
    ({"retry": {"attempts": 0}}, "retry.attempts", "0"),
    ({"retry": {"budget": "120%"}}, "retry.budget", "120%"),
    ({"retry": {"on": []}}, "retry.on", ""),
    ({"retry": {"on": ["conect"]}}, "retry.on.0", "connect, reset, timeout, 5xx"),
    ({"retry": {"on": [404]}}, "retry.on.0", "429, or from 500 to 599"),
    ({"retry": {"backoff": {"base": 0}}}, "retry.backoff", "Give a time above zero"),
    ({"retry": {"backoff": {"base": "1s", "max": "20ms"}}}, "retry.backoff", "at least base"),
    ({"hedge": {"after": "1s", "quantile": "95%"}}, "hedge", "both after and quantile"),
    ({"hedge": {"quantile": 1}}, "hedge", "between 0 and 1"),
    ({"hedge": {"quantile": 0.0}}, "hedge", "between 0 and 1"),
    ({"hedge": {"budget": 0}}, "hedge", "take hedge away"),
    ({"deadlines": {"total": 0}}, "deadlines.total", "more than zero"),
    ({"breaker": {"failures": 3, "ratio": 0.5}}, "breaker", "both failures and ratio"),
    ({"breaker": {"failures": 0}}, "breaker.failures", "0"),
    ({"breaker": {"ratio": 0}}, "breaker.ratio", "more than zero"),
    ({"breaker": {"window": "5s"}}, "breaker", "window without ratio"),
    ({"breaker": {"open_for": 0}}, "breaker.open_for", "more than zero"),
    ({"limits": {"backend": {"in_flight": 0}}}, "limits.backend.in_flight", "0"),
    ({"limits": {"backend": {"queue": 3}}}, "limits.backend.in_flight", "missing"),
    ({"limits": {"proxy": {"in_flight": 3, "queue": -1}}}, "limits.proxy.queue", "-1"),
    ({"limits": {"proxy": {"in_flight": 3, "timeout": 0}}}, "limits.proxy.timeout", "zero"),
    ({"rate_limit": {"rate": 0}}, "rate_limit.rate", "more than zero"),
    ({"rate_limit": {"rate": "5/s", "burst": 0}}, "rate_limit.burst", "0"),
    ({"rate_limit": {"rate": "5/s", "by": "site"}}, "rate_limit.by", "client"),
    ({"shedding": {}}, "shedding", "neither in_flight nor queue_delay"),
    ({"shedding": {"in_flight": 9, "reserve": 0.1}}, "shedding", "go together"),
    ({"shedding": {"in_flight": 9, "first": [SITE]}}, "shedding", "go together"),
    (
        {"shedding": {"in_flight": 9, "first": ["x.example"], "reserve": 0.1}},
        "shedding.first.0",
        "no site is called 'x.example'",
    ),
    ({"shedding": {"queue_delay": {}}}, "", "there is no queue"),
    (
        {"shedding": {"queue_delay": {"target": "1s"}}, "limits": {"proxy": {"in_flight": 1}}},
        "shedding.queue_delay",
        "interval no shorter",
    ),
]


@pytest.mark.parametrize(("options", "path", "says"), IMPOSSIBLE)
def test_what_cannot_be_is_refused_by_its_place(options, path, says):
    with pytest.raises(DocumentError) as caught:
        scenario(**options)
    (line,) = str(caught.value).splitlines()
    assert f"nodes.edge{'.' if path else ''}{path}: " in line
    assert says in line


@pytest.mark.parametrize(
    "options",
    [
        {"retry": {"on": ["connect", 503, "5xx"], "backoff": {}}},
        {"retry": {"budget": "100%", "backoff": {"base": "10ms", "max": "10ms"}}},
        {"hedge": {}},
        {"hedge": {"after": "0ms"}},
        {"hedge": {"quantile": "99%", "budget": "5%"}},
        {"deadlines": {"total": "2s"}},
        {"breaker": {}},
        {"breaker": {"ratio": "50%", "window": "10s", "least": 20, "trials": 3}},
        {"limits": {"backend": {"in_flight": 8, "queue": 0}, "proxy": {"in_flight": 100}}},
        {"rate_limit": {"rate": "10/s", "burst": 20, "by": "all"}},
        {"shedding": {"in_flight": 100, "first": [SITE], "reserve": "20%"}},
        {"shedding": {"queue_delay": {}}, "limits": {"proxy": {"in_flight": 10}}},
    ],
)
def test_what_can_be_is_built(options):
    assert proxy_of(scenario(**options), "edge", lambda: 0.0).name == "edge"


def test_5xx_means_every_status_of_an_answer_that_failed():
    retry = scenario(retry={"on": ["5xx", 429]}).document.nodes["edge"].retry
    assert retry.reasons == {429, *range(500, 600)}


def test_who_is_put_first_is_served():
    sites = {SITE: {}, "other.example": {}}
    first = {"in_flight": 9, "first": ["other.example"], "reserve": 0.1}
    nodes = {"users": USERS, "edge": edge(shedding=first), "shop": server(sites=["other.example"])}
    with pytest.raises(
        DocumentError, match=f"edge does not serve other.example. It serves: {SITE}"
    ):
        Scenario.checked(tree(nodes, sites=sites), name="scene")
