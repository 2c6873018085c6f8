"""What is written can be read again, and says where it comes from."""

import csv
import json
import sys
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ResultError
from proxysim.results import export
from proxysim.results.recorder import Recorder

TABLES = ("requests", "hops", "nodes", "views")


def recorded(spans=(), *, requests=30):
    recorder = Recorder(10.0, 1.0, hops="all")
    party, step = recorder.texts["node"], recorder.texts["step"]
    site, path = recorder.texts["site"]["a.example"], recorder.texts["path"]
    for number in range(requests):
        at, end = number / 7, number / 7 + 1 / (number + 3)
        odd = path[f'/a,"{number % 4}"\nü']
        row = (number, party["me"], site, odd, 0, at, at, end, end - at, 200, 0, party["web"], 0)
        recorder.add((*row, number % 7, 1, number % 3 == 0, 0, 0, number, 0.1, 0.2, 0.3, 0.4))
    for request, node, name, start, length in spans:
        recorder.hop(request, party[node], step[name], start, start + length)
    recorder.node_window((party["web"], 0.0, 10.0, float("nan"), 0.1, 0.2, 0.3, 1, 2, 3, 4, 5))
    recorder.view((party["web"], party["me"], site, party["me"], 0, True, True, False))
    return recorder.finish(
        world="sim",
        scenario="office",
        scenario_hash="abc",
        seed=7,
        events=[
            {"at": 2.0, "until": 3.0, "label": "web down", "node": "web"},
            {"at": 4.0, "until": None, "label": "flush", "node": "gateway"},
        ],
    )


SPANS = [(0, "web", "service", 1.0, 0.5), (0, "me>web", "transfer", 1.5, 0.1)]


def as_plain(frame):
    text = frame.select_dtypes("category").columns
    return frame.astype(dict.fromkeys(text, object))


@pytest.mark.parametrize("whole", [True, False])
def test_csv_comes_back_to_the_last_bit(tmp_path, whole):
    run = recorded(SPANS)
    files = run.to_csv(tmp_path / ("out" if whole else "some.csv"))
    names = [file.name for file in files]
    if whole:
        assert names == [*(f"{table}.csv" for table in TABLES), "manifest.json"]
    else:
        assert names == ["some.csv", "some.manifest.json"]
    assert json.loads(files[-1].read_text()) == run.manifest
    for table, file in zip(TABLES, files[:-1], strict=False):
        frame = getattr(run, table)
        with file.open(encoding="utf-8", newline="") as opened:
            header, *lines = csv.reader(opened)
        assert header == list(frame.columns)
        assert len(lines) == len(frame)
        for place, name in enumerate(header):
            for line, true in zip(lines, frame[name].tolist(), strict=True):
                if isinstance(true, float):
                    assert float(line[place] or "nan") == pytest.approx(
                        true, rel=0, abs=0, nan_ok=True
                    )
                else:
                    assert line[place] == str(true)


@pytest.mark.parametrize("whole", [True, False])
def test_parquet_comes_back_with_its_manifest(tmp_path, whole):
    parquet = pytest.importorskip("pyarrow.parquet")
    run = recorded(SPANS)
    files = run.to_parquet(tmp_path / ("out" if whole else "some.parquet"))
    assert len(files) == (4 if whole else 1)
    for table, file in zip(TABLES, files, strict=False):
        frame = getattr(run, table)
        pd.testing.assert_frame_equal(as_plain(pd.read_parquet(file)), as_plain(frame))
        assert json.loads(parquet.read_schema(file).metadata[b"proxysim"]) == run.manifest


def test_equal_runs_write_equal_bytes(tmp_path):
    pytest.importorskip("pyarrow")
    for place in ("one", "two"):
        run = recorded(SPANS)
        run.to_csv(tmp_path / place)
        run.to_parquet(tmp_path / place)
        run.to_trace(tmp_path / place / "trace.json")
    one, two = ({f.name: f.read_bytes() for f in (tmp_path / p).iterdir()} for p in ("one", "two"))
    assert one == two
    assert len(one) == 10


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ResultError, match=r"proxysim\[parquet\]"):
        recorded().to_parquet(tmp_path)


@pytest.mark.parametrize("write", [export.to_csv, export.to_parquet, export.to_trace])
@pytest.mark.parametrize("name", ["file/below", "file/below.csv", "file/below.parquet"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, write, name):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResultError, match="cannot be written") as error:
        write(recorded(SPANS), tmp_path / name)
    assert error.value.place == str(tmp_path / name)


def test_a_trace_needs_spans(tmp_path):
    with pytest.raises(ResultError, match="hops"):
        recorded().to_trace(tmp_path / "trace.json")
    assert not (tmp_path / "trace.json").exists()


SPAN = st.tuples(
    st.integers(-1, 6),
    st.sampled_from(["me", "edge", "web", "edge>web"]),
    st.sampled_from(["queue", "service", "transfer"]),
    st.floats(0, 10),
    st.one_of(st.just(0.0), st.floats(0, 3), st.just(float("nan"))),
)


@given(st.lists(SPAN, min_size=1, max_size=40))
def test_a_trace_is_sound(tmp_path_factory, spans):
    run = recorded(spans)
    file = run.to_trace(tmp_path_factory.mktemp("trace") / "trace.json")

    def refuse(constant):
        raise AssertionError(constant)

    trace = json.loads(file.read_text(), parse_constant=refuse)
    assert trace["otherData"] == run.manifest
    events = trace["traceEvents"]
    timed = [event for event in events if event["ph"] != "M"]
    assert all(one["ts"] <= two["ts"] for one, two in pairwise(timed))

    processes = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
    hops = [event for event in timed if event.get("cat") == "hop"]
    drawn = sorted((e["args"]["request"], processes[e["pid"]], e["name"]) for e in hops)
    assert drawn == sorted(span[:3] for span in spans)
    assert {event["name"] for event in timed if event.get("cat") == "event"} == {
        "web down",
        "flush",
    }

    # On one thread nothing overlaps, but by the rounding to a nanosecond.
    lanes = {}
    for event in hops:
        lanes.setdefault((event["pid"], event["tid"]), []).append(event)
    for lane in lanes.values():
        assert all(one["ts"] + one["dur"] <= two["ts"] + 0.002 for one, two in pairwise(lane))

    # Each request of two spans or more is one arrow: s, t ..., f; what runs by itself has none.
    arrows = {}
    for event in timed:
        if event.get("cat") == "flow":
            arrows.setdefault(event["id"], []).append(event["ph"])
    for request in {span[0] for span in spans}:
        count = sum(span[0] == request for span in spans)
        expected = ["s", *["t"] * (count - 2), "f"] if count > 1 and request >= 0 else []
        assert arrows.get(request, []) == expected
