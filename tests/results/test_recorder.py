"""What a recorder keeps is what it was given, small, and the same whatever the order."""

import gc
import math
import pickle
import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ResultError, RunError
from proxysim.results.columns import HOPS, NODES, OUTCOMES, REQUESTS, VIEWS, Outcome
from proxysim.results.recorder import Recorder
from proxysim.results.table import Names, natural

NAN = math.nan


def row(recorder, number, *, at=None, latency=0.1, outcome=Outcome.OK, backend="shop-1", **changes):
    """A request's row, in the order of the columns."""
    party = recorder.texts["client"]
    at = number * 0.01 if at is None else at
    ended = outcome != Outcome.IN_FLIGHT
    found = {
        "id": number,
        "client": party[f"staff-{number % 7 + 1}"],
        "site": recorder.texts["site"][f"s{number % 3}.example"],
        "path": recorder.texts["path"][f"/{number % 50}"],
        "method": 0,
        "at": at,
        "first_byte": at + latency / 2 if ended else NAN,
        "end": at + latency if ended else NAN,
        "latency": latency if ended else NAN,
        "status": 200 if outcome == Outcome.OK else 0,
        "outcome": outcome,
        "served_by": party[backend],
        "backend": party[backend],
        "cache": number % 4,
        "attempts": 1,
        "encrypted": number % 2 == 0,
        "coding": 0,
        "bytes_up": 0,
        "bytes_down": 1000 + number,
        "wait": latency / 4,
        "service": latency / 4,
        "network": latency / 4,
        "cpu": latency / 4,
    } | changes
    return tuple(found[column.name] for column in REQUESTS)


def finish(recorder, **given):
    about = {"world": "sim", "scenario": "office", "scenario_hash": "abc", "seed": 7}
    return recorder.finish(**about | given)


@given(st.lists(st.sampled_from(range(len(OUTCOMES))), max_size=60), st.randoms())
def test_nothing_is_lost(outcomes, rng):
    recorder = Recorder(1.0, 0.1)
    rows = [row(recorder, n, at=rng.random() * 1.2, outcome=o) for n, o in enumerate(outcomes)]
    for found in rows:
        recorder.add(found)
    run = finish(recorder, arrived=len(outcomes))
    counted = run.summary().requests
    assert counted["arrived"] == sum(counted[name] for name in OUTCOMES)
    assert counted["arrived"] == sum(0.1 <= found[5] < 1.0 for found in rows)
    assert len(run.requests) == len(outcomes)


@pytest.mark.parametrize("keep", ["all", "none", 3])
def test_a_lost_request_is_noticed(keep):
    recorder = Recorder(1.0, keep=keep)
    recorder.add(row(recorder, 0))
    with pytest.raises(RunError, match="2 requests arrived and 1 were recorded"):
        finish(recorder, arrived=2)


def test_a_request_recorded_twice_is_noticed():
    recorder = Recorder(1.0)
    recorder.add(row(recorder, 4))
    recorder.add(row(recorder, 4))
    with pytest.raises(RunError, match="request 4 was recorded twice"):
        finish(recorder)


@pytest.mark.parametrize(
    "wrong", [{"end": 9.0}, {"first_byte": 0.0}, {"latency": NAN}, {"first_byte": NAN}]
)
def test_an_answer_out_of_time_is_noticed(wrong):
    recorder = Recorder(1.0)
    recorder.add(row(recorder, 5, at=0.5, **wrong))
    with pytest.raises(RunError, match="request 5"):
        finish(recorder)


@pytest.mark.parametrize(
    ("wrong", "place"),
    [({"status": 70_000}, "status"), ({"client": "staff-1"}, "client"), ({"id": None}, "id")],
)
def test_a_row_that_does_not_fit_names_its_column(wrong, place):
    recorder = Recorder(1.0)
    recorder.add(row(recorder, 0, **wrong))
    with pytest.raises(RunError) as error:
        finish(recorder)
    assert error.value.place == place


@pytest.mark.parametrize("column", ["client", "site", "outcome", "cache", "method"])
@pytest.mark.parametrize("code", [99, -1])
def test_a_code_without_a_name_is_noticed(column, code):
    recorder = Recorder(1.0)
    recorder.add(row(recorder, 0, **{column: code}))
    with pytest.raises(RunError, match="names") as error:
        finish(recorder)
    assert error.value.place == column


@given(st.lists(st.integers(0, 500), unique=True, max_size=80), st.randoms())
def test_the_order_of_recording_leaves_no_trace(numbers, rng):
    def recorded(order):
        recorder = Recorder(10.0, hops="all")
        for number in order:
            recorder.add(row(recorder, number, backend=f"shop-{number % 12}"))
            node = recorder.texts["node"][f"shop-{number % 12}"]
            recorder.hop(number, node, recorder.texts["step"]["service"], number * 0.01, 99.0)
            recorder.view((node, node, 0, 0, 0, True, False, False))
        return finish(recorder)

    shuffled = rng.sample(numbers, len(numbers))
    first, second = recorded(numbers), recorded(shuffled)
    assert first.digest() == second.digest()
    assert first.digests() == second.digests()
    assert first.requests.equals(second.requests)
    assert first.column("id").tolist() == sorted(numbers)


