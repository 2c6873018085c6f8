"""Caches in the simulated world: who fetches, who waits, who is served what is stale."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from proxysim.scenario import Scenario
from proxysim.sim import simulate
from proxysim.sim.world import World
from tests.sim.scene import SITE, edge, latencies, play, server, tree, world

L = 0.010
WIRES = [
    {"between": ["users", "edge"], "latency": L},
    {"between": ["edge", "shop"], "latency": L},
]
MORE = {"capacity": "1MB"}


def site(**cache: Any) -> dict[str, Any]:
    return {"edge": edge(cache={**MORE, **cache}), "shop": server(service=1.0)}


def states(run: Any) -> list[str]:
    return [str(found) for found in run.requests["cache"]]


def received(found: World) -> int:
    return int(found.nodes["shop"].received)


def at(*times: float, size: int = 1000) -> list[tuple[Any, ...]]:
    return [(time, f"client{number}", "/1", size) for number, time in enumerate(times)]


def test_the_second_is_served_from_the_store() -> None:
    run = play(site(), script=at(0.0, 10.0), links=WIRES)
    assert states(run) == ["miss", "hit"]
    assert latencies(run) == pytest.approx([8 * L + 1, 4 * L])
    assert run.requests["served_by"].astype(str).tolist() == ["shop", "edge"]
    assert run.summary().hit_ratio == {"edge": 0.5}


@pytest.mark.parametrize(("collapse", "fetches"), [(False, 10), (True, 1)])
def test_concurrent_misses_share_one_fetch(collapse: bool, fetches: int) -> None:
    found = world(site(collapse=collapse), script=at(*[0.1 * n for n in range(10)]), links=WIRES)
    run = found.run()
    assert received(found) == fetches
    if collapse:
        assert states(run) == ["miss"] + ["coalesced"] * 9
        # All are answered when the one fetch is.
        assert run.column("end").tolist() == pytest.approx([8 * L + 1] * 10)
        assert run.column("wait")[5] == pytest.approx(1 + 4 * L + 3 * L - (0.5 + 3 * L))


def test_a_fetch_that_is_shared_survives_whoever_began_it() -> None:
    nodes = {**site(collapse=True), "users": {"kind": "clients", "patience": 0.8}}
    found = world(nodes, script=at(0.0, 0.5), links=WIRES)
    run = found.run()
    assert run.requests["outcome"].tolist() == ["timed_out", "ok"]
    assert received(found) == 1


def test_a_fetch_that_nobody_waits_for_is_given_up() -> None:
    nodes = {**site(collapse=True), "users": {"kind": "clients", "patience": 0.5}}
    found = world(nodes, script=at(0.0, 0.1, 5.0), links=WIRES)
    run = found.run()
    assert run.requests["outcome"].tolist() == ["timed_out"] * 3
    assert not found.nodes["edge"].inside
    assert not found.nodes["edge"].beside
    assert found.nodes["edge"].proxy.in_flight() == 0


def test_personal_answers_are_not_shared() -> None:
    """Who waits for what turns out to be personal asks again, each for itself."""
    found = world(site(collapse=True), script=at(0.0, 0.5), links=WIRES, site={"cacheable": 0.0})
    run = found.run()
    assert received(found) == 2
    assert run.requests["outcome"].tolist() == ["ok", "ok"]
    assert latencies(run)[1] > latencies(run)[0] + 0.4


@pytest.mark.parametrize(("remembered", "fetches_at_once"), [("2min", 3), ("0s", 1)])
def test_what_was_personal_is_not_waited_for_again(remembered: str, fetches_at_once: int) -> None:
    """Three who ask at once, after one who has found out; without memory two of them wait."""
    found = world(
        site(collapse=True, hit_for_miss=remembered),
        script=at(0.0, 10.0, 10.0, 10.0),
        links=WIRES,
        site={"cacheable": 0.0},
    )
    run = found.run()
    alone = [took < latencies(run)[0] + 0.5 for took in latencies(run)[1:]]
    assert received(found) == 4
    assert sum(alone) == fetches_at_once


def test_an_old_answer_is_confirmed_not_sent_again() -> None:
    run = play(site(), script=at(0.0, 50.0), links=WIRES, site={"ttl": 5.0})
    assert states(run) == ["miss", "revalidated"]
    carried = run.nodes.groupby("node", observed=True)["bytes"].sum()
    assert carried["shop>edge"] == 1000
    assert carried["edge>users"] == 2000


def test_stale_answers_while_a_fresh_one_is_fetched() -> None:
    """Fresh until about 6 s, stale until 36 s; the first to find it stale has it refreshed."""
    found = world(
        site(stale_while_revalidate=30.0),
        script=at(0.0, 10.0, 12.0, 60.0),
        links=WIRES,
        site={"ttl": 5.0},
    )
    run = found.run()
    assert states(run) == ["miss", "stale", "hit", "revalidated"]
    assert latencies(run)[1:3] == pytest.approx([4 * L] * 2)
    assert received(found) == 3


def test_a_flushed_cache_begins_anew() -> None:
    run = play(
        site(),
        script=at(0.0, 10.0, 20.0),
        links=WIRES,
        events=[{"at": 15.0, "node": "edge", "flush": True}],
    )
    assert states(run) == ["miss", "hit", "miss"]


def test_what_is_larger_than_the_limit_passes_through() -> None:
    run = play(site(max_object=999), script=at(0.0, 10.0), links=WIRES)
    assert states(run) == ["miss", "miss"]


def test_text_is_coded_once_and_kept_so() -> None:
    nodes = {
        "edge": edge(cache=MORE, compression=["gzip"], cores=1),
        "shop": server(),
    }
    run = play(
        nodes,
        script=at(0.0, 10.0, size=51_000),
        links=WIRES,
        site={"compressible": 1.0},
        costs={"compress": {"gzip": {"speed": "51kB/s", "ratio": 5.1}}},
    )
    assert run.requests["coding"].tolist() == ["gzip", "gzip"]
    assert run.column("bytes_down").tolist() == [10_000, 10_000]
    assert run.column("cpu").tolist() == pytest.approx([1.0, 0.0])
    assert latencies(run) == pytest.approx([8 * L + 1.0, 4 * L])


def test_half_a_body_is_not_kept() -> None:
    """The only reader leaves while the body comes: nothing is stored."""
    nodes = {"edge": edge(cache=MORE), "shop": server()}
    nodes["users"] = {"kind": "clients", "patience": 5.0}
    links = [WIRES[0], {**WIRES[1], "bandwidth": 1000.0}]
    run = play(nodes, script=at(0.0, 50.0, size=20_000), links=links, run={"duration": 90.0})
    assert run.requests["outcome"].tolist() == ["timed_out", "timed_out"]
    assert "hit" not in states(run)


def test_whoever_shares_a_fetch_is_still_told_that_nothing_has_changed() -> None:
    """A conditional request that waits for another's fetch: its copy is good, so 304."""
    with TemporaryDirectory() as directory:
        lines = "time,client,url,size,status\n0.0,ann,/1,1000,200\n0.5,bob,/1,0,304\n"
        (Path(directory) / "script.csv").write_text(lines)
        replay = {"replay": {"file": "script.csv", "format": "csv", "site": SITE}}
        nodes = {**site(collapse=True), "users": {"kind": "clients", "arrivals": replay}}
        scenario = Scenario.checked(tree(nodes, links=WIRES), name="s", directory=Path(directory))
        run = simulate(scenario)
    assert run.column("status").tolist() == [200, 304]


