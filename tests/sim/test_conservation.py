"""Whatever a scenario says: nothing is lost, nothing negative, and the same seed says the same."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxysim.results.columns import Outcome
from proxysim.results.run import Run
from proxysim.scenario import Scenario
from proxysim.sim import simulate
from tests.sim.scene import SITE, tree

OTHER = "other.example"
BALANCERS = ["round_robin", "random", "least_connections", "power_of_two", "source_hash"]


@st.composite
def scenarios(draw: Any) -> dict[str, Any]:
    """Clients, perhaps a forward proxy, perhaps a reverse proxy, servers; and what goes wrong."""
    flag = st.booleans()

    def some(**fields: Any) -> dict[str, Any]:
        return {name: draw(found) for name, found in fields.items() if draw(flag)}

    time = st.sampled_from([0.0, 0.01, 0.1, 0.5])
    sites = {
        name: {
            "objects": draw(st.sampled_from([1, 5, 200])),
            "size": draw(st.sampled_from([0, 1000, {"lognormal": {"mean": 2e4, "sigma": 1.5}}])),
            "tls": draw(flag),
            "ttl": draw(st.sampled_from([0.0, 0.5, 100.0])),
            "cacheable": draw(st.sampled_from([0.0, 0.5, 1.0])),
            "methods": draw(
                st.sampled_from([{"GET": 1.0}, {"GET": 0.7, "POST": 0.2, "HEAD": 0.1}])
            ),
            "upload": 3000,
        }
        for name in (SITE, OTHER)
    }
    cache = st.fixed_dictionaries(
        {
            "capacity": st.sampled_from([2000, 10**5, 10**8]),
            "eviction": st.sampled_from(["lru", "fifo", "lfu", "sieve", "s3fifo"]),
            "collapse": flag,
            "stale_while_revalidate": st.sampled_from([0.0, 1.0]),
        }
    )
    deadlines = st.fixed_dictionaries(
        {},
        optional={
            "connect": st.just(0.2),
            "first_byte": st.sampled_from([0.05, 0.3]),
            "total": st.sampled_from([0.1, 0.5]),
        },
    )
    common = {
        "cores": st.sampled_from([1, 2]),
        "cache": cache,
        "deadlines": deadlines,
        "limits": st.sampled_from(
            [
                {"backend": {"in_flight": 1, "queue": 2, "timeout": 0.1}},
                {"proxy": {"in_flight": 2, "timeout": 0.2}, "backend": {"in_flight": 1}},
            ]
        ),
        "rate_limit": st.sampled_from([{"rate": 5.0, "burst": 3}, {"rate": 20.0, "by": "all"}]),
        "shedding": st.just({"in_flight": 3, "first": [OTHER], "reserve": 0.5}),
    }
    arrivals = st.sampled_from(
        [{"poisson": 30.0}, {"even": 50.0}, {"closed": {"think": {"exponential": 0.2}}}]
    )
    nodes: dict[str, Any] = {
        "users": {
            "kind": "clients",
            "count": draw(st.sampled_from([1, 7])),
            "arrivals": draw(arrivals),
            **some(
                patience=st.sampled_from([0.05, 0.4]),
                connections=st.sampled_from([1, 2]),
                keep_alive=st.sampled_from([0.0, 0.3]),
            ),
        },
        "shop": {
            "kind": "server",
            "count": draw(st.sampled_from([1, 3])),
            "workers": draw(st.sampled_from([1, 4])),
            "service": draw(st.sampled_from([0.0, {"exponential": 0.03}, 0.1])),
            **some(
                queue=st.sampled_from([0, 3]),
                on_disconnect=st.just("abort"),
                cores=st.just(1),
            ),
        },
    }
    links: list[dict[str, Any]] = []

    def wire(a: str, b: str) -> None:
        links.append(
            {
                "between": [a, b],
                "latency": draw(time),
                **some(
                    bandwidth=st.sampled_from([2e4, 1e6]),
                    loss=st.sampled_from([0.1, 0.5]),
                    jitter=st.just(0.02),
                    shared=flag,
                    slow_start=flag,
                ),
            }
        )

    here, members = "users", ["shop"]
    if draw(flag):
        nodes["users"]["through"] = "gateway"
        nodes["gateway"] = {
            "kind": "forward_proxy",
            **some(
                **common,
                dns=st.just({"lookup": 0.05, "ttl": 1.0}),
                filters=st.just([{"deny": {"domain": OTHER}}]),
                identity=st.sampled_from(["transparent", "anonymous", "elite"]),
            ),
        }
        wire("users", "gateway")
        here = "gateway"
        members.append("gateway")
    if draw(flag):
        modes = ["terminate", "passthrough", "reencrypt"]
        if not any(site["tls"] for site in sites.values()):
            modes.append("none")
        nodes["edge"] = {
            "kind": "reverse_proxy",
            "sites": [SITE, OTHER],
            "backends": "shop",
            "balancer": draw(st.sampled_from(BALANCERS)),
            "tls": draw(st.sampled_from(modes)),
            **some(
                **common,
                compression=st.just(["zstd", "gzip"]),
                health=st.just({"passive": {"failures": 1, "for": 0.5}}),
                retry=st.sampled_from(
                    [{"attempts": 3}, {"on": ["5xx", "connect"], "backoff": {"base": 0.01}}]
                ),
                hedge=st.sampled_from([{"after": 0.02, "budget": 1.0}, {}]),
                breaker=st.sampled_from([{"failures": 2, "open_for": 0.3}, {"ratio": 0.5}]),
            ),
        }
        wire(here, "edge")
        here = "edge"
        members.append("edge")
    else:
        nodes["shop"]["sites"] = [SITE, OTHER]
    wire(here, "shop")
    events: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.sampled_from([0.2, 0.5, 1.1]))
        lasts = draw(st.sampled_from([0.1, 0.6]))
        what = draw(st.sampled_from(["down_for", "silent_for", "slow", "fail", "flush", "link"]))
        node = draw(st.sampled_from(members))
        if what == "link":
            change = draw(st.sampled_from([{"extra_latency": 0.3}, {"loss": 0.5}]))
            events.append(
                {"at": at, "link": draw(st.sampled_from(links))["between"], "for": lasts, **change}
            )
        elif what == "slow":
            events.append({"at": at, "node": node, "slow": 5.0, "for": lasts})
        elif what == "fail":
            if node == "shop":
                events.append({"at": at, "node": node, "fail": 0.5, "for": lasts})
        elif what == "flush":
            if "cache" in nodes[node]:
                events.append({"at": at, "node": node, "flush": True})
        else:
            events.append({"at": at, "node": node, what: lasts})
    costs = draw(st.sampled_from([{}, "typical", {"tls_handshake": 0.02, "request": 0.003}]))
    return tree(
        nodes,
        sites=sites,
        links=links,
        events=events,
        costs=costs,
        run={"duration": 2.0, "drain": 20.0},
    )


def played(found: dict[str, Any], seed: int = 1) -> Run:
    return simulate(Scenario.checked(found, name="any"), seed=seed)


@settings(max_examples=250)
@given(scenarios())
def test_nothing_is_lost(found: dict[str, Any]) -> None:
    run = played(found)
    run.check()
    ids = run.column("id")
    assert len(np.unique(ids)) == len(ids) == run.arrived
    outcome = run.column("outcome")
    over = outcome != Outcome.IN_FLIGHT
    ended = outcome[over]
    latency = run.column("latency")[over]
    assert (latency >= 0).all()
    assert np.isfinite(latency).all()
    for name in ("wait", "service", "network", "cpu", "bytes_up", "bytes_down", "attempts"):
        assert (run.column(name) >= 0).all(), name
    parts = sum(run.column(name)[over] for name in ("wait", "service", "network", "cpu"))
    answered = run.column("status")[over] > 0
    assert np.abs(parts - latency)[answered].max(initial=0.0) < 1e-6
    ok = ended == Outcome.OK
    assert (run.column("status")[over][ok] < 500).all()
    patience = found["nodes"]["users"].get("patience")
    if patience is not None:
        assert (latency <= patience + 1e-9).all()
        assert over.all(), "those who give up are never left over"


@settings(max_examples=60)
@given(scenarios(), st.integers(1, 5))
def test_the_same_seed_says_the_same(found: dict[str, Any], seed: int) -> None:
    assert played(found, seed).digests() == played(found, seed).digests()


def shop(balancer: str) -> dict[str, Any]:
    return tree(
        {
            "users": {"kind": "clients", "count": 20, "arrivals": 100.0},
            "edge": {
                "kind": "reverse_proxy",
                "sites": [SITE],
                "backends": "shop",
                "balancer": balancer,
                "retry": {"attempts": 2},
            },
            "shop": {"kind": "server", "count": 4, "queue": 5, "service": {"exponential": 0.03}},
        },
        site={"objects": 100, "size": {"lognormal": {"mean": 1e4, "sigma": 1.0}}},
        links=[
            {"between": ["users", "edge"], "latency": 0.01, "loss": 0.01, "jitter": 0.002},
            {"between": ["edge", "shop"], "bandwidth": 1e6},
        ],
        events=[{"at": 3.0, "node": "shop-2", "down_for": 2.0}],
        run={"duration": 10.0},
    )


WISHES = ("id", "client", "site", "path", "method", "at")


@pytest.mark.parametrize("balancer", BALANCERS)
def test_a_balancer_changes_nothing_in_what_is_asked(balancer: str) -> None:
    one, other = played(shop("round_robin")), played(shop(balancer))
    for name in WISHES:
        assert one.requests[name].tolist() == other.requests[name].tolist(), name


def test_without_the_proxy_the_same_requests_are_made() -> None:
    scenario = Scenario.checked(shop("random"), name="shop")
    with_it, without = simulate(scenario, seed=3), simulate(scenario.without("edge"), seed=3)
    for run in (with_it, without):
        run.check()
    for name in WISHES:
        one, other = with_it.requests[name].tolist(), without.requests[name].tolist()
        assert one == other, name


def test_another_seed_says_something_else() -> None:
    assert played(shop("random"), 1).digest() != played(shop("random"), 2).digest()


def test_the_order_of_hashing_does_not_matter() -> None:
    """Two processes, two PYTHONHASHSEEDs, the same bytes in all four tables."""
    code = (
        "from proxysim.scenario import load; from proxysim.sim import simulate;"
        "s = load('website-reverse-proxy').set({'run.duration': '12s', 'run.warmup': '2s'});"
        "s = s.set('events', [{'at': 4, 'node': 'shop-2', 'down_for': 3}]);"
        "print(simulate(s, seed=5, hops=10).digests())"
    )
    found = set()
    for seed in ("0", "1", "42"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1
