"""Sweeps: the same bytes whoever makes them, nothing made twice, and nothing lost by a kill."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import proxysim as ps
from proxysim.errors import ProxysimError, ResultError, ScenarioError
from proxysim.statistics.intervals import mean_interval
from proxysim.studies import sweep as module
from proxysim.studies.metrics import metric
from proxysim.studies.store import Store
from proxysim.studies.sweep import planned, sweep

SCENARIO = ps.load("unequal-servers").set({"run.duration": "1.5s", "run.warmup": "0.5s"})
GRID = {"nodes.shop.workers": "3..5", "nodes.visitors.arrivals.poisson": "50/s..150/s:2"}
NAMES = ["mean", "p95", "offered", "throughput"]


class Counting:
    """A crew that counts what it was given, and does it backwards."""

    def __init__(self):
        self.made = 0

    def each(self, task, things):
        for thing in reversed(things):
            self.made += 1
            yield task(thing)


@pytest.fixture(scope="module")
def swept():
    return sweep(SCENARIO, GRID, replications=2, workers=1, metrics=NAMES)


def made(crew, store=None):
    sweeping = planned(SCENARIO, GRID, replications=2, metrics=NAMES)
    return sweeping.made(crew=crew, store=store)


def test_a_cell_is_a_run(swept):
    frame = swept.frame()
    assert len(frame) == 12
    for _, row in frame.sample(4, random_state=1).iterrows():
        scenario = SCENARIO.set({path: row[path] for path in GRID})
        run = ps.simulate(scenario, replication=row["replication"])
        assert row["mean"] == run.summary().latency["mean"]
        assert row["ok"] == run.summary().requests["ok"]


def test_a_figure_is_students_interval(swept):
    one = metric("mean")
    cells = [cell.values["mean"] for cell in swept.of(3)]
    interval = mean_interval(cells)
    assert swept.figure(3, one) == (interval.mean, interval.low, interval.high)
    row = swept.table().iloc[3]
    assert (row["mean"], row["mean_low"]) == (interval.mean, interval.low)


def test_neither_workers_nor_order_nor_a_store_change_a_byte(swept, tmp_path):
    store = Store(tmp_path)
    two = sweep(SCENARIO, GRID, replications=2, workers=2, metrics=NAMES)
    backwards = made(Counting(), store)
    found = made(Counting(), Store(tmp_path))
    for other in (two, backwards, found):
        assert other.to_json() == swept.to_json()
        assert other.frame().to_csv() == swept.frame().to_csv()
    assert (backwards.already, found.already) == (0, 12)


def test_what_is_kept_is_not_made_again(tmp_path):
    first = Counting()
    made(first, Store(tmp_path))
    second = Counting()
    made(second, Store(tmp_path))
    assert (first.made, second.made) == (12, 0)
    more = Counting()
    planned(SCENARIO, GRID, replications=3, metrics=NAMES).made(crew=more, store=Store(tmp_path))
    assert more.made == 6  # the third replication of each setting


def test_a_damaged_cell_is_made_again_and_said(tmp_path, swept):
    made(Counting(), Store(tmp_path))
    files = sorted(tmp_path.rglob("??/*.json"))
    files[3].write_bytes(files[3].read_bytes()[:-2])
    files[7].unlink()
    again = Counting()
    found = made(again, Store(tmp_path))
    assert again.made == 2
    assert (found.already, found.damaged) == (10, 1)
    assert found.to_json() == swept.to_json()


def test_each_cell_is_kept_as_soon_as_it_is_made(tmp_path):
    class Breaking(Counting):
        def each(self, task, things):
            for number, made in enumerate(super().each(task, things)):
                if number == 5:
                    raise KeyboardInterrupt
                yield made

    with pytest.raises(KeyboardInterrupt):
        made(Breaking(), Store(tmp_path))
    assert len(list(tmp_path.rglob("??/*.json"))) == 5
    rest = Counting()
    made(rest, Store(tmp_path))
    assert rest.made == 7


SWEEPING = """
import sys
import proxysim as ps