def test_stale_answers_while_the_origin_is_down() -> None:
    """Fresh until about 6 s. A server that is down refuses; the cache answers as long as it may."""
    script = at(0.0, 10.0, 12.0, 40.0)
    down = [{"at": 8.0, "node": "shop", "down_for": 50.0}]
    with_it, without = (
        play(site(**more), script=script, links=WIRES, site={"ttl": 5.0}, events=down)
        for more in ({"stale_if_error": 20.0}, {})
    )
    assert states(with_it) == ["miss", "stale", "stale", "miss"]
    assert with_it.column("status").tolist() == [200, 200, 200, 502]
    assert without.column("status").tolist() == [200, 502, 502, 502]
    # Two ways there and back to the proxy, and one on to the server, which says no.
    assert latencies(with_it)[1] == pytest.approx(4 * L + 2 * L)


def test_what_has_gone_stale_is_confirmed_once_for_all() -> None:
    script = at(0.0, 20.0, 20.1, 20.2)
    for collapse, fetches in ((False, 4), (True, 2)):
        found = world(site(collapse=collapse), script=script, links=WIRES, site={"ttl": 5.0})
        run = found.run()
        assert received(found) == fetches
        assert states(run)[1:] == (
            ["revalidated"] + ["coalesced" if collapse else "revalidated"] * 2
        )


def test_an_answer_that_is_coded_here_is_confirmed_too() -> None:
    nodes = {"edge": edge(cache=MORE, compression=["gzip"]), "shop": server()}
    run = play(
        nodes,
        script=at(0.0, 20.0, size=51_000),
        links=WIRES,
        site={"compressible": 1.0, "ttl": 5.0},
    )
    assert states(run) == ["miss", "revalidated"]


def test_a_part_is_cut_from_what_is_stored() -> None:
    """One fetch; what was asked for in part crosses the clients' wire in part."""
    with TemporaryDirectory() as directory:
        lines = "time,client,url,size,status\n0.0,ann,/1,1000,200\n5.0,bob,/1,100,206\n"
        (Path(directory) / "script.csv").write_text(lines)
        replay = {"replay": {"file": "script.csv", "format": "csv", "site": SITE}}
        nodes = {**site(), "users": {"kind": "clients", "arrivals": replay}}
        scenario = Scenario.checked(tree(nodes, links=WIRES), name="s", directory=Path(directory))
        run = simulate(scenario)
    assert run.column("status").tolist() == [200, 206]
    assert run.column("bytes_down").tolist() == [1000, 100]
    assert states(run) == ["miss", "hit"]


def test_a_capacity_may_count_answers() -> None:
    script = [(10.0 * n, "ann", f"/{n % 3}", 1000) for n in range(6)]
    kept = [
        states(play(site(capacity={"objects": n}), script=script, links=WIRES)).count("hit")
        for n in (1, 2, 3)
    ]
    assert kept == [0, 0, 3]


def test_what_is_asked_for_once_does_not_enter() -> None:
    run = play(site(admission="second_hit"), script=at(0.0, 10.0, 20.0), links=WIRES)
    assert states(run) == ["miss", "miss", "hit"]
