"""How often intervals from the whole simulator cover what theory tells: reported, not gated.

``python -m benchmarks.coverage [--json] [--repetitions 200] [--workers N]``. Each repetition makes
ten replications of an M/M/1 queue from its own seed, and one 95 % interval for the mean and for p95
of them. Under the 200, chance alone leaves 92 % to 98 % (two standard errors). The intervals
themselves are held to 93 to 97 % on 1,000 repetitions of an exact queue: tests/statistics.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from typing import Any

from proxysim import theory
from proxysim.scenario import load
from proxysim.statistics.intervals import mean_interval
from proxysim.studies.metrics import metric
from proxysim.studies.running import Job, run_all

REPLICATIONS = 10


def coverage(repetitions: int, workers: int | None) -> dict[str, Any]:
    scenario = load("one-server").set(
        {
            "run.duration": "45s",
            "run.warmup": "5s",
            "nodes.users.arrivals": {"poisson": "50/s"},
        }
    )
    exact = theory.of(scenario).of("server")[0].values
    wanted = {"mean": exact["response"], "p95": exact["p95"]}
    jobs = [
        Job(scenario, seed, replication)
        for seed in range(1, repetitions + 1)
        for replication in range(REPLICATIONS)
    ]
    began = time.perf_counter()
    results = run_all(jobs, [metric(name) for name in wanted], workers=workers)
    found: dict[str, Any] = {}
    for name, value in wanted.items():
        intervals = [
            mean_interval([r.values[name] for r in results[first : first + REPLICATIONS]])
            for first in range(0, len(results), REPLICATIONS)
        ]
        share = sum(value in interval for interval in intervals) / repetitions
        found[name] = {
            "covered": share,
            "standard_error": math.sqrt(share * (1 - share) / repetitions),
            "bias": sum(one.mean for one in intervals) / repetitions / value - 1,
        }
    return {
        "repetitions": repetitions,
        "replications": REPLICATIONS,
        "requests_a_run": round(sum(r.summary.requests["ok"] for r in results) / len(results)),
        "seconds": time.perf_counter() - began,
        **found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--workers", type=int, default=None)
    asked = parser.parse_args()
    found = coverage(asked.repetitions, asked.workers)
    if asked.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    sys.stdout.write(
        f"M/M/1 at .5, {found['repetitions']} repetitions of {found['replications']} runs with"
        f" {found['requests_a_run']:,} requests each, {found['seconds']:.0f} s\n"
    )
    for name in ("mean", "p95"):
        one = found[name]
        sys.stdout.write(
            f"{name:<5} covered {one['covered']:.1%} ± {one['standard_error']:.1%},"
            f" off by {one['bias']:+.2%} on average\n"
        )


if __name__ == "__main__":
    main()
