"""What goes wrong, and who notices: faults, impatience, deadlines, retries, health."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from proxysim.errors import ScenarioError
from proxysim.results.columns import Outcome
from tests.sim.scene import edge, front, latencies, outcomes, play, server, statuses, world

L = 0.010
WIRE = [{"between": ["users", "web"], "latency": L}]
WIRES = [
    {"between": ["users", "edge"], "latency": L},
    {"between": ["edge", "shop"], "latency": L},
]


def one(at: float = 0.0) -> list[tuple[Any, ...]]:
    return [(at, "ann", "/1", 0)]


# Servers.


def test_a_full_queue_turns_away() -> None:
    """One worker, room for two more: of five at once three are served, one after another."""
    nodes = {"web": front(workers=1, queue=2, service=1.0)}
    run = play(nodes, script=one() * 5)
    assert statuses(run) == [200, 200, 200, 503, 503]
    assert outcomes(run) == ["ok"] * 3 + ["rejected"] * 2
    assert latencies(run) == pytest.approx([1, 2, 3, 0, 0])
    assert run.column("wait").tolist() == pytest.approx([0, 1, 2, 0, 0])


def test_speed_divides_the_demand() -> None:
    nodes = {"edge": edge(), "shop": server(count=2, speed=[1.0, 4.0], service=1.0)}
    assert latencies(play(nodes, script=one() * 2)) == pytest.approx([1.0, 0.25])


@pytest.mark.parametrize(("manners", "second"), [("finish", 1.5), ("abort", 1.0)])
def test_work_that_nobody_waits_for(manners: str, second: float) -> None:
    """The first leaves after 0.5 s; the second, at 0.5 s too, has its work before it, or not."""
    nodes = {
        "users": {"kind": "clients", "patience": 0.5},
        "patient": {"kind": "clients", "arrivals": {"even": 0.02}},
        "web": front(workers=1, service=1.0, on_disconnect=manners),
    }
    links = [
        {"between": ["users", "web"]},
        {
            "between": ["patient", "web"],
            "latency": 0.5 / 3,
        },  # three crossings: it is there at 0.5 s
    ]
    run = play(nodes, script=one(), links=links, run={"duration": 40.0})
    rows = run.requests.set_index("outcome")
    assert rows.loc["timed_out", "latency"] == pytest.approx(0.5)
    assert rows.loc["ok", "latency"] == pytest.approx(0.5 + second + 0.5 / 3)


def test_down_means_refused_after_one_round_trip() -> None:
    run = play(
        {"web": front()},
        script=[(0.0, "bob", "/1", 0), (5.0, "ann", "/1", 0), (20.0, "ann", "/1", 0)],
        links=WIRE,
        events=[{"at": 4.0, "node": "web", "down_for": 10.0}],
    )
    assert outcomes(run) == ["ok", "failed", "ok"]
    assert latencies(run) == pytest.approx([4 * L, 2 * L, 4 * L])
    assert statuses(run)[1] == 0


def test_going_down_resets_what_is_under_way() -> None:
    """Heard of one crossing later; what is still on its way finds the connection gone."""
    run = play(
        {"web": front(workers=1, service=10.0)},
        script=one() * 2,
        links=WIRE,
        events=[{"at": 4.0, "node": "web", "down_for": 10.0}],
    )
    assert outcomes(run) == ["failed"] * 2
    assert latencies(run) == pytest.approx([4.0 + L] * 2)


def test_kept_connections_do_not_survive_a_fall() -> None:
    run = play(
        {"web": front()},
        script=[(0.0, "ann", "/1", 0), (20.0, "ann", "/1", 0)],
        links=WIRE,
        events=[{"at": 4.0, "node": "web", "down_for": 10.0}],
    )
    assert latencies(run) == pytest.approx([4 * L, 4 * L])


def test_silence_lasts_until_it_ends() -> None:
    run = play(
        {"web": front(service=1.0)},
        script=[(0.0, "ann", "/1", 0), (5.0, "ann", "/1", 0)],
        events=[{"at": 0.5, "node": "web", "silent_for": 10.0}],
    )
    assert outcomes(run) == ["ok", "ok"]
    assert latencies(run) == pytest.approx([10.5, 10.5 + 1.0 - 5.0])


def test_silence_outlasts_patience() -> None:
    run = play(
        {"users": {"kind": "clients", "patience": 2.0}, "web": front(service=1.0)},
        script=one(),
        events=[{"at": 0.5, "node": "web", "silent_for": 10.0}],
    )
    assert outcomes(run) == ["timed_out"]
    assert latencies(run) == pytest.approx([2.0])


def test_who_leaves_a_silent_server_leaves_it_once() -> None:
    """Done, not answered, and given up at 3 s: afterwards there is one worker, as before."""
    run = play(
        {
            "users": {"kind": "clients", "patience": 3.0},
            "web": front(workers=1, service=1.0, on_disconnect="abort"),
        },
        script=[(float(at), "ann", "/1", 0) for at in (0, 20, 20)],
        events=[{"at": 0.5, "node": "web", "silent_for": 10.0}],
    )
    assert outcomes(run) == ["timed_out", "ok", "ok"]
    assert latencies(run) == pytest.approx([3.0, 1.0, 2.0])
    assert run.nodes.query("node == 'web'")["utilisation"].between(0, 1).all()


def test_slow_is_slow_for_a_while() -> None:
    run = play(
        {"web": front(service=1.0)},
        script=[(float(at), "ann", "/1", 0) for at in (0, 10, 20)],
        events=[{"at": 5.0, "node": "web", "slow": 3.0, "for": 10.0}],
    )
    assert latencies(run) == pytest.approx([1.0, 3.0, 1.0])


def test_trouble_on_a_link_comes_and_goes() -> None:
    run = play(
        {"web": front()},
        script=[(float(at), "ann", "/1", 1000) for at in (0, 10, 20)],
        links=[{**WIRE[0], "bandwidth": 1000.0}],
        events=[
            {"at": 5.0, "link": ["users", "web"], "extra_latency": 0.5, "for": 10.0},
            {"at": 18.0, "link": ["users", "web"], "bandwidth": 500.0, "for": 10.0},
        ],
    )
    assert latencies(run) == pytest.approx([4 * L + 1, 2 * (L + 0.5) + 1, 2 * L + 2])


def test_failing_is_answered_at_once_whatever_the_queue() -> None:
    """The only worker has ten seconds of work, and none of it is lost."""
    run = play(
        {"web": front(workers=1, service=10.0)},
        script=[(float(at), "ann", "/1", 0) for at in (0, 6, 20)],
        links=WIRE,
        events=[{"at": 5.0, "node": "web", "fail": 1.0, "for": 10.0}],
    )
    assert statuses(run) == [200, 500, 200]
    assert outcomes(run) == ["ok", "failed", "ok"]
    # The second opens a connection, as the first is still in use; the third finds one.
    assert latencies(run) == pytest.approx([10 + 4 * L, 4 * L, 10 + 2 * L])


def test_a_share_fails_and_another_attempt_is_another_chance() -> None:
    """2000 requests at 30 %: a standard error is 1 %. Asked twice, 9 % fail; the largest counts."""
    events = [
        {"at": 0.0, "node": "shop", "fail": share, "for": 1000.0} for share in (0.3, 0.1, 0.2)
    ]
    once, again = (
        play(
            {
                "users": {"kind": "clients", "arrivals": {"even": 20}},
                "edge": edge(**more),
                "shop": server(service=0.01),
            },
            events=events,
        )
        for more in ({}, {"retry": {"attempts": 2, "on": ["5xx"], "budget": 1.0}})
    )
    failed = once.column("status") == 500
    assert failed.mean() == pytest.approx(0.3, abs=0.035)
    assert (again.column("status") == 500).mean() == pytest.approx(0.09, abs=0.022)
    assert np.array_equal(again.column("attempts") == 2, failed)  # the same meet it first


@pytest.mark.parametrize("what", ["extra_latency", "slow"])
def test_two_troubles_at_once_end_each_for_itself(what: str) -> None:
    """From 5 to 15 s and from 10 to 20 s: afterwards all is as before."""
    if what == "slow":
        nodes, events = {"web": front(service=1.0)}, {"node": "web", "slow": 2.0}
    else:
        nodes, events = {"web": front()}, {"link": ["users", "web"], "extra_latency": 0.5}
    run = play(
        nodes,
        script=[(float(at), "ann", "/1", 0) for at in (0, 3, 17, 30)],
        links=WIRE,
        events=[{"at": 5.0, "for": 10.0, **events}, {"at": 10.0, "for": 10.0, **events}],
    )
    _, normal, troubled, after = latencies(run)
    assert after == pytest.approx(normal)
    assert troubled == pytest.approx(normal + 1.0)


def test_all_is_lost_for_ever_on_a_dead_link_but_the_run_ends() -> None:
    run = play(
        {"users": {"kind": "clients", "patience": 5.0}, "web": front()},
        script=[(0.0, "ann", "/1", 0), (10.0, "ann", "/1", 0)],
        links=WIRE,
        events=[{"at": 5.0, "link": ["users", "web"], "loss": 1.0, "for": 10.0}],
    )
    assert outcomes(run) == ["ok", "timed_out"]


# Deadlines, retries, health.


def test_no_first_byte_in_time_is_504() -> None:
    nodes = {"edge": edge(deadlines={"first_byte": 0.5}), "shop": server(service=5.0)}
    run = play(nodes, script=one(), links=WIRES)
    assert (statuses(run), outcomes(run)) == ([504], ["timed_out"])
    assert latencies(run) == pytest.approx([2 * L + L + 2 * L + 0.5 + L])


def test_a_refused_connection_is_502() -> None:
    run = play(
        {"edge": edge(), "shop": server()},
        script=[(0.0, "ann", "/1", 0), (2.0, "ann", "/1", 0)],
        links=WIRES,
        events=[{"at": 1.0, "node": "shop", "down_for": 10.0}],
    )
    assert (statuses(run), outcomes(run)) == ([200, 502], ["ok", "failed"])
    assert latencies(run)[1] == pytest.approx(L + 2 * L + L)


def test_a_retry_goes_to_another_backend() -> None:
    """shop-1 is down: the round robin's first choice fails, the second answers."""
    run = play(
        {"edge": edge(retry={"attempts": 2}), "shop": server(count=2, service=1.0)},
        script=[(5.0 * number, "ann", "/1", 0) for number in range(1 + 8)],
        events=[{"at": 1.0, "node": "shop-1", "down_for": 1000.0}],
        run={"duration": 50.0},
    )
    assert outcomes(run) == ["ok"] * 9
    assert set(run.column("attempts")[1:].tolist()) == {1, 2}
    backends = run.requests["backend"].astype(str).tolist()
    assert set(backends[1:]) == {"shop-2"}


