"""Bodies on their way: last byte = max(own link finished, upstream's last byte) + latency."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.scene import edge, front, latencies, outcomes, play, server

A, B = 0.010, 0.020
SIZE = 1_000_000
ONE = [(0.0, "ann", "/1", SIZE)]


def wires(near: float | None, far: float | None, middle: str = "edge", end: str = "shop") -> Any:
    return [
        {"between": ["users", middle], "latency": A, "bandwidth": near},
        {"between": [middle, end], "latency": B, "bandwidth": far},
    ]


@pytest.mark.parametrize(
    ("near", "far", "transfer"),
    [(2e6, 1e6, 1.0), (1e6, 2e6, 1.0), (None, 4e6, 0.25), (4e6, None, 0.25), (1e6, 1e6, 1.0)],
)
def test_a_stream_is_as_fast_as_its_slowest_link(near: Any, far: Any, transfer: float) -> None:
    """The head takes its way; the body follows it, through a proxy as through a router."""
    expected = 4 * (A + B) + transfer
    proxied = play({"edge": edge(), "shop": server()}, script=ONE, links=wires(near, far))
    assert latencies(proxied) == pytest.approx([expected])
    routed = play(
        {"middle": {"kind": "router"}, "web": front()},
        script=ONE,
        links=wires(near, far, "middle", "web"),
    )
    assert latencies(routed) == pytest.approx([expected])


def test_the_first_byte_comes_before_the_last() -> None:
    run = play({"edge": edge(), "shop": server()}, script=ONE, links=wires(1e6, 1e6))
    assert run.column("first_byte")[0] == pytest.approx(4 * (A + B))
    assert run.column("end")[0] == pytest.approx(4 * (A + B) + 1.0)


@given(
    st.integers(1, 10**7),
    st.floats(1e3, 1e8),
    st.floats(1e3, 1e8),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_the_rule_for_one_body(size: int, near: float, far: float, a: float, b: float) -> None:
    links = [
        {"between": ["users", "edge"], "latency": a, "bandwidth": near},
        {"between": ["edge", "shop"], "latency": b, "bandwidth": far},
    ]
    run = play(
        {
            "users": {"kind": "clients", "arrivals": {"even": 0.005}},
            "edge": edge(),
            "shop": server(),
        },
        links=links,
        site={"size": size},
        run={"drain": 1e6},
    )
    sent = 3 * a + 3 * b  # when the head leaves the server
    upstream = sent + size / far + b
    expected = max(sent + b + size / near, upstream) + a
    assert latencies(run) == pytest.approx([expected])


def test_members_share_a_wire_only_where_it_is_shared() -> None:
    script = [(0.0, "ann", "/1", SIZE), (0.0, "bob", "/1", SIZE)]
    own = [{"between": ["users", "web"], "bandwidth": 1e6}]
    assert latencies(play({"web": front()}, script=script, links=own)) == pytest.approx([1, 1])
    shared = [{**own[0], "shared": True}]
    assert latencies(play({"web": front()}, script=script, links=shared)) == pytest.approx([2, 2])


def test_the_two_directions_do_not_share() -> None:
    """Up 1 s, then down 1 s, while another goes down only: its body meets the first one's never."""
    script = [(0.0, "ann", "/1", SIZE, "POST"), (0.0, "bob", "/1", SIZE)]
    links = [{"between": ["users", "web"], "bandwidth": 1e6, "shared": True}]
    run = play({"web": front()}, script=script, links=links, site={"upload": SIZE})
    assert latencies(run) == pytest.approx([2.0, 1.0])
    assert run.column("bytes_up").tolist() == [SIZE, 0]


def test_heads_have_a_length_where_costs_say_so() -> None:
    links = [{"between": ["users", "web"], "bandwidth": 1000.0}]
    costs = {"request_head": 500, "response_head": 250}
    run = play({"web": front()}, script=[(0.0, "ann", "/1", 250)], links=links, costs=costs)
    assert latencies(run) == pytest.approx([0.5 + 0.5])


def test_every_body_is_counted_on_every_link() -> None:
    script = [(float(at), "ann", f"/{at}", 1000 + at) for at in range(20)]
    run = play({"edge": edge(), "shop": server()}, script=script, links=wires(1e6, 1e6))
    sent = sum(1000 + at for at in range(20))
    assert outcomes(run) == ["ok"] * 20
    assert run.column("bytes_down").sum() == sent
    carried = run.nodes.groupby("node", observed=True)["bytes"].sum()
    assert carried["shop>edge"] == carried["edge>users"] == carried["shop"] == sent
    assert carried["users>edge"] == carried["edge>shop"] == 0


# Chance on the way.


def test_loss_costs_retransmission_timeouts() -> None:
    """p of 200 ms, p^2 of 400 ms more, ...: on average 0.2 p / (1 - 2 p) s a crossing."""
    loss = 0.1
    users = {"kind": "clients", "arrivals": {"even": 0.05}}
    run = play(
        {"users": users, "web": front()},
        links=[{"between": ["users", "web"], "latency": A, "loss": loss}],
        run={"duration": 400_000.0},
    )
    extra = np.array(latencies(run)[1:]) - 2 * A
    assert extra.mean() == pytest.approx(2 * 0.2 * loss / (1 - 2 * loss), rel=0.1)
    assert np.abs(extra / 0.2 - np.rint(extra / 0.2)).max() < 1e-6
    assert (extra < 1e-9).mean() == pytest.approx((1 - loss) ** 2, abs=0.01)


def test_a_lost_handshake_waits_a_second() -> None:
    script = [(10.0 * number, f"client{number}", "/1", 0) for number in range(400)]
    run = play(
        {"web": front()},
        script=script,
        links=[{"between": ["users", "web"], "latency": A, "loss": 0.2}],
        run={"duration": 5000.0},
    )
    extra = np.array(latencies(run)) - 4 * A
    assert (extra > 1 - 1e-9).mean() == pytest.approx(0.2, abs=0.07)
    assert (np.abs(extra * 5 - np.rint(extra * 5)) < 1e-6).all()


def test_jitter_is_exponential_and_never_early() -> None:
    users = {"kind": "clients", "arrivals": {"even": 100.0}}
    run = play(
        {"users": users, "web": front()},
        links=[{"between": ["users", "web"], "latency": A, "jitter": 0.004}],
        run={"duration": 100.0},
    )
    extra = np.array(latencies(run)) - 2 * A
    assert extra.min() >= 0
    assert np.median(extra) == pytest.approx(1.678 * 0.004, rel=0.05)  # Erlang-2
    assert extra.mean() == pytest.approx(2 * 0.004, rel=0.05)


def test_a_body_over_a_router_is_seen_on_both_wires() -> None:
    """1000 B at 1000 B/s, then a wire without limit: b is the second latency."""
    near, far = 0.5, 0.25
    run = play(
        {"middle": {"kind": "router"}, "web": front()},
        script=[(0.0, "ann", "/1", 1000)],
        links=[
            {"between": ["users", "middle"], "latency": near, "bandwidth": 1000.0},
            {"between": ["middle", "web"], "latency": far},
        ],
        hops="all",
    )
    hops = run.hops[run.hops["step"] == "transfer"].set_index("node")
    begin = 3 * (near + far)
    assert hops["start"].to_dict() == pytest.approx(
        {"web>middle": begin, "middle>users": begin + far}
    )
    end = begin + far + 1.0 + near
    assert hops["end"].to_dict() == pytest.approx({"web>middle": end - near, "middle>users": end})
