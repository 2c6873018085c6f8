"""``python -m benchmarks [--json] [--quick]``: one table, medians of interleaved rounds."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from typing import Any

from benchmarks.filters import filter_speed
from benchmarks.memory import kept_bytes
from benchmarks.speed import queue_speed, website_speed


def lines(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What was measured, how much, and what it should be."""
    queue, site = found["queue"], found["website"]
    rows = [
        (f"{queue['job']}: SimPy by hand", f"{queue['simpy_per_second']:,.0f} /s", ""),
        (f"{queue['job']}: proxysim", f"{queue['per_second']:,.0f} /s", ""),
        ("  ratio of the two (median of rounds)", f"{queue['ratio']:.2f}", ">= 0.40"),
        (site["job"], f"{site['per_second']:,.0f} /s", ">= 15,000 /s"),
        # Machines differ: what the same machine does for a bare model is the fairer yardstick.
        (
            "  as a share of SimPy by hand",
            f"{site['per_second'] / queue['simpy_per_second']:.3f}",
            f"{15_000 / 178_000:.3f} is 15,000 of 178,000",
        ),
        ("  hit ratio at the edge", f"{site['hit_ratio']:.1%}", ""),
        ("  requests over TLS", f"{site['tls_share']:.1%}", ""),
    ]
    for found_list in found["filters"]:
        speeds = found_list["per_second"]
        rows += [
            (f"block list, {found_list['job']}", f"{found_list['load_seconds']:.2f} s", "<= 5 s"),
            ("  memory that it holds", f"{found_list['held_bytes'] / 1e6:.0f} MB", ""),
            ("  hosts never seen before", f"{speeds['new']:,.0f} /s", ">= 500,000 /s"),
        ]
    for memory in found["memory"]:
        rows.append((memory["job"], f"{memory['kept_bytes']:.0f} B each in tables", ""))
        if memory["target"]:
            rows.append(
                ("  most the process grew", f"{memory['peak_bytes']:.0f} B each", "<= 250 B")
            )
        else:
            rows.append(("  most the process grew", f"{memory['peak_total'] / 1e6:.1f} MB", "flat"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--quick", action="store_true", help="a fifth of the requests, no millions")
    asked = parser.parse_args()
    requests = 20_000 if asked.quick else 100_000
    sizes = (50_000, 200_000) if asked.quick else (200_000, 1_000_000)
    found = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "rounds": asked.rounds,
        "queue": queue_speed(asked.rounds, requests),
        "website": website_speed(asked.rounds),
        "filters": [] if asked.quick else filter_speed(asked.rounds),
        "memory": [kept_bytes(size, keep) for keep in ("all", "none") for size in sizes],
    }
    if asked.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    rows = lines(found)
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    sys.stdout.write(f"Python {found['python']}, processor time, {asked.rounds} rounds\n")
    for what, value, target in rows:
        sys.stdout.write(f"{what:<{widths[0]}}  {value:>{widths[1]}}  {target}".rstrip() + "\n")


if __name__ == "__main__":
    main()
