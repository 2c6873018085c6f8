"""Versions of TLS and early data: round trips and processor time, worked out by hand."""

from itertools import pairwise
from typing import Any

import pytest

from tests.sim.scene import edge, front, latencies, outcomes, play, server

A, B, SERVICE = 0.010, 0.020, 0.005
FULL, RESUMED, CONNECTING = 0.004, 0.001, 0.002
TLS = {"tls_handshake": FULL, "tls_resumed": RESUMED, "tls_client": CONNECTING}
KEPT = 60.0
#: The first connection, the same again, and one after it has been closed.
THRICE = [(0.0, "ann", "/1", 0), (10.0, "ann", "/1", 0), (100.0, "ann", "/1", 0)]

#: The settings of who ends TLS, and the round trips of a full and of a later handshake.
VERSIONS = [
    ({}, 1, 1),
    ({"tls_version": "1.3"}, 1, 1),
    ({"tls_version": 1.2}, 2, 1),
    ({"early_data": True}, 1, 0),
]


def links(*names: str) -> list[dict[str, Any]]:
    waits = (A, B)
    return [
        {"between": list(pair), "latency": wait}
        for pair, wait in zip(pairwise(["users", *names]), waits, strict=False)
    ]


def run(nodes: dict[str, Any], names: list[str], script: Any = THRICE, **rest: Any) -> Any:
    rest.setdefault("costs", TLS)
    settings = {"site": {"tls": True}, "run": {"duration": 200.0}, **rest}
    return play(nodes, script=script, links=links(*names), **settings)


@pytest.mark.parametrize(("said", "full", "later"), VERSIONS)
def test_at_a_server(said: dict[str, Any], full: int, later: int) -> None:
    found = run({"web": front(service=SERVICE, **said)}, ["web"])
    trip = 2 * A
    assert latencies(found) == pytest.approx(
        [
            (2 + full) * trip + FULL + SERVICE,
            trip + SERVICE,
            (2 + later) * trip + RESUMED + SERVICE,
        ]
    )
    assert found.column("cpu").tolist() == pytest.approx([FULL, 0.0, RESUMED])
    assert found.column("encrypted").all()
    assert found.fact("web")["tls_cpu"] == pytest.approx(FULL + RESUMED)
    kind = "early" if "early_data" in said else "resumed"
    assert found.fact("web")["handshakes"] == {"full": 1, kind: 1}


def test_what_is_opened_before_the_first_answer_has_nothing_to_resume() -> None:
    """The server gives tickets behind the handshake: RFC 8446, section 4.6.1."""
    trip = 2 * A
    first = 3 * trip + FULL + SERVICE  # TCP, TLS and the request itself
    script = [(at, "ann", f"/{at}", 0) for at in (0.0, first - trip, first + 0.001, 100.0)]
    found = run({"web": front(service=SERVICE)}, ["web"], script=script)
    # The third takes the first connection, for it is idle; the last finds all of them closed.
    assert found.fact("web")["handshakes"] == {"full": 2, "resumed": 1}


@pytest.mark.parametrize(("said", "full", "later"), VERSIONS)
def test_through_a_tunnel(said: dict[str, Any], full: int, later: int) -> None:
    """TCP to the proxy; CONNECT and TCP beyond it; the handshake crosses both links."""
    nodes = {
        "users": {"kind": "clients", "through": "gateway"},
        "gateway": {"kind": "forward_proxy"},
        "web": front(service=SERVICE, **said),
    }
    found = run(nodes, ["gateway", "web"])
    trip = 2 * (A + B)
    opened = 2 * A + trip
    assert latencies(found) == pytest.approx(
        [
            opened + (1 + full) * trip + FULL + SERVICE,
            trip + SERVICE,
            opened + (1 + later) * trip + RESUMED + SERVICE,
        ]
    )


@pytest.mark.parametrize(("said", "full", "later"), VERSIONS)
def test_passed_through_a_reverse_proxy_by_its_servers(
    said: dict[str, Any], full: int, later: int
) -> None:
    nodes = {"edge": edge(tls="passthrough"), "shop": server(service=SERVICE, **said)}
    found = run(nodes, ["edge", "shop"])
    trip = 2 * (A + B)
    assert latencies(found) == pytest.approx(
        [
            (2 + full) * trip + FULL + SERVICE,
            trip + SERVICE,
            (2 + later) * trip + RESUMED + SERVICE,
        ]
    )