def test_what_must_not_be_done_twice_is_not_retried() -> None:
    """A reset POST may have had its effect; one that was refused cannot have."""
    base = {"edge": edge(retry={"attempts": 2}), "shop": server(count=2, service=10.0)}
    event = [{"at": 4.0, "node": "shop-1", "down_for": 2.0}]
    for method, outcome in (("GET", "ok"), ("POST", "failed"), ("PUT", "ok")):
        run = play(base, script=[(0.0, "ann", "/1", 0, method)], events=event)
        assert outcomes(run) == [outcome], method


def test_a_backend_that_keeps_failing_is_left_out() -> None:
    """Down from 1 s on; one failure puts it aside for 20 s, and one more trial does so again."""
    nodes = {
        "edge": edge(health={"passive": {"failures": 1, "for": 20.0}}),
        "shop": server(count=2),
    }
    run = play(
        nodes,
        script=[(float(at), "ann", "/1", 0) for at in range(60)],
        events=[{"at": 0.5, "node": "shop-1", "down_for": 1000.0}],
        run={"duration": 60.0},
    )
    failed = run.column("at")[run.column("outcome") == Outcome.FAILED].tolist()
    assert len(failed) == 3
    assert all(20 <= later - earlier <= 22 for earlier, later in pairwise(failed))