def test_the_digest_sees_every_column():
    def digest(**changes):
        recorder = Recorder(10.0)
        usual = {"encrypted": False, "outcome": Outcome.FAILED}
        recorder.add(row(recorder, 1, **usual | changes))
        return finish(recorder).digest()

    plain = digest()
    for column in REQUESTS:
        change = 3.25 if column.dtype == "float64" else 0 if column.names == "text" else 2
        change = "" if column.name == "backend" else change
        assert digest(**{column.name: change}) != plain, column.name


def test_names_and_frames_say_what_was_recorded():
    recorder = Recorder(10.0)
    for number in range(20):
        recorder.add(row(recorder, number, backend=f"shop-{number % 11 + 1}" if number else ""))
    run = finish(recorder)
    assert run.names("backend") == ("", *(f"shop-{n}" for n in range(1, 12)))
    spoken = [run.names("backend")[code] for code in run.column("backend")]
    assert spoken == run.requests["backend"].astype(object).tolist()
    assert spoken[:3] == ["", "shop-2", "shop-3"]
    assert run.requests["outcome"].unique().tolist() == ["ok"]
    for table, columns in (
        ("requests", REQUESTS),
        ("hops", HOPS),
        ("nodes", NODES),
        ("views", VIEWS),
    ):
        frame = getattr(run, table)
        assert list(frame.columns) == [column.name for column in columns]
        for column in columns:
            coded = column.names is not None
            assert (str(frame[column.name].dtype) == "category") == coded
            assert coded or frame[column.name].dtype == column.dtype
            assert run.column(column.name, table).dtype == column.dtype


def test_kept_arrays_cannot_be_changed_behind_the_back():
    recorder = Recorder(10.0)
    recorder.add(row(recorder, 1))
    run = finish(recorder)
    with pytest.raises(ValueError, match="read-only"):
        run.column("latency")[0] = 0.0


@pytest.mark.parametrize(
    ("asked", "mend"),
    [
        (lambda run: run.column("latencyy"), "latency"),
        (lambda run: run.table("request"), "requests"),
        (lambda run: run.names("latency"), "column"),
    ],
)
def test_an_unknown_name_gets_the_nearest(asked, mend):
    with pytest.raises(ResultError, match=mend):
        asked(finish(Recorder(1.0)))


def test_an_empty_run_has_tables_and_a_summary():
    run = finish(Recorder(1.0), arrived=0)
    assert run.summary().requests["arrived"] == 0
    assert set(run.summary().latency.values()) == {None}
    assert [len(run.tables[name]) for name in run.tables] == [0, 0, 0, 0]
    assert len(run.requests) == len(run.hops) == len(run.nodes) == len(run.views) == 0
    assert run._repr_html_()
    assert run.littles_law() == (0.0, 0.0)


@pytest.mark.parametrize("every", [2, 3, 7])
def test_samples_are_of_whole_requests(every):
    recorder = Recorder(10.0, keep=every, hops=every)
    step = recorder.texts["step"]["service"]
    for number in range(100):
        recorder.add(row(recorder, number))
        recorder.hop(number, 0, step, 0.0, 1.0)
        assert recorder.wants_hops(number) == (number % every == 0)
    recorder.hop(-1, 0, step, 0.0, 1.0)
    run = finish(recorder, arrived=100)
    kept = list(range(0, 100, every))
    assert run.column("id").tolist() == kept
    assert run.column("request", "hops").tolist() == [-1, *kept]
    assert run.summary().requests["arrived"] == 100


@pytest.mark.parametrize("wrong", ["some", 0, -1, True, 1.5])
def test_what_to_keep_is_checked(wrong):
    with pytest.raises(ResultError, match="keep="):
        Recorder(1.0, keep=wrong)


def test_the_summary_is_the_same_whether_rows_are_kept_or_not():
    def summary(keep):
        recorder = Recorder(150.0, 10.0, keep=keep)
        rng = random.Random(3)
        for number in range(20_000):
            outcome = rng.choice((0, 0, 0, 1, 2, 3, 4, 5))
            latency = rng.expovariate(10)
            recorder.add(row(recorder, number, latency=latency, outcome=outcome))
        return finish(recorder, arrived=20_000).summary().to_dict()

    exact = summary("all")
    for keep in ("none", 10):
        found = summary(keep)
        for name in ("requests", "load", "statuses", "cache", "bytes_down", "encrypted"):
            assert found[name] == exact[name]
        for name, value in exact["latency"].items():
            assert found["latency"][name] == pytest.approx(value, rel=0.0051)
        assert found["latency"]["max"] == exact["latency"]["max"]


