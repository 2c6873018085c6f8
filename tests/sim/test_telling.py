"""What a run tells of itself: heads as they were sent, what caches hold, who is left out."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import proxysim as ps
from proxysim.errors import ResultError
from proxysim.messages import Body, Headers, Request, Response
from proxysim.policies.caching.explaining import unstorable, word_for
from proxysim.policies.caching.storing import storable
from proxysim.results.diary import Diary, Message
from proxysim.results.heads import request_head, response_head
from proxysim.results.run import Run
from proxysim.sim import simulate
from tests.sim.scene import edge, scenario_of, server


def office(**changes: Any) -> Run:
    scenario = ps.load("office-forward-proxy").set(
        {"run.duration": "6s", "run.warmup": 0, **changes}
    )
    return simulate(scenario, hops="all", explain=True)


@pytest.fixture(scope="module")
def run() -> Run:
    return office()


def first(run: Run, column: str, value: Any) -> int:
    rows = run.requests
    return int(rows[rows[column] == value].id.iloc[0])


def test_a_miss_is_said_four_times_and_a_hit_twice(run: Run) -> None:
    miss = run.messages(first(run, "cache", "miss"))
    row = run.requests.set_index("id").loc[miss[0].request]
    assert [(told.sender, told.receiver, told.step) for told in miss] == [
        (row.client, "gateway", "request"),
        ("gateway", "web", "request"),
        ("web", "gateway", "response"),
        ("gateway", row.client, "response"),
    ]
    assert miss[0].head.startswith(f"GET http://{row.site}{row.path} HTTP/1.1\nhost: {row.site}")
    assert miss[1].head.startswith(f"GET {row.path} HTTP/1.1")
    assert "via: 1.1 gateway" in miss[1].head
    assert "via:" not in miss[2].head
    assert f"content-length: {row.bytes_down}" in miss[3].head
    hit = run.messages(first(run, "cache", "hit"))
    assert [told.step for told in hit] == ["request", "response"]
    assert "\nage: " in hit[1].head


def test_a_tunnel_shows_its_proxy_a_name_and_no_more(run: Run) -> None:
    told = run.messages(first(run, "encrypted", True))
    host = run.requests.set_index("id").loc[told[0].request].site
    assert told[0].head.startswith(f"CONNECT {host}:443 HTTP/1.1")
    assert not told[0].sealed
    assert told[1].head.startswith("HTTP/1.1 200")
    assert all("gateway" not in (one.sender, one.receiver) for one in told[2:])
    assert all(one.sealed for one in told[2:])


def test_every_answer_of_a_proxy_has_the_status_of_its_row(run: Run) -> None:
    rows = run.requests.set_index("id")
    by_request: dict[int, list[Message]] = {}
    for told in run.diary.messages:
        by_request.setdefault(told.request, []).append(told)
    assert set(by_request) == set(rows.index)
    for request, all_told in by_request.items():
        last = [told for told in all_told if told.receiver == rows.client[request]][-1]
        assert last.head.split()[1] == str(rows.status[request])


def held(run: Run, node: str) -> set[tuple[str, str, str]]:
    kept = set()
    for deed in run.diary.deeds:
        key = (deed.host, deed.path, deed.variant)
        if deed.node == node and deed.what == "stored":
            kept.add(key)
        elif deed.node == node and deed.what == "dropped":
            kept.remove(key)
        elif deed.node == node and deed.what == "flushed":
            kept.clear()
    return kept


def test_what_was_stored_and_not_dropped_is_what_a_cache_finds() -> None:
    run = office(**{"nodes.gateway.cache.capacity": "2MB"})
    assert held(run, "gateway")
    kept: set[tuple[str, str]] = set()
    hits, evicted = 0, Counter(d.said["why"] for d in run.diary.deeds if d.what == "dropped")
    for deed in run.diary.deeds:
        page = (deed.host, deed.path)
        if deed.what == "stored":
            kept.add(page)
        elif deed.what == "dropped":
            kept.discard(page)
        elif deed.what == "looked":
            assert (deed.said["found"] != "nothing") == (page in kept)
            hits += deed.said["found"] == "fresh"
    assert evicted["evicted"] > 10
    assert hits == Counter(run.requests.cache)["hit"]


def test_a_flush_empties_it() -> None:
    run = office(events=[{"at": "3s", "node": "gateway", "flush": True}])
    (flushed,) = (deed for deed in run.diary.deeds if deed.what == "flushed")
    assert flushed.at == 3.0
    before = [d for d in run.diary.deeds if d.what == "stored" and d.at < 3.0]
    assert before


def test_who_is_probed_and_left_out_is_told() -> None:
    scenario = scenario_of(
        {
            "users": {"kind": "clients", "count": 4, "arrivals": {"even": 40.0}},
            "edge": edge(
                health={"active": {"interval": 0.5}, "passive": {"failures": 1, "for": 1.0}},
                retry={"attempts": 2},
            ),
            "shop": server(count=2, service={"exponential": 0.01}),
        },
        events=[{"at": 2.0, "node": "shop-1", "down_for": 4.0}],
        run={"duration": 12.0},
    )
    run = simulate(scenario, hops="all", explain=True)
    news = [bout for bout in run.diary.bouts if bout.backend == "shop-1"]
    kinds = [bout.what for bout in news]
    assert kinds[0] == "well"
    assert "unwell" in kinds
    assert "ejected" in kinds
    assert kinds.index("ejected") < kinds.index("down") < len(kinds) - 1
    assert kinds[-1] == "well"
    assert "back" in kinds
    assert [bout.at for bout in news] == sorted(bout.at for bout in news)
    assert {bout.what for bout in run.diary.bouts if bout.backend == "shop-2"} == {"well"}


def test_the_diary_is_in_the_files(run: Run, tmp_path: Path) -> None:
    written = run.to_csv(tmp_path)
    for name, rows in (("messages", run.diary.messages), ("deeds", run.diary.deeds)):
        assert tmp_path / f"{name}.jsonl" in written
        lines = (tmp_path / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line) for line in lines] == [row._asdict() for row in rows]
    assert not (tmp_path / "bouts.jsonl").exists()


def test_nothing_is_noted_of_a_run_that_need_not_explain_itself() -> None:
    scenario = ps.load("office-forward-proxy").set({"run.duration": "1s", "run.warmup": 0})
    run = simulate(scenario, hops="all")
    assert not run.diary.messages
    assert not run.diary.deeds
    with pytest.raises(ResultError, match="explain=True"):
        run.messages(0)


def test_a_diary_ends_where_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxysim.results.diary.MOST_REQUESTS", 2)
    diary = Diary(2)
    assert [number for number in range(9) if diary.wants(number)] == [0, 2]
    assert diary.wants(0)
    assert diary.cut == {"messages"}
    assert not Diary(1).wants(-1)


class Upload:
    length = 3
    replayable = True


def test_heads_are_written_as_http_has_them() -> None:
    body: Body = Upload()
    asked = Request("PUT", "http", "::1", 8080, "/a?b", Headers([("x", "1"), ("y", "2")]), "", body)
    assert request_head(asked, less="y").split("\n") == [
        "PUT /a?b HTTP/1.1", "host: [::1]:8080", "content-length: 3", "x: 1",
    ]  # fmt: skip
    assert request_head(asked, absolute=True).startswith("PUT http://[::1]:8080/a?b HTTP/1.1\n")
    assert response_head(Response(299, Headers([("a", "b")]))) == "HTTP/1.1 299\na: b"


@pytest.mark.parametrize(
    ("request_fields", "status", "fields", "said"),
    [
        ({}, 200, {"cache-control": "no-store"}, "5.2.2.5"),
        ({}, 200, {"cache-control": "private"}, "5.2.2.7"),
        ({}, 206, {"cache-control": "max-age=9"}, "206"),
        ({}, 200, {"vary": "*", "cache-control": "max-age=9"}, "4.1"),
        ({"cache-control": "no-store"}, 200, {"cache-control": "max-age=9"}, "5.2.1.5"),
        ({"authorization": "Basic x"}, 200, {"cache-control": "max-age=9"}, "3.5"),
        ({}, 299, {"cache-control": "must-understand, no-store"}, "5.2.2.3"),
        ({}, 200, {"cache-control": "must-understand, no-store, private"}, "5.2.2.7"),
        ({}, 500, {}, "how long a 500 is fresh"),
    ],
)
def test_why_an_answer_is_not_kept(
    request_fields: dict[str, str], status: int, fields: dict[str, str], said: str
) -> None:
    request = Request("GET", "http", "a", 80, "/", Headers(request_fields.items()))
    response = Response(status, Headers(fields.items()))
    assert not storable(request, response)
    assert said in unstorable(request, response)


@pytest.mark.parametrize(
    ("asks", "age", "strict", "word"),
    [
        ("", 5.0, False, "fresh"),
        ("max-age=1", 5.0, False, "unwanted"),
        ("", 12.0, False, "stale-while-revalidate"),
        ("max-age=60", 12.0, False, "old"),
        ("max-stale=90", 40.0, False, "max-stale"),
        ("max-stale=90", 40.0, True, "old"),
        ("", 40.0, False, "old"),
    ],
)
def test_what_a_kept_answer_is_to_a_request(asks: str, age: float, strict: bool, word: str) -> None:
    fields = [("cache-control", asks)] if asks else []
    request = Request("GET", "http", "a", 80, "/", Headers(fields))
    assert word_for(request, age, 10.0, 5.0, strict=strict) == word
