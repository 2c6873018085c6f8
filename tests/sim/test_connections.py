"""What connections cost, worked out by hand: a is the first link one way, b the second."""

from tempfile import TemporaryDirectory
from typing import Any

import pytest

from proxysim.results.knowledge import observers
from proxysim.sim import simulate
from proxysim.sim.clock import Clock
from proxysim.sim.deadlines import Deadlines
from tests.sim.scene import SITE, edge, front, latencies, play, scenario, server, world

A, B, SERVICE = 0.010, 0.020, 0.005
TWICE = [(0.0, "ann", "/1", 0), (10.0, "ann", "/1", 0)]
FULL, RESUMED, CONNECTING = 0.004, 0.001, 0.002
TLS = {"tls_handshake": FULL, "tls_resumed": RESUMED, "tls_client": CONNECTING}


def links(middle: str, end: str) -> list[dict[str, Any]]:
    return [
        {"between": ["users", middle], "latency": A},
        {"between": [middle, end], "latency": B},
    ]


ROUTED = {"middle": {"kind": "router"}, "web": front(service=SERVICE)}
GATEWAY: dict[str, Any] = {
    "users": {"kind": "clients", "through": "gateway"},
    "gateway": {"kind": "forward_proxy"},
    "web": front(service=SERVICE),
}


def test_a_plain_request_pays_for_tcp_once() -> None:
    run = play(ROUTED, script=TWICE, links=links("middle", "web"))
    assert latencies(run) == pytest.approx([4 * (A + B) + SERVICE, 2 * (A + B) + SERVICE])


def test_tls_takes_one_round_trip_more_and_the_servers_processor() -> None:
    script = [*TWICE, (100.0, "ann", "/1", 0)]  # by then the connection is closed: resumed
    run = play(
        ROUTED,
        script=script,
        links=links("middle", "web"),
        site={"tls": True},
        costs=TLS,
        run={"duration": 200.0},
    )
    trip = 2 * (A + B)
    assert latencies(run) == pytest.approx(
        [3 * trip + FULL + SERVICE, trip + SERVICE, 3 * trip + RESUMED + SERVICE]
    )
    assert run.column("cpu").tolist() == pytest.approx([FULL, 0.0, RESUMED])


def test_a_connection_is_kept_as_long_as_it_says() -> None:
    nodes = {"users": {"kind": "clients", "keep_alive": 5.0}, **ROUTED}
    script = [(at, "ann", "/1", 0) for at in (0.0, 4.0, 8.0, 20.0)]
    found = latencies(play(nodes, script=script, links=links("middle", "web")))
    new, kept = 4 * (A + B) + SERVICE, 2 * (A + B) + SERVICE
    assert found == pytest.approx([new, kept, kept, new])


def test_members_have_connections_of_their_own() -> None:
    script = [(0.0, "ann", "/1", 0), (10.0, "bob", "/1", 0)]
    run = play(ROUTED, script=script, links=links("middle", "web"))
    assert latencies(run) == pytest.approx([4 * (A + B) + SERVICE] * 2)


def test_a_forward_proxy_connects_for_its_clients() -> None:
    run = play(GATEWAY, script=TWICE, links=links("gateway", "web"))
    assert latencies(run) == pytest.approx([4 * (A + B) + SERVICE, 2 * (A + B) + SERVICE])


def test_the_proxys_connection_serves_all_clients() -> None:
    script = [(0.0, "ann", "/1", 0), (10.0, "bob", "/1", 0)]
    run = play(GATEWAY, script=script, links=links("gateway", "web"))
    assert latencies(run)[1] == pytest.approx(4 * A + 2 * B + SERVICE)


def test_a_tunnel() -> None:
    """TCP to the proxy; CONNECT, and TCP from there; then TLS and the request cross both links."""
    run = play(GATEWAY, script=TWICE, links=links("gateway", "web"), site={"tls": True}, costs=TLS)
    first = 2 * A + (2 * A + 2 * B) + (2 * (A + B) + FULL) + 2 * (A + B) + SERVICE
    assert latencies(run) == pytest.approx([first, 2 * (A + B) + SERVICE])


