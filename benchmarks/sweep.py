"""A sweep of 64 cells on one worker, on two, killed and gone on with, and on a dask cluster.

``python -m benchmarks.sweep [--json] [--rounds N] [--quick]``. Wall-clock time of whole commands,
in turns, start-up of Python and of the workers included; wants a machine with two idle cores, and
less than two minutes of it. Cells that are timed are about as long as the scenario says, as those
of users are; cells that are killed, or on a cluster, are short: there it is about the bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

CELLS = 64
#: Seconds of simulated time: a cell about as long as the scenario has it, and a short one.
USUAL, SHORT = 60, 15


def command(duration: int, *arguments: str) -> list[str]:
    """Eight numbers of workers by eight loads, one replication each."""
    return [
        sys.executable, "-m", "proxysim", "sweep", "unequal-servers", "--json",
        "--over", "nodes.shop.workers=3..10", "--over", "load=0.3..1:8", "--replications", "1",
        "--set", f"run.duration={duration}s", "--set", "run.warmup=10s",
        "--metric", "mean", "--metric", "p99", *arguments,
    ]  # fmt: skip


def timed(arguments: list[str]) -> tuple[float, float, bytes, str]:
    """Seconds of the clock, and of processors; standard output, and standard error."""
    began, used = time.perf_counter(), processor_time()
    found = subprocess.run(arguments, capture_output=True, check=True)
    took = time.perf_counter() - began
    return took, processor_time() - used, found.stdout, found.stderr.decode()


def processor_time() -> float:
    """What all finished commands, and whatever they started, have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def speed(rounds: int, duration: int) -> dict[str, Any]:
    seconds: dict[int, list[float]] = {1: [], 2: []}
    processors: dict[int, list[float]] = {1: [], 2: []}
    answers = set()
    for _ in range(rounds):
        for workers in seconds:
            asked = command(duration, "--no-store", "--workers", str(workers))
            took, used, answer, _ = timed(asked)
            seconds[workers].append(took)
            processors[workers].append(used)
            answers.add(answer)
    one, two = median(seconds[1]), median(seconds[2])
    return {
        "one_worker": one, "two_workers": two, "ratio": two / one, "equal": len(answers) == 1,
        "more_work": median(processors[2]) / median(processors[1]) - 1, "rounds": seconds,
    }  # fmt: skip


def killed(answer: bytes, duration: int) -> dict[str, Any]:
    """Kill a sweep when a quarter is done, make it again, and hold it against the *answer*."""
    with tempfile.TemporaryDirectory() as place:
        store = Path(place) / "cells"
        whole = command(duration, "--workers", "2", "--store", str(store))
        with subprocess.Popen(
            whole, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as running:
            while cells(store) < CELLS // 4 and running.poll() is None:
                time.sleep(0.01)
            running.kill()
            os.killpg(running.pid, signal.SIGTERM)
        kept = {path: path.stat().st_mtime_ns for path in store.rglob("??/*.json")}
        *_, again, said = timed(whole)
        untouched = all(path.stat().st_mtime_ns == moment for path, moment in kept.items())
        return {
            "kept": len(kept), "made_again": cells(store) - len(kept), "cells": cells(store),
            "untouched": untouched, "equal": again == answer, "said": said.strip(),
        }  # fmt: skip


def cells(store: Path) -> int:
    return len(list(store.rglob("??/*.json")))


def on_dask(answer: bytes, duration: int) -> dict[str, Any]:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
    ) as cluster:
        took, _, found, _ = timed(
            command(duration, "--no-store", "--dask", cluster.scheduler_address)
        )
    return {"seconds": took, "equal": found == answer}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=2, help="interleaved rounds (default 2)")
    parser.add_argument("--quick", action="store_true", help="short cells; times say little")
    asked = parser.parse_args()
    fast = speed(asked.rounds, SHORT if asked.quick else USUAL)
    *_, answer, _ = timed(command(SHORT, "--no-store"))
    found = {
        "cells": CELLS,
        "speed": fast,
        "killed": killed(answer, SHORT),
        "dask": on_dask(answer, SHORT),
    }
    if asked.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    stop = found["killed"]
    rows = [
        ("64 cells on one worker", f"{fast['one_worker']:.1f} s", ""),
        ("64 cells on two workers", f"{fast['two_workers']:.1f} s", ""),
        ("  ratio of the two (medians)", f"{fast['ratio']:.2f}", "<= 0.60"),
        ("  more work of processors for it", f"{fast['more_work']:.0%}", ""),
        ("  the same bytes", str(fast["equal"]), "True"),
        ("killed: cells kept, made afterwards", f"{stop['kept']} + {stop['made_again']}", "64"),
        ("  what was kept was left alone", str(stop["untouched"]), "True"),
        ("  the same bytes", str(stop["equal"]), "True"),
        ("on a dask cluster of two workers", f"{found['dask']['seconds']:.1f} s", ""),
        ("  the same bytes", str(found["dask"]["equal"]), "True"),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for what, value, target in rows:
        sys.stdout.write(f"{what:<{widths[0]}}  {value:>{widths[1]}}  {target}".rstrip() + "\n")


if __name__ == "__main__":
    main()
