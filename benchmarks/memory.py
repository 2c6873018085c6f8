"""Bytes that a request costs once it is over."""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import proxysim
from benchmarks.speed import queues

__all__ = ["kept_bytes", "main"]


def kept_bytes(requests: int, keep: str) -> dict[str, Any]:
    """The growth of a process of its own over one run of *requests*.

    ``kept`` is what the tables hold of it, ``peak`` the most the process grew by, both in bytes a
    request.
    """
    command = [sys.executable, "-m", "benchmarks.memory", str(requests), keep]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    arrived, kept, peak = (float(word) for word in done.stdout.split())
    return {
        "job": f"{requests:,} requests, rows kept: {keep}",
        "requests": int(arrived),
        "kept_bytes": kept / arrived,
        "peak_bytes": peak / arrived,
        "peak_total": peak,
        "target": {"peak_bytes": 250} if keep == "all" else {},
    }


def _peak() -> int:
    """The most bytes that this process has had in memory."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        # Where there is no /proc; elsewhere this figure would include the parent's.
        scale = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def main(requests: int, keep: Any) -> None:
    """Run once small, so that all is imported and warm, then *requests*; print the figures."""
    proxysim.simulate(queues(2000), seed=1, keep=keep)
    gc.collect()
    before = _peak()
    run = proxysim.simulate(queues(requests), seed=1, keep=keep)
    peak = _peak() - before
    table = run.tables["requests"]
    kept = sum(table.column(column.name).nbytes for column in table.columns)
    sys.stdout.write(f"{run.arrived} {kept} {peak}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