@pytest.mark.parametrize("patience", [1.0, 0.035])
def test_a_client_that_leaves_frees_the_proxy(patience: float) -> None:
    """Whether it leaves while the proxy waits for the answer or still connects."""
    found = world(
        {
            "users": {"kind": "clients", "patience": patience},
            "edge": edge(),
            "shop": server(service=10.0),
        },
        script=one(),
        links=WIRES,
        run={"duration": 2.0},
    )
    run = found.run()
    assert outcomes(run) == ["timed_out"]
    assert latencies(run) == pytest.approx([patience])
    proxy = found.nodes["edge"]
    assert proxy.proxy.in_flight() == 0
    assert not proxy.inside


def test_a_client_that_leaves_a_tunnel_half_open_frees_the_proxy() -> None:
    found = world(
        {
            "users": {"kind": "clients", "patience": 0.05, "through": "gateway"},
            "gateway": {"kind": "forward_proxy"},
            "web": front(),
        },
        script=one(),
        links=[
            {"between": ["users", "gateway"], "latency": L},
            {"between": ["gateway", "web"], "latency": 10 * L},
        ],
        site={"tls": True},
        run={"duration": 5.0},
    )
    run = found.run()
    assert outcomes(run) == ["timed_out"]
    proxy = found.nodes["gateway"]
    assert proxy.proxy.in_flight() == 0
    assert not proxy.inside


def test_a_waiting_client_that_gives_up_keeps_nobody_else_waiting() -> None:
    """One connection; the second in the queue is gone when the first is lost, the third is next."""
    nodes = {
        "users": {"kind": "clients", "connections": 1, "patience": 3.0},
        "web": front(service=2.0),
    }
    script = [(0.0, "ann", "/1", 0), (0.5, "ann", "/1", 0), (3.0, "ann", "/1", 0)]
    run = play(
        nodes,
        script=script,
        events=[{"at": 0.1, "node": "web", "silent_for": 3.6}],
    )
    # 1 gives up at 3.0 and closes its connection; 2 is dialled, and gives up at 3.5; then 3.
    assert outcomes(run) == ["timed_out", "timed_out", "ok"]
    assert latencies(run)[2] < 3.0