def test_a_chain_of_forward_proxies_asks_along_the_chain() -> None:
    """CONNECT goes on to the parent, which connects: c is the third link."""
    third = 0.005
    nodes = {
        "users": {"kind": "clients", "through": "office"},
        "office": {"kind": "forward_proxy", "through": "isp"},
        "isp": {"kind": "forward_proxy"},
        "web": front(service=SERVICE),
    }
    wires = [
        {"between": ["users", "office"], "latency": A},
        {"between": ["office", "isp"], "latency": B},
        {"between": ["isp", "web"], "latency": third},
    ]
    run = play(nodes, script=TWICE, links=wires, site={"tls": True})
    through = 2 * (A + B + third)
    first = 2 * A + (2 * A + 2 * B + 2 * B + 2 * third) + through + through + SERVICE
    assert latencies(run) == pytest.approx([first, through + SERVICE])


@pytest.mark.parametrize(
    ("mode", "first", "cpu"),
    [
        ("terminate", 6 * A + 4 * B + FULL, FULL),
        ("passthrough", 6 * A + 6 * B + FULL, FULL),
        ("reencrypt", 6 * A + 6 * B + 2 * FULL + CONNECTING, 2 * FULL + CONNECTING),
    ],
)
def test_where_a_reverse_proxy_ends_tls(mode: str, first: float, cpu: float) -> None:
    nodes = {"edge": edge(tls=mode), "shop": server(service=SERVICE)}
    run = play(nodes, script=TWICE, links=links("edge", "shop"), site={"tls": True}, costs=TLS)
    assert latencies(run) == pytest.approx([first + SERVICE, 2 * (A + B) + SERVICE])
    assert run.column("cpu").tolist() == pytest.approx([cpu, 0.0])
    assert run.column("encrypted").all()


def test_names_are_looked_up_once_as_long_as_they_hold() -> None:
    nodes = {**GATEWAY, "gateway": {"kind": "forward_proxy", "dns": {"lookup": 0.1, "ttl": 30.0}}}
    script = [(at, "ann", "/1", 0) for at in (0.0, 10.0, 45.0)]
    found = latencies(play(nodes, script=script, links=links("gateway", "web")))
    kept = 2 * (A + B) + SERVICE
    assert found == pytest.approx([0.1 + 2 * (A + B) + kept, kept, 0.1 + kept])


def test_the_resolver_sees_who_asks_it() -> None:
    """Through the proxy it is the proxy, once for all; without it, each member by itself."""
    dns = {"dns": {"lookup": 0.1, "ttl": 30.0}}
    nodes = {**GATEWAY, "gateway": {"kind": "forward_proxy", **dns}}
    script = [(0.0, "ann", "/1", 0), (10.0, "bob", "/1", 0), (11.0, "bob", "/1", 0)]
    with TemporaryDirectory() as directory:
        through = scenario(nodes, script, directory, {"links": links("gateway", "web")})
        runs = [simulate(found) for found in (through, through.without("gateway"))]
    trip = 2 * (A + B)
    assert latencies(runs[0])[0] == pytest.approx(0.1 + 2 * trip + SERVICE)
    assert latencies(runs[1]) == pytest.approx(
        [0.1 + 2 * trip + SERVICE, 0.1 + 2 * trip + SERVICE, trip + SERVICE]
    )
    seen = [run.views[run.views["observer"] == "DNS resolver"] for run in runs]
    assert seen[0]["peer"].tolist() == ["gateway"]
    assert seen[0]["requests"].tolist() == [1]
    assert seen[1]["peer"].tolist() == ["users-1", "users-2"]
    for views in seen:
        assert views["host"].all()
        assert not views["url"].any()
    told = [{found.name: found.shares for found in observers(run)} for run in runs]
    assert [found["DNS resolver"] for found in told] == [(0, 1, 0, 0), (1, 1, 0, 0)]


def test_who_gives_up_while_a_name_is_looked_up_opens_nothing() -> None:
    users = {"kind": "clients", "patience": 0.05, "dns": {"lookup": 0.1}}
    found = world({"users": users, "web": front()}, script=[(0.0, "ann", "/1", 0)])
    run = found.run()
    assert run.requests["outcome"].tolist() == ["timed_out"]
    assert run.fact("web").get("kind") == "server"
    assert found.nodes["web"].received == 0


