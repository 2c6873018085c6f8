"""Replacement policies: ``python -m benchmarks.eviction [--json] [--rounds N]``.

Requests per second of processor time over the golden trace (Zipf 1.0, 10,000 objects, 200,000
requests, room for 1000), beside a bare OrderedDict loop in the same rounds, libcachesim, and
cachetools where it is installed.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from random import Random
from statistics import median
from time import process_time
from typing import Any

import numpy as np

from proxysim.policies.eviction import EVICTIONS, OFFLINE, build_eviction, build_offline
from proxysim.policies.eviction.base import Eviction

__all__ = ["eviction_speed"]

CAPACITY = 1000
BARE = "bare OrderedDict loop"
#: What is promised, as a share of the bare loop.
TARGETS = {"lru": 1 / 3, "sieve": 1 / 3}


def golden_trace() -> list[int]:
    rng = np.random.default_rng(7)
    p = 1 / np.arange(1, 10_001)
    p /= p.sum()
    ids: list[int] = np.searchsorted(np.cumsum(p), rng.random(200_000)).clip(0, 9999).tolist()
    return ids


def bare_loop(trace: Sequence[int]) -> int:
    kept: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for key in trace:
        if key in kept:
            kept.move_to_end(key)
            hits += 1
        else:
            if len(kept) >= CAPACITY:
                kept.popitem(last=False)
            kept[key] = None
    return hits


def policy_loop(make: Callable[[], Eviction], trace: Sequence[int]) -> int:
    policy = make()
    touch, insert = policy.touch, policy.insert
    hits = 0
    for key in trace:
        if touch(key):
            hits += 1
        else:
            insert(key, 1)
    return hits


def libcachesim_loop(name: str, trace: Sequence[int]) -> int:
    library = import_module("libcachesim")
    get = getattr(library, name)(CAPACITY, hashpower=14).get
    request = library.Request()
    request.obj_size = 1
    hits = 0
    for key in trace:
        request.obj_id = key
        hits += get(request)
    return hits


def cachetools_loop(name: str, trace: Sequence[int]) -> int:
    kept = getattr(import_module("cachetools"), name)(CAPACITY)
    hits = 0
    for key in trace:
        if key in kept:
            kept[key]
            hits += 1
        else:
            kept[key] = None
    return hits


def jobs(trace: list[int]) -> dict[str, Callable[[], int]]:
    """Name of the loop -> the loop, which returns its hits."""
    found: dict[str, Callable[[], int]] = {BARE: partial(bare_loop, trace)}
    for name in EVICTIONS:
        make = partial(build_eviction, name, CAPACITY, Random(1))
        found[name] = partial(policy_loop, make, trace)
    for name in OFFLINE:
        offline = partial(build_offline, name, CAPACITY, trace)
        found[name] = partial(policy_loop, offline, trace)
    for library, loop, names in (
        ("libcachesim", libcachesim_loop, ["LRU", "FIFO", "Sieve", "S3FIFO", "ARC", "WTinyLFU"]),
        ("cachetools", cachetools_loop, ["LRUCache", "FIFOCache", "LFUCache"]),
    ):
        try:
            import_module(library)
        except ImportError:
            continue
        for name in names:
            found[f"{library} {name}"] = partial(loop, name, trace)
    return found


def eviction_speed(rounds: int) -> dict[str, Any]:
    """Each loop once a round, in turns; medians of speeds, and of ratios within a round."""
    trace = golden_trace()
    loops = jobs(trace)
    speeds: dict[str, list[float]] = {name: [] for name in loops}
    hits: dict[str, int] = {}
    for number in range(-1, rounds):  # once more at first, to warm up
        for name, loop in loops.items():
            gc.collect()
            began = process_time()
            hits[name] = loop()
            if number >= 0:
                speeds[name].append(len(trace) / (process_time() - began))
    return {
        "job": f"{len(trace):,} requests, Zipf 1.0 over 10,000 objects, room for {CAPACITY}",
        "policies": {
            name: {
                "per_second": median(found),
                "ratio": median(a / b for a, b in zip(found, speeds[BARE], strict=True)),
                "hit_ratio": hits[name] / len(trace),
                "target": TARGETS.get(name),
            }
            for name, found in speeds.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eviction", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    asked = parser.parse_args()
    found = {"python": platform.python_version(), "rounds": asked.rounds}
    found |= eviction_speed(asked.rounds)
    if asked.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    sys.stdout.write(f"{found['job']}; Python {found['python']}, {asked.rounds} rounds\n")
    for name, row in found["policies"].items():
        target = f"  >= {row['target']:.2f}" if row["target"] else ""
        sys.stdout.write(
            f"{name:<24} {row['per_second']:>12,.0f} /s  {row['ratio']:>5.2f} of the bare loop"
            f"  {row['hit_ratio']:.4f} hits{target}\n"
        )


if __name__ == "__main__":
    main()
