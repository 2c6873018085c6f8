"""How near a live run comes to the simulated one of the same requests, on a quiet machine.

    python -m benchmarks.live                    all of it, with 200 requests in a sequence
    python -m benchmarks.live queue proxy        some of them
    python -m benchmarks.live sequential --requests 1000 --scenario both-ends

Exit status 1 where a figure misses its mark. Live runs of a void round are told and left out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import proxysim as ps
from proxysim.loopback.crew import Crew
from proxysim.loopback.orders import Ready
from proxysim.loopback.running import tasks_of
from proxysim.results.decisions import disagreements
from proxysim.results.run import Run
from proxysim.scenario import Scenario, from_dict
from proxysim.scenario.build_workload import workload_of
from proxysim.workload.sequence import in_sequence

ROUNDS = 5
#: Seconds of each round.
LENGTH = 30.0
#: Requests a second for the shipped scenarios with a proxy: what a machine with two cores carries.
RATES = {
    "office-forward-proxy": ("nodes.staff.arrivals.poisson", "40/s"),
    "website-reverse-proxy": ("nodes.visitors.arrivals.poisson", "60/s"),
}
STOPS = 50

MISSED: list[str] = []


def mark(what: str, found: float, most: float, unit: str = "%") -> None:
    """Print a figure beside its mark."""
    fine = abs(found) <= most
    print(f"  {what:44} {found:+8.2f} {unit:7} mark {most:g}  {'' if fine else 'MISSED'}")
    if not fine:
        MISSED.append(what)


def queue(proxied: bool = False, costs: Path | None = None) -> Scenario:
    """M/M/1 at rho 0.8, of 10 ms demands; behind a reverse proxy where *proxied*."""
    nodes: dict[str, Any] = {
        "users": {"kind": "clients", "count": 100, "arrivals": {"poisson": "80/s"}},
        "server": {"kind": "server", "service": {"exponential": "10ms"}},
    }
    if proxied:
        nodes["edge"] = {
            "kind": "reverse_proxy",
            "sites": ["app.example"],
            "backends": "server",
            "cores": 1,
        }
    else:
        nodes["server"]["sites"] = ["app.example"]
    return from_dict(
        {
            "proxysim": 1,
            "title": "one queue",
            "run": {"duration": LENGTH, "warmup": 2.0, "seed": 1},
            "sites": {"app.example": {"objects": 100, "cacheable": "0%", "size": "1kB"}},
            "nodes": nodes,
            "costs": str(costs) if costs is not None else {},
        }
    )


def latencies(run: Run) -> np.ndarray:
    """Of the requests that count."""
    return run.column("latency")[run.counted]


def rounds(scenario: Scenario) -> Iterator[tuple[Run, Run]]:
    """Live and simulated runs of the same requests, round by round."""
    for replication in range(ROUNDS):
        live = ps.live(scenario, replication=replication)
        void = live.extra["live"]["void"]
        if void:
            print(f"  round {replication} is void: {void}")
            continue
        yield live, ps.simulate(scenario, replication=replication)


def held(name: str, scenario: Scenario, mean: float, p99: float) -> None:
    """The median difference of mean and p99 over the rounds."""
    print(name)
    found = []
    for live, simulated in rounds(scenario):
        one, other = latencies(live), latencies(simulated)
        found.append(
            (
                100 * (one.mean() / other.mean() - 1),
                100 * (np.quantile(one, 0.99) / np.quantile(other, 0.99) - 1),
            )
        )
        print(f"  mean {found[-1][0]:+.2f} %, p99 {found[-1][1]:+.2f} %")
    if not found:
        MISSED.append(f"{name}: every round is void")
        return
    mark("mean, median of rounds", statistics.median(row[0] for row in found), mean)
    mark("p99, median of rounds", statistics.median(row[1] for row in found), p99)


def seeds(_: argparse.Namespace) -> None:
    """The two seed scenarios at a rate that can be carried."""
    for name, (path, rate) in RATES.items():
        scenario = ps.load(name).set({"run.duration": LENGTH, "run.warmup": 5.0, path: rate})
        print(f"{name} at {rate}")
        live, simulated = ps.live(scenario), ps.simulate(scenario)
        if live.extra["live"]["void"]:
            print(f"  void: {live.extra['live']['void']}")
            MISSED.append(name)
            continue
        blocked = np.array([run.column("outcome") == 1 for run in (live, simulated)])
        mark("blocked or not, requests that differ", float((blocked[0] != blocked[1]).sum()), 0, "")
        mine, theirs = live.summary(), simulated.summary()
        for node, ratio in theirs.hit_ratio.items():
            if ratio is not None:
                mark(f"hit ratio of {node}", 100 * (mine.hit_ratio[node] - ratio), 1, "points")
        whole = sum(theirs.load.values())
        for server, count in theirs.load.items():
            share = 100 * (mine.load.get(server, 0) / sum(mine.load.values()) - count / whole)
            mark(f"share of the load, {server}", share, 2, "points")
        for quantile, most in (("p50", 10), ("p95", 15), ("p99", 15)):
            one, other = mine.latency[quantile], theirs.latency[quantile]
            within = max(most, 100 * 0.002 / other) if quantile != "p50" else most
            mark(quantile, 100 * (one / other - 1), within)
        same = live.views.astype(str).merge(simulated.views.astype(str), how="outer").shape[0]
        print(f"  who sees what: {same} kinds of sights in both together, {len(live.views)} live")


def sequential(options: argparse.Namespace) -> None:
    """Every shipped scenario, one request after another: all that is decided is to be equal."""
    for name in options.scenario or ps.shipped():
        scenario = ps.load(name)
        run = scenario.document.run
        groups = workload_of(scenario).groups
        ats = [
            turn.at
            for turn, _ in zip(
                in_sequence(groups, run.duration), range(options.requests + 1), strict=False
            )
        ]
        if len(ats) > options.requests:
            scenario = scenario.set(
                {"run.duration": ats[-1], "run.warmup": min(run.warmup, ats[-1] / 5)}
            )
        simulated = ps.simulate(scenario, sequential=True)
        live = ps.live(scenario, sequential=True)
        differing = disagreements(live, simulated)
        print(f"{name}: {len(simulated.table('requests')):,} requests")
        mark("decisions that differ", len(differing), 0, "")
        for row in differing[:3]:
            print(f"    {row}")
        seen, expected = sights(live), sights(simulated)
        mark("sights that differ", (seen - expected).total() + (expected - seen).total(), 0, "")
        mark(
            "nodes whose handshakes differ",
            len(handshakes(live) ^ handshakes(simulated)),
            0,
            "",
        )


def sights(run: Run) -> Counter[tuple[str, ...]]:
    """Who saw what of whom, and how often."""
    return Counter(map(tuple, run.views.astype(str).to_numpy().tolist()))


def handshakes(run: Run) -> set[tuple[str, str, int]]:
    """How often each node shook hands in full, and resumed."""
    return {
        (node, kind, count)
        for node, fact in run.facts.items()
        for kind, count in fact.get("handshakes", {}).items()
    }


def stops(_: argparse.Namespace) -> None:
    """Starts and stops in a row leave no process, descriptor or port."""
    scenario = queue(proxied=True)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count of names is wanted
    for _ in range(STOPS):
        with Crew(tasks_of(scenario, 1, 0, False, False, True)) as crew:
            crew.each(Ready)
    left = len(os.listdir("/proc/self/fd")) - before  # noqa: PTH208
    children = [
        place
        for place in Path("/proc").glob("[0-9]*/stat")
        if place.read_text().rpartition(")")[2].split()[1] == str(os.getpid())
    ]
    print(f"{STOPS} starts and stops")
    mark("descriptors left", left, 0, "")
    mark("processes left", len(children), 0, "")


def main() -> None:
    """Run what is named, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parts: dict[str, Callable[[argparse.Namespace], None]] = {
        "queue": lambda _: held("M/M/1, rho 0.8, 10 ms, no proxy", queue(), 3, 5),
        "proxy": lambda found: held(
            "the same through a reverse proxy", queue(proxied=True, costs=found.costs), 5, 5
        ),
        "seeds": seeds,
        "sequential": sequential,
        "stops": stops,
    }
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; default: all")
    parser.add_argument("--requests", type=int, default=200, help="of each sequential run")
    parser.add_argument(
        "--scenario", action="append", help="that is run in sequence, again for more; default: all"
    )
    parser.add_argument(
        "--costs", type=lambda text: Path(text).resolve(), help="a profile of proxysim calibrate"
    )
    options = parser.parse_args()
    for name in options.parts or parts:
        if name not in parts:
            parser.error(f"no part is called {name!r}: {', '.join(parts)}")
        parts[name](options)
    if MISSED:
        print(f"missed: {'; '.join(MISSED)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
