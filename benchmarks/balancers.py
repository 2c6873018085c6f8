"""Choices a second of every balancer, and what it takes to build its tables.

``python -m benchmarks.balancers [--json] [--rounds N]``. Time is processor time, the median of
rounds. A choice is one call of ``choose``, with the request and the pool as a proxy has them: the
key is taken out of the request each time. *known*: 20,000 clients take turns, so their hashes are
remembered. *new*: no client was seen before, so every key is hashed.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import sys
from collections.abc import Callable, Sequence
from random import Random
from statistics import median
from time import process_time
from typing import Any

from proxysim.messages import Request
from proxysim.policies.backend import Backend
from proxysim.policies.balancers import BALANCERS, build_balancer
from proxysim.policies.hashing import ketama_ring, maglev_table

__all__ = ["build_times", "choice_speeds"]

BACKENDS = 64
CLIENTS = 20_000

#: Name -> least choices a second, of keys known; and name -> most seconds to build.
TARGETS = {"least_connections": 200_000, "ring": 1_000_000, "maglev": 1_000_000}
BUILD_TARGETS = {"maglev": 2.0}


def requests_of(clients: range) -> list[Request]:
    """One request each of these clients, for as many things."""
    return [
        Request(
            "GET",
            "https",
            "shop.example",
            443,
            f"/products/{number}?page=1",
            peer=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
        )
        for number in clients
    ]


def loaded_pool(backends: int) -> list[Backend]:
    """Backends with between 0 and 20 requests in flight."""
    rng = Random(1)
    return [Backend(f"shop-{number}", in_flight=rng.randrange(21)) for number in range(backends)]


def seconds_of(work: Callable[[], object]) -> float:
    gc.collect()
    began = process_time()
    work()
    return process_time() - began


def choosing(name: str, pool: Sequence[Backend], requests: Sequence[Request]) -> Callable[[], None]:
    """The work of placing all *requests*, by a balancer that knows none of them the first time."""
    balancer: Any = build_balancer(name, Random(1))
    balancer.choose(Request("GET", "https", "shop.example", 443, "/"), pool)  # tables are built
    if hasattr(balancer, "observe"):
        for number, backend in enumerate(pool):
            balancer.observe(backend, 0.1 + number / 1000, True, 0.0)
    choose = balancer.choose

    def work() -> None:
        for request in requests:
            choose(request, pool)

    return work


def choice_speeds(rounds: int, backends: int = BACKENDS) -> dict[str, dict[str, float]]:
    """Name -> choices a second, of clients ``new`` and ``known``."""
    pool = loaded_pool(backends)
    found: dict[str, dict[str, list[float]]] = {
        name: {"new": [], "known": []} for name in BALANCERS
    }
    for number in range(rounds):
        # Others in each round, for some remember keys longer than they live themselves.
        requests = requests_of(range(number * CLIENTS, (number + 1) * CLIENTS))
        for name, speeds in found.items():
            work = choosing(name, pool, requests)
            speeds["new"].append(CLIENTS / seconds_of(work))
            speeds["known"].append(CLIENTS / seconds_of(work))
    return {
        name: {which: median(values) for which, values in speeds.items()}
        for name, speeds in found.items()
    }


def build_times(rounds: int, backends: int = 1000) -> dict[str, float]:
    """Name -> seconds to build the table for that many backends, at the default sizes."""
    members = tuple((f"shop-{number}", 1.0) for number in range(backends))

    def built(table: Any, size: int) -> float:
        return median(seconds_of(lambda: table.__wrapped__(members, size)) for _ in range(rounds))

    return {"maglev": built(maglev_table, 65537), "ring": built(ketama_ring, 160)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.balancers")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    asked = parser.parse_args()
    speeds, builds = choice_speeds(asked.rounds), build_times(asked.rounds)
    if asked.json:
        found = {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "backends": BACKENDS,
            "choices_per_second": speeds,
            "build_seconds_of_1000": builds,
            "targets": {"choices_per_second": TARGETS, "build_seconds_of_1000": BUILD_TARGETS},
        }
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    sys.stdout.write(
        f"Python {platform.python_version()}, processor time; choices/s over {BACKENDS} backends\n"
        f"{'':<22}{'clients new':>14}{'clients known':>15}  target\n"
    )
    for name, found in speeds.items():
        target = f">= {TARGETS[name]:,}" if name in TARGETS else ""
        line = f"{name:<22}{found['new']:>14,.0f}{found['known']:>15,.0f}  {target}"
        sys.stdout.write(line.rstrip() + "\n")
    for name, seconds in builds.items():
        target = f"<= {BUILD_TARGETS[name]:g} s" if name in BUILD_TARGETS else ""
        line = f"{name}: to build for 1000 backends {seconds:>17.3f} s  {target}"
        sys.stdout.write(line.rstrip() + "\n")


if __name__ == "__main__":
    main()