@pytest.mark.parametrize(("outer", "full", "later"), VERSIONS)
@pytest.mark.parametrize(("inner", "inner_full", "inner_later"), VERSIONS)
def test_each_side_of_a_proxy_by_whom_it_ends_at(
    outer: dict[str, Any],
    full: int,
    later: int,
    inner: dict[str, Any],
    inner_full: int,
    inner_later: int,
) -> None:
    nodes = {"edge": edge(tls="reencrypt", **outer), "shop": server(service=SERVICE, **inner)}
    found = run(nodes, ["edge", "shop"])
    first = (2 + full) * 2 * A + (2 + inner_full) * 2 * B + 2 * FULL + CONNECTING
    last = (2 + later) * 2 * A + (2 + inner_later) * 2 * B + 3 * RESUMED
    assert latencies(found) == pytest.approx(
        [first + SERVICE, 2 * (A + B) + SERVICE, last + SERVICE]
    )
    assert found.column("cpu").tolist() == pytest.approx([2 * FULL + CONNECTING, 0.0, 3 * RESUMED])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_what_is_unsafe_waits_for_the_handshake(method: str) -> None:
    script = [(0.0, "ann", "/1", 0), (100.0, "ann", "/1", 0, method)]
    found = run({"web": front(service=SERVICE, early_data=True)}, ["web"], script)
    assert latencies(found)[1] == pytest.approx(3 * 2 * A + RESUMED + SERVICE)


def test_the_hello_queues_for_a_core_like_any_other() -> None:
    script = [(0.0, name, "/1", 0) for name in ("ann", "bob")]
    script += [(100.0, name, "/1", 0) for name in ("ann", "bob")]
    found = run({"web": front(cores=1, early_data=True)}, ["web"], script)
    assert latencies(found)[2:] == pytest.approx([4 * A + RESUMED, 4 * A + 2 * RESUMED])
    assert found.column("wait").tolist()[2:] == pytest.approx([0.0, RESUMED])


def test_early_data_is_lost_with_the_server() -> None:
    """It goes down while the hello is on its way, and again while it shakes hands."""
    script = [*THRICE[:1], (100.0, "ann", "/1", 0), (170.0, "ann", "/1", 0)]
    events = [
        {"at": 100.0 + 2.5 * A, "node": "web", "down_for": 1.0},
        {"at": 170.0 + 3 * A + RESUMED / 2, "node": "web", "down_for": 1.0},
    ]
    found = run({"web": front(early_data=True)}, ["web"], script, events=events)
    assert outcomes(found) == ["ok", "failed", "failed"]
    assert latencies(found)[1:] == pytest.approx([4 * A, 4 * A + RESUMED], abs=1e-9)


def test_early_data_is_as_hidden_as_the_rest() -> None:
    found = run({"edge": edge(early_data=True), "shop": server()}, ["edge", "shop"])
    views = found.views.set_index("observer")
    assert not views.loc["users>edge", "url"].any()
    assert views.loc["edge", "url"].all()


def test_the_spans_of_early_data_begin_where_it_arrives() -> None:
    found = run({"web": front(early_data=True)}, ["web"], hops="all")
    hops = found.hops
    shaken = hops[(hops["step"] == "tls") & (hops["request"] == 2)]
    assert len(shaken) == 1
    assert shaken["start"].item() == pytest.approx(100.0 + 3 * A)
    assert shaken["end"].item() == pytest.approx(100.0 + 3 * A + RESUMED)


SIZE, SENT, IN, OUT = 1_000_000, 500_000, 2e-9, 1e-9


@pytest.mark.parametrize(
    ("nodes", "seconds"),
    [
        ({"web": front()}, {"web": IN * SENT + OUT * SIZE}),
        (
            {"edge": edge(), "shop": server()},
            {"edge": IN * SENT + OUT * SIZE, "shop": 0.0},
        ),
        (
            {"edge": edge(tls="passthrough"), "shop": server()},
            {"edge": 0.0, "shop": IN * SENT + OUT * SIZE},
        ),
        (
            {"edge": edge(tls="reencrypt"), "shop": server()},
            {"edge": IN * (SENT + SIZE) + OUT * SIZE, "shop": IN * SENT + OUT * SIZE},
        ),
    ],
)
def test_what_is_received_is_deciphered_where_tls_ends(
    nodes: dict[str, Any], seconds: dict[str, float]
) -> None:
    found = play(
        nodes,
        script=[(0.0, "ann", "/1.jpg", SIZE, "POST")],
        site={"tls": True, "upload": SENT},
        costs={"encrypt": OUT, "decrypt": IN},
    )
    spent = {name: found.fact(name)["tls_cpu"] for name in nodes}
    assert spent == pytest.approx(seconds)
    assert found.column("cpu").tolist() == pytest.approx([sum(seconds.values())])
    assert latencies(found) == pytest.approx([sum(seconds.values())])
