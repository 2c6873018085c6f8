"""Many runs: the same results whoever makes them, in whatever order, and errors that say where."""

import json
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import proxysim as ps
from proxysim.errors import ResultError, RunError
from proxysim.results.columns import Outcome
from proxysim.studies.crews import Alone, Processes, crew_of
from proxysim.studies.metrics import metrics_of
from proxysim.studies.running import Job, carried_out, run_all

SCENARIO = ps.load("website-reverse-proxy").set({"run.duration": "1s", "run.warmup": "0.5s"})
NAMES = ["mean", "p99", "hit_ratio", "utilisation.shop", "load.shop-4", "bytes.edge-shop"]


def jobs(count):
    return [Job(SCENARIO, 7, number, "as it is") for number in range(count)]


class Backwards:
    """A crew that finishes last what was given first."""

    def each(self, task, things):
        yield from map(task, reversed(things))


def same(one, other):
    def written(result):
        values = json.dumps(result.values)
        return result.summary.to_json(), values, result.latencies.tobytes()

    return written(one) == written(other)


def test_who_makes_them_changes_no_bit():
    metrics = metrics_of(NAMES, [SCENARIO])
    alone = run_all(jobs(4), metrics, latencies=True, workers=1)
    for crew in (Backwards(), Processes(2)):
        found = run_all(jobs(4), metrics, latencies=True, crew=crew)
        assert all(map(same, alone, found))
    assert len({result.values["mean"] for result in alone}) == 4


def test_a_result_is_what_the_run_says():
    (result,) = run_all(jobs(1), metrics_of(NAMES, [SCENARIO]), latencies=True)
    run = ps.simulate(SCENARIO, seed=7)
    assert result.summary.latency == run.summary().latency
    assert result.summary.requests == run.summary().requests
    assert result.values["p99"] == run.summary().latency["p99"]
    ok = run.counted & (run.column("outcome") == Outcome.OK)
    assert result.latencies.tolist() == np.sort(run.column("latency")[ok]).tolist()


def test_progress_never_goes_back_and_ends_at_one():
    for workers in (1, 2):
        told = []
        run_all(jobs(3), workers=workers, progress=told.append)
        assert told == sorted(told)
        assert (told[0], told[-1]) == (0, 1)


def broken(_run):
    raise RunError("it broke", place="here")


def bug(_run):
    raise ZeroDivisionError("a bug")


@pytest.mark.parametrize("crew", [Alone(), Processes(2)])
def test_an_error_names_its_settings(crew):
    wrong = SimpleNamespace(name="wrong", value=broken)
    with pytest.raises(RunError, match=r"here: with shop\.count=3, replication 5: it broke"):
        run_all([Job(SCENARIO, 1, 5, "shop.count=3")], [wrong], crew=crew)


def test_a_bug_keeps_its_kind_and_says_where():
    wrong = SimpleNamespace(name="wrong", value=bug)
    with pytest.raises(ZeroDivisionError) as found:
        run_all([Job(SCENARIO, 1, 5, "shop.count=3")], [wrong])
    assert any("shop.count=3, replication 5, seed 1" in note for note in found.value.__notes__)


def test_what_is_not_wanted_any_more_is_not_run():
    seen = []
    counting = SimpleNamespace(name="counting", value=lambda _: seen.append(1))
    finished = carried_out(jobs(5), [counting], workers=1)
    next(finished)
    finished.close()
    assert len(seen) == 1


@pytest.mark.parametrize("workers", [0, -1, 1.5, True, "2"])
def test_only_so_many_can_work(workers):
    with pytest.raises(ResultError, match="workers"):
        crew_of(workers, 3)


def test_no_more_work_than_there_is_work_for():
    assert isinstance(crew_of(8, 1), Alone)
    assert crew_of(8, 3).workers == 3


INTERRUPTED = """
import sys
import proxysim as ps
from proxysim.studies.running import Job, run_all

scenario = ps.load("website-reverse-proxy").set({"run.duration": "5s", "run.warmup": "1s"})
try:
    run_all(
        [Job(scenario, 7, number) for number in range(1000)],
        workers=2,
        progress=lambda share: print(share, flush=True),
    )
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="process groups")
def test_an_interrupt_ends_all_workers_without_a_word():
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    ) as running:  # fmt: skip
        for _ in range(3):
            running.stdout.readline()
        os.killpg(running.pid, signal.SIGINT)
        _, errors = running.communicate(timeout=120)  # ends when the last worker has gone
    assert running.returncode == 130
    assert errors == ""


def test_workers_wait_for_no_more_than_they_need():
    """What a worker loads before its first run; scipy and pandas would double the time."""
    code = "import sys, proxysim.studies.running, proxysim.sim; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"matplotlib", "pandas", "scipy"} & set(found.stdout.split())
