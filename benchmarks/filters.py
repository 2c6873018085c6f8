"""A block list of a million entries: ``python -m benchmarks.filters [--json] [--rounds N]``.

How long it takes to load, what it holds in memory, and how many hosts a second it judges. Time is
processor time, the median of rounds, but for loading, which is done once. *new*: no host was asked
for before; every other one is on the list. *known*: 4000 hosts take turns.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import subprocess
import sys
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from proxysim.messages import Request
from proxysim.policies.filters import build_filters
from proxysim.scenario.block_lists import list_in

__all__ = ["filter_speed", "measured"]

ENTRIES = 1_000_000
HOSTS = 200_000
KNOWN = 4000
TARGETS = {"load_seconds": 5.0, "per_second": 500_000}


def names(count: int, seed: int) -> list[str]:
    """Names of about twenty characters, as block lists have them."""
    rng = Random(seed)
    tops = ("com", "net", "org", "co.uk", "info")
    return [
        f"{rng.getrandbits(30):x}.{seed}{number:x}-ads.{tops[number % len(tops)]}"
        for number in range(count)
    ]


def written(listed: list[str], kind: str) -> str:
    prefix = "0.0.0.0 " if kind == "hosts" else ""
    return "# made by benchmarks.filters\n" + "".join(f"{prefix}{name}\n" for name in listed)


def memory() -> int:
    """Bytes that this process has in memory now; 0 where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


def measured(kind: str, rounds: int, entries: int = ENTRIES) -> dict[str, Any]:
    """The figures of one list of *kind* (``hosts`` or ``domains``), in this process."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "list"
        path.write_text(written(names(entries, 1), kind))
        gc.collect()
        before, began = memory(), process_time()
        found = list_in(path)
        seconds = process_time() - began
        gc.collect()
        held = memory() - before
    filters = build_filters([{"deny": {"category": "ads"}}], categories={"ads": found.names})
    listed = names(entries, 1)
    speeds: dict[str, list[float]] = {"new": [], "known": []}
    for number in range(rounds):
        first = number * HOSTS // 2 % max(1, entries - HOSTS // 2)
        mixed = [
            host
            for pair in zip(
                listed[first : first + HOSTS // 2], names(HOSTS // 2, number + 2), strict=False
            )
            for host in pair
        ]
        for which, hosts in (("new", mixed), ("known", mixed[:KNOWN] * (len(mixed) // KNOWN))):
            requests = [Request("GET", "http", host, 80, "/") for host in hosts]
            gc.collect()
            began = process_time()
            denied = sum(filters.judge(request, 0.0).denied for request in requests)
            speeds[which].append(len(requests) / (process_time() - began))
            assert denied == len(requests) // 2
    return {
        "job": f"{entries:,} entries, {kind}",
        "load_seconds": seconds,
        "held_bytes": held,
        "per_second": {which: median(found) for which, found in speeds.items()},
        "targets": TARGETS,
    }


def filter_speed(rounds: int) -> list[dict[str, Any]]:
    """The figures of each kind of list, each in a process of its own."""
    found = []
    for kind in ("hosts", "domains"):
        command = [sys.executable, "-m", "benchmarks.filters", "--kind", kind]
        command += ["--rounds", str(rounds)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.filters")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--kind", choices=("hosts", "domains"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.kind:
        sys.stdout.write(json.dumps(measured(asked.kind, asked.rounds)))
        return
    found = filter_speed(asked.rounds)
    if asked.json:
        told = {"python": platform.python_version(), "machine": platform.machine(), "lists": found}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    sys.stdout.write(f"Python {platform.python_version()}, processor time\n")
    for row in found:
        speeds = row["per_second"]
        sys.stdout.write(
            f"{row['job']}: loaded in {row['load_seconds']:.2f} s (<= 5 s),"
            f" {row['held_bytes'] / 1e6:.0f} MB; hosts/s: {speeds['new']:,.0f} new,"
            f" {speeds['known']:,.0f} known (>= 500,000)\n"
        )


if __name__ == "__main__":
    main()