def test_connections_to_one_host_are_bounded() -> None:
    """Two at a time, 1 s each: five requests take 1, 1, 2, 2 and 3 s."""
    nodes = {"users": {"kind": "clients", "connections": 2}, "web": front(service=1.0)}
    run = play(nodes, script=[(0.0, "ann", "/1", 0)] * 5)
    assert sorted(latencies(run)) == pytest.approx([1, 1, 2, 2, 3])
    assert run.column("wait").sum() == pytest.approx(0 + 0 + 1 + 1 + 2)


def test_an_answer_longer_than_the_window_waits_for_acknowledgements() -> None:
    """Slow start: 10 segments of 1460 B, then 20, then 40; a warm connection goes on from there."""
    size = 14_600 + 29_200 + 1
    wires = [{"between": ["users", "web"], "latency": A, "slow_start": True}]
    script = [(0.0, "ann", "/1", size), (10.0, "ann", "/1", size)]
    run = play({"web": front()}, script=script, links=wires)
    assert latencies(run) == pytest.approx([4 * A + 2 * 2 * A, 2 * A])


@pytest.mark.parametrize("patience", [None, 500.0])
def test_deadlines_that_were_met_do_not_prolong_a_run(patience: float | None) -> None:
    found = world(
        {"users": {"kind": "clients", "patience": patience}, "web": front(service=0.5)},
        script=[(0.0, "ann", "/1", 0)],
        run={"duration": 10.0},
    )
    found.run()
    assert found.env.now == pytest.approx(10.0)


def test_deadlines_fall_due_in_time_and_only_where_they_are_not_met() -> None:
    clock = Clock()
    late: list[tuple[str, float]] = []
    deadlines = Deadlines(clock)
    for name, seconds in (("long", 3.0), ("short", 1.0), ("met", 1.0), ("other", 2.0)):
        deadline = deadlines.set(seconds, lambda name=name: late.append((name, clock.now)))
        if name == "met":
            deadline.meet()
    clock.turn_until(10.0)
    assert late == [("short", 1.0), ("other", 2.0), ("long", 3.0)]


def test_handshakes_queue_for_cores() -> None:
    """Three clients at once, one core: the handshakes take turns."""
    run = play(
        {"edge": edge(cores=1), "shop": server()},
        script=[(0.0, name, "/1", 0) for name in ("ann", "bob", "cem")],
        site={"tls": True},
        costs={"tls_handshake": 0.1},
    )
    assert sorted(latencies(run)) == pytest.approx([0.1, 0.2, 0.3])
    assert run.column("cpu").tolist() == pytest.approx([0.1] * 3)
    assert sorted(run.column("wait").tolist()) == pytest.approx([0.0, 0.1, 0.2])


def test_a_forward_proxy_that_serves_no_tunnels_says_so() -> None:
    nodes = {**GATEWAY, "gateway": {"kind": "forward_proxy", "tunnels": False}}
    run = play(nodes, script=TWICE, site={"tls": True}, links=links("gateway", "web"))
    assert run.requests["outcome"].tolist() == ["blocked"] * 2
    assert run.names("site")[run.column("site")[0]] == SITE
    assert latencies(run) == pytest.approx([4 * A] * 2)


@pytest.mark.parametrize(
    ("outer", "inner", "opaque"),
    [
        ("terminate", "none", {"users>outer"}),
        ("reencrypt", "terminate", {"users>outer", "outer>inner"}),
        ("reencrypt", "passthrough", {"users>outer", "outer>inner", "inner", "inner>shop"}),
        ("passthrough", "terminate", {"users>outer", "outer", "outer>inner"}),
        (
            "passthrough",
            "passthrough",
            {"users>outer", "outer", "outer>inner", "inner", "inner>shop"},
        ),
    ],
)
def test_tls_ends_where_the_proxies_say(outer: str, inner: str, opaque: set[str]) -> None:
    """Two tiers: who cannot read the page, parties and wires, follows from their modes."""
    run = play(
        {
            "outer": {**edge(tls=outer), "backends": "inner"},
            "inner": {**edge(tls=inner), "backends": "shop"},
            "shop": server(),
        },
        script=[(0.0, "ann", "/1", 0)],
        site={"tls": True},
    )
    views = run.views
    hidden = set(views.loc[~views["url"], "observer"])
    assert hidden == opaque
    assert set(views.loc[views["observer"] == "shop", "url"]) == {True}
