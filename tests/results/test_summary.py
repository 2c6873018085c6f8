"""The summary is what a plain count over the tables gives."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.results.columns import OUTCOMES, REQUESTS
from proxysim.results.recorder import Recorder

NAN = math.nan
SECONDS = st.floats(0, 10, allow_nan=False)
REQUEST = st.tuples(
    st.one_of(st.floats(0, 130), st.sampled_from([20.0, 100.0])),  # at
    SECONDS,  # latency
    st.integers(0, len(OUTCOMES) - 1),
    st.integers(0, 3),  # backend, 0: none
    st.sampled_from([0, 200, 304, 503]),
    st.booleans(),
)
WINDOW = st.tuples(
    st.sampled_from(["edge", "shop-1", "shop-2", "edge>shop-1"]),
    st.integers(0, 12),  # which
    st.one_of(st.just(NAN), st.floats(0, 1)),  # utilisation
    st.integers(0, 9),  # hits
    st.integers(0, 9),  # misses
    st.integers(0, 10**6),  # bytes
)


def recorded(requests, windows=(), **options):
    recorder = Recorder(100.0, 20.0, **options)
    party = recorder.texts["node"]
    for number, (at, latency, outcome, backend, status, encrypted) in enumerate(requests):
        server = party[f"shop-{backend}"] if backend else 0
        ended = OUTCOMES[outcome] != "in_flight"
        end = at + latency if ended else NAN
        times = (at, at if ended else NAN, end, end - at)
        row = (
            number,
            party["me"],
            0,
            0,
            0,
            *times,
            status,
            outcome,
            server,
            server,
            0,
            1,
            encrypted,
        )
        recorder.add((*row, 0, 5, 7, 0.0, 0.0, 0.0, 0.0))
    for node, place, busy, hits, misses, carried in windows:
        start = 10.0 * place
        counts = (hits, misses, 100 * hits, 100 * misses, carried)
        recorder.node_window((party[node], start, start + 10, busy, 0.0, 0.0, 0.0, *counts))
    return recorder.finish(
        world="sim",
        scenario="shop",
        scenario_hash="abc",
        seed=3,
        facts={"shop-1": {"kind": "server"}, "shop-9": {"kind": "server"}, "edge": {"cache": True}},
    )


@given(st.lists(REQUEST, max_size=50), st.lists(WINDOW, max_size=30))
def test_it_equals_a_count_by_hand(requests, windows):
    run = recorded(requests, windows)
    found = run.summary().to_dict()
    frame = run.requests
    frame = frame[(frame["at"] >= 20) & (frame["at"] < 100)]
    for outcome in OUTCOMES:
        assert found["requests"][outcome] == (frame["outcome"] == outcome).sum()
    assert found["requests"]["arrived"] == len(frame)
    latency = frame.loc[frame["outcome"] == "ok", "latency"]
    for name, expected in {
        "mean": latency.mean(),
        "p50": latency.quantile(0.5),
        "p95": latency.quantile(0.95),
        "p99": latency.quantile(0.99),
        "max": latency.max(),
    }.items():
        if len(latency):
            assert found["latency"][name] == pytest.approx(expected, rel=1e-12, abs=1e-15)
        else:
            assert found["latency"][name] is None
    assert set(found["load"]) >= {"shop-1", "shop-9"}
    for name, count in found["load"].items():
        assert count == (frame["backend"] == name).sum()
    assert sum(found["load"].values()) == (frame["backend"] != "").sum()
    assert sum(found["statuses"].values()) == len(frame)

    nodes = run.nodes
    nodes = nodes[(nodes["start"] >= 20) & (nodes["end"] <= 100)]
    for node, ratio in found["hit_ratio"].items():
        mine = nodes[nodes["node"] == node]
        asked = mine["hits"].sum() + mine["misses"].sum()
        assert ratio == (mine["hits"].sum() / asked if asked else None)
    for node in found["utilisation"]:
        mine = nodes[nodes["node"] == node]["utilisation"]
        assert found["utilisation"][node] == pytest.approx(mine.mean())
    busy = nodes[nodes["utilisation"].notna()]["node"]
    assert set(found["utilisation"]) == set(busy.unique())
    links = nodes[nodes["node"] == "edge>shop-1"]["bytes"].sum()
    assert found["bytes"].get("edge>shop-1", 0) == links
    assert set(found["bytes"]) <= {"edge>shop-1"}


@given(
    st.lists(REQUEST, max_size=20), st.lists(WINDOW, max_size=8), st.sampled_from(["all", "none"])
)
def test_json_is_strict_and_has_the_promised_fields(requests, windows, keep):
    text = recorded(requests, windows, keep=keep).summary().to_json()

    def refuse(constant):
        raise AssertionError(constant)

    found = json.loads(text, parse_constant=refuse)
    assert list(found)[:9] == [
        "scenario",
        "world",
        "seed",
        "requests",
        "latency",
        "hit_ratio",
        "load",
        "utilisation",
        "bytes",
    ]
    assert list(found["requests"]) == ["arrived", *OUTCOMES]
    assert list(found["latency"]) == ["mean", "p50", "p95", "p99", "max"]


def test_what_is_not_finite_is_null():
    recorder = Recorder(1.0)
    run = recorder.finish(
        world="sim",
        scenario="x",
        scenario_hash="",
        seed=1,
        extra={
            "gap": [NAN, math.inf, np.float64(NAN)],
            "n": np.int64(3),
            "inner": {"x": -math.inf},
        },
    )
    manifest = json.loads(run.summary().to_json())["manifest"]
    assert (manifest["gap"], manifest["n"], manifest["inner"]) == ([None] * 3, 3, {"x": None})


def test_a_cache_that_was_never_asked_has_no_ratio():
    run = recorded([], [("edge", 3, 0.5, 0, 0, 0), ("shop-1", 3, NAN, 0, 0, 0)])
    assert run.summary().hit_ratio == {"edge": None}
    assert run.summary().utilisation == {"edge": 0.5}


def test_a_window_across_the_warm_up_counts_by_its_share():
    recorder = Recorder(100.0, 20.0)
    edge = recorder.texts["node"]["edge>web"]
    recorder.node_window((edge, 10.0, 30.0, 0.5, 0, 0, 0, 4, 4, 0, 0, 100))
    recorder.node_window((edge, 30.0, 50.0, 1.0, 0, 0, 0, 8, 0, 0, 0, 100))
    run = recorder.finish(world="sim", scenario="x", scenario_hash="", seed=1)
    assert run.summary().bytes == {"edge>web": 150}
    assert run.summary().hit_ratio == {"edge>web": 10 / 12}
    assert run.summary().utilisation == {"edge>web": pytest.approx((5 + 20) / 30)}
    assert run.window_shares().tolist() == [0.5, 1.0]


def test_members_stand_in_the_order_of_their_numbers():
    recorder = Recorder(1.0)
    for number in (10, 9, 1):
        recorder.node_window((recorder.texts["node"][f"s-{number}"], 0, 1, 0.1, *[0] * 8))
    run = recorder.finish(world="sim", scenario="x", scenario_hash="", seed=1)
    assert list(run.summary().utilisation) == ["s-1", "s-9", "s-10"]


def test_rows_are_text_for_every_figure():
    run = recorded([(50.0, 0.01, 0, 1, 200, True)], [("edge", 3, 0.5, 1, 1, 0)])
    rows = {(row.section, row.label): row.text for row in run.summary().rows()}
    assert rows["requests", "arrived"] == "1"
    assert rows["latency", "p99"].endswith("ms")
    assert rows["hit ratio", "edge"] == "50.0%"
    empty = {(row.section, row.label): row.text for row in recorded([]).summary().rows()}
    assert empty["latency", "p50"] == "-"


def test_the_row_made_here_has_all_columns():
    assert len(recorded([(50.0, 0.01, 0, 1, 200, True)]).requests.columns) == len(REQUESTS)
    assert np.isfinite(recorded([(50.0, 0.01, 0, 1, 200, True)]).column("at")).all()