def test_a_kept_request_takes_at_most_250_bytes():
    rows = 200_000
    peak, kept, run = grown(rows, "all")
    assert len(run.column("id")) == rows
    assert kept / rows <= 130
    assert peak / rows <= 250
    tracemalloc.start()
    frame = run.requests
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (kept + size) / rows <= 250
    assert len(frame) == rows


def test_memory_does_not_grow_with_requests_that_are_not_kept():
    small, _, _ = grown(16_000, "none")
    large, _, _ = grown(64_000, "none")
    assert large < 1.2 * small


def grown(rows, keep):
    """Peak and lasting bytes of recording *rows* out of order, and the run."""
    gc.collect()
    tracemalloc.start()
    recorder = Recorder(1e9, keep=keep)
    rest = row(recorder, 0)[1:]
    for number in range(rows):
        recorder.add((number ^ 1, *rest))
    run = finish(recorder, arrived=rows)
    del recorder
    gc.collect()
    lasting, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, lasting, run


def test_views_are_counted():
    recorder = Recorder(1.0)
    party = recorder.texts["observer"]
    key = (party["web"], party["staff-1"], 0, party["gateway"], 0, True, True, False)
    recorder.view(key)
    recorder.view(key, 3)
    recorder.view((key[0], np.array([key[1]]), *key[2:]), np.array([1]))
    run = finish(recorder)
    assert run.views["requests"].tolist() == [5]
    assert run.views["peer"].tolist() == ["gateway"]
    off = Recorder(1.0, views=False)
    off.view(key)
    assert len(finish(off).views) == 0


def test_a_run_survives_the_journey_to_another_process():
    recorder = Recorder(10.0)
    for number in range(10):
        recorder.add(row(recorder, number))
    run = finish(recorder, facts={"shop-1": {"kind": "server"}})
    _ = run.requests, run.summary()
    back = pickle.loads(pickle.dumps(run))
    assert back.digest() == run.digest()
    assert back.summary() == run.summary()
    assert not back.column("latency").flags.writeable


def test_names_that_are_no_text_can_be_written(tmp_path):
    recorder = Recorder(10.0)
    path = recorder.texts["path"]["/caf\udce9"]
    recorder.add(row(recorder, 1, path=path))
    run = finish(recorder)
    assert run.requests["path"].tolist() == ["/caf\\udce9"]
    run.to_csv(tmp_path / "x.csv")


def test_littles_law_of_the_whole_and_of_a_node():
    # One worker, a request of half a second each second: half a request under way at any time.
    recorder = Recorder(100.0, 20.0, hops="all")
    server = recorder.texts["node"]["web"]
    service, queue = recorder.texts["step"]["service"], recorder.texts["step"]["queue"]
    for number in range(100):
        recorder.add(row(recorder, number, at=float(number), latency=0.5))
        recorder.hop(number, server, queue, number, number + 0.2)
        recorder.hop(number, server, service, number + 0.2, number + 0.5)
    for start in range(0, 100, 20):
        recorder.node_window((server, start, start + 20.0, 0.3, 0.2, 0.5, 1.0, 0, 0, 0, 0, 0))
    run = finish(recorder)
    assert run.littles_law() == pytest.approx((0.5, 0.5))
    assert run.littles_law("web") == pytest.approx((0.5, 0.5))
    with pytest.raises(ResultError, match="web"):
        run.littles_law("webb")


def test_unexplained_time_is_measured():
    recorder = Recorder(10.0)
    recorder.add(row(recorder, 1))
    recorder.add(row(recorder, 2, wait=0.125))
    assert finish(recorder).unexplained() == pytest.approx(0.1)


@given(st.lists(st.text(max_size=6)))
def test_natural_order_is_total(names):
    once = sorted(sorted(set(names)), key=natural)
    assert once == sorted(sorted(set(names), reverse=True), key=natural)


@given(st.lists(st.integers(0, 10**12)), st.sampled_from(["", "a", "a-", "ä"]))
def test_numbers_are_in_the_order_of_numbers(numbers, before):
    names = [f"{before}{number}" for number in sorted(set(numbers))]
    assert sorted(set(names), key=natural) == names


def test_natural_order_counts():
    assert sorted(["shop-10", "shop-2", "edge", ""], key=natural) == [
        "",
        "edge",
        "shop-2",
        "shop-10",
    ]
    assert sorted(["a²", "a1"], key=natural)


def test_names_give_one_code_each():
    names = Names()
    assert [names.code(name) for name in ("", "a", "b", "a")] == [0, 1, 2, 1]
    assert np.array_equal(list(names.values()), range(3))