if __name__ == "__main__":
    scenario = ps.load("unequal-servers").set({"run.duration": "20s", "run.warmup": "1s"})
    over = {"nodes.shop.workers": "3..10", "load": "0.5..1.2:8"}
    ps.sweep(scenario, over, replications=1, workers=2, metrics=["mean"], store=sys.argv[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="process groups")
def test_a_killed_sweep_goes_on_where_it_was(tmp_path):
    store = tmp_path / "cells"
    with subprocess.Popen(
        [sys.executable, "-c", SWEEPING, str(store)], start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as running:  # fmt: skip
        until = time.monotonic() + 120
        while len(list(store.rglob("??/*.json"))) < 4 and time.monotonic() < until:
            time.sleep(0.02)
        running.kill()
        os.killpg(running.pid, signal.SIGTERM)  # its workers; what they shared is cleaned up after
        running.stdout.read()  # ends when the last of them has gone
    kept = {path: path.stat().st_mtime_ns for path in store.rglob("??/*.json")}
    assert 4 <= len(kept) < 64
    scenario = ps.load("unequal-servers").set({"run.duration": "20s", "run.warmup": "1s"})
    over = {"nodes.shop.workers": "3..10", "load": "0.5..1.2:8"}
    sweeping = planned(scenario, over, replications=1, metrics=["mean"])
    jobs = []

    class Noting:
        def each(self, task, things):
            jobs.extend(things)
            yield from ()

    with pytest.raises(KeyError):
        sweeping.made(crew=Noting(), store=Store(store))
    assert len(jobs) == 64 - len(kept)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_points_at_random_are_of_a_hypercube_and_each_once():
    over = {"nodes.shop.workers": "3..5", "nodes.edge.balancer": ["random", "maglev"]}
    found = planned(SCENARIO, over, random=40)
    assert found.design == "latin hypercube"
    assert len(found.settings) == 6
    assert planned(SCENARIO, over, random=40) == found
    assert planned(SCENARIO, {"load": "0.5..1:2"}, random=9, seed=3).settings != planned(
        SCENARIO, {"load": "0.5..1:2"}, random=9, seed=4).settings  # fmt: skip


def test_settings_can_be_listed():
    found = planned(SCENARIO, [{"nodes.shop.workers": 2}, {"load": 0.5}])
    assert [one.label for one in found.settings] == ["workers=2", "load=0.5"]
    assert found.paths == ["nodes.shop.workers", "load"]


def test_what_varies_the_load_is_told_the_load():
    assert "offered" in [one.name for one in planned(SCENARIO, {"load": [1, 2]}).metrics]
    assert "offered" not in [
        one.name for one in planned(SCENARIO, {"nodes.shop.workers": [1]}).metrics
    ]


def test_a_quantile_without_support_is_refused_and_one_run_has_no_interval():
    over = {"load": [0.1, 2]}
    found = sweep(SCENARIO, over, replications=1, workers=1, metrics=["mean", "p99"])
    assert found.figure(0, metric("p99")) is None
    assert "p99 is refused where a run has fewer than 299 ok answers" in found.notes[0]
    mean, low, _ = found.figure(1, metric("mean"))
    assert mean > 0
    assert np.isnan(low)
    assert json.loads(found.to_json())["table"][0]["mean_low"] is None


def test_progress_counts_what_was_there(tmp_path):
    made(Counting(), Store(tmp_path))
    for file in sorted(tmp_path.rglob("??/*.json"))[:3]:
        file.unlink()
    told = []
    planned(SCENARIO, GRID, replications=2, metrics=NAMES).made(
        workers=1, store=Store(tmp_path), progress=told.append
    )
    assert told == sorted(told)
    assert told[0] == 9 / 12
    assert told[-1] == 1


@pytest.mark.parametrize(
    ("over", "options", "told"),
    [
        ({}, {}, "nothing to vary"),
        ([], {}, "nothing to vary"),
        ({"nodes.shop.count": "1..4"}, {"replications": 0}, "replications"),
        (
            {"nodes.shop.workers": "1..9000"},
            {"replications": 50},
            "9000 values make 9,000 settings",
        ),
        ({"nodes.shop.cuont": [1]}, {}, "Did you mean 'count'"),
        ({"nodes.shop.workers": ["many"]}, {}, "many"),
        ({"nodes.shop.workers": "1..4"}, {"random": 1}, "at random"),
        ([{"nodes.shop.workers": 1}], {"random": 5}, "leaves nothing to chance"),
        ([{}], {}, "among the settings"),
        ({"nodes.shop.workers": "1..4"}, {"metrics": ["p0"]}, "p0"),
        ({"nodes.shop.workers": "1..4"}, {"seed": "x"}, "seed"),
        ({"nodes.shop.workers": "1..4"}, {"confidence": 0}, "confidence"),
    ],
)
def test_a_wrong_question_is_told_before_anything_runs(over, options, told):
    with pytest.raises(ProxysimError) as found:
        planned(SCENARIO, over, **options)
    assert told in str(found.value)


def test_the_scenarios_own_error_comes_before_the_first_run(monkeypatch):
    monkeypatch.setattr(module, "carried_out", None)
    with pytest.raises(ScenarioError, match="workers"):
        sweep(SCENARIO, {"nodes.shop.workers": [1, 0]})


def test_runs_are_of_this_machine_or_of_a_cluster():
    with pytest.raises(ResultError, match="no dask cluster can be reached"):
        sweep(SCENARIO, {"nodes.shop.workers": [1, 2]}, dask="nowhere")