def test_a_proxy_that_goes_down_takes_its_tunnels_along() -> None:
    run = play(
        {
            "users": {"kind": "clients", "through": "gateway"},
            "gateway": {"kind": "forward_proxy"},
            "web": front(service=5.0),
        },
        script=one(),
        site={"tls": True},
        events=[{"at": 2.0, "node": "gateway", "down_for": 1.0}],
    )
    assert outcomes(run) == ["failed"]
    assert latencies(run) == pytest.approx([2.0])


def test_a_proxy_that_goes_down_resets_what_it_handles() -> None:
    run = play(
        {"edge": edge(), "shop": server(service=5.0)},
        script=[(0.0, "ann", "/1", 0), (10.0, "ann", "/1", 0)],
        links=WIRES,
        events=[{"at": 2.0, "node": "edge", "down_for": 1.0}],
    )
    assert outcomes(run) == ["failed", "ok"]
    assert latencies(run)[0] == pytest.approx(2.0 + L)


def test_a_server_that_goes_down_breaks_off_what_it_sends() -> None:
    """The body takes 10 s; the server dies after 2."""
    run = play(
        {"web": front()},
        script=[(0.0, "ann", "/1", 1000)],
        links=[{"between": ["users", "web"], "bandwidth": 100.0}],
        events=[{"at": 2.0, "node": "web", "down_for": 1.0}],
    )
    assert outcomes(run) == ["failed"]
    assert latencies(run) == pytest.approx([2.0])


def test_a_transfer_that_nobody_waits_for_frees_the_wire() -> None:
    """Ann leaves at 1 s of 10; the other's body, alone from then on, takes 1.5 s."""
    nodes = {
        "users": {"kind": "clients", "patience": 1.0},
        "others": {"kind": "clients", "arrivals": {"even": 0.01}},
        "hub": {"kind": "router"},
        "web": front(),
    }
    run = play(
        nodes,
        script=[(0.0, "ann", "/big", 10_000)],
        links=[
            {"between": ["users", "hub"]},
            {"between": ["others", "hub"]},
            {"between": ["hub", "web"], "bandwidth": 1000.0, "shared": True},
        ],
        site={"size": 1000},
        run={"duration": 50.0},
    )
    rows = run.requests.set_index("outcome")
    assert rows.loc["timed_out", "latency"] == pytest.approx(1.0)
    assert rows.loc["ok", "latency"] == pytest.approx(1.5)


def test_what_slow_cores_take_is_processor_time() -> None:
    run = play(
        {"edge": edge(), "shop": server()},
        script=[(0.0, "ann", "/1", 0), (5.0, "ann", "/1", 0)],
        events=[{"at": 2.0, "node": "edge", "slow": 3.0, "for": 50.0}],
        costs={"request": 1.0},
    )
    assert latencies(run) == pytest.approx([1.0, 3.0])
    assert run.column("cpu").tolist() == pytest.approx([1.0, 3.0])
    assert run.column("network").tolist() == pytest.approx([0.0, 0.0])


def test_a_silent_server_does_not_shake_hands() -> None:
    """Its kernel takes the connection; TLS is for the program to answer, and that is silent."""
    run = play(
        {"web": front()},
        script=[(0.0, "bob", "/1", 0), (5.0, "ann", "/1", 0)],
        links=WIRE,
        site={"tls": True},
        events=[{"at": 1.0, "node": "web", "silent_for": 10.0}],
    )
    # Held until 11 s: ServerHello then, one crossing back, and the request's round trip.
    assert latencies(run)[1] == pytest.approx(6.0 + L + 2 * L)


def test_hops_cover_a_request_from_end_to_end() -> None:
    """With every span kept: they begin with the connection and end with the last byte."""
    run = play(
        {"edge": edge(tls="terminate"), "shop": server(service=1.0)},
        script=one(),
        links=WIRES,
        site={"tls": True},
        hops="all",
    )
    hops = run.hops
    assert hops["start"].min() == pytest.approx(0.0)
    assert hops["end"].max() == pytest.approx(latencies(run)[0])
    reached = 0.0
    for start, end in sorted(zip(hops["start"], hops["end"], strict=True)):
        assert start <= reached + 1e-9, "no time goes by that no span tells of"
        reached = max(reached, end)


def test_a_clock_that_stands_still_is_a_mistake() -> None:
    """Users who do not think, asking for what takes no time, would ask for ever at once."""
    nodes = {
        "users": {"kind": "clients", "arrivals": {"closed": {"think": 0.0}}},
        "web": front(),
    }
    with pytest.raises(ScenarioError, match="the clock stands still"):
        play(nodes, script=None)
