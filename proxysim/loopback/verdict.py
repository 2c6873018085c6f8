"""Whether a live run may be believed: had the clients time enough to ask when they were to?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from proxysim.loopback.orders import Report, Task

if TYPE_CHECKING:
    from proxysim.loopback.joining import Joint

__all__ = ["verdict"]

#: The generator was the bottleneck where its 99th percentile is later than so many seconds,
LATE = 0.010
#: or where it kept a core busy for more than this share of the time.
BUSY = 0.9
#: The share of a core that it can spend and still be in time.
SOUND = 0.7


def verdict(
    joint: Joint, tasks: Sequence[Task], reports: Sequence[Report], *, sequential: bool
) -> dict[str, Any]:
    """How late the clients were, what each process spent, and ``void``: why not to believe the run.

    ``carried`` is the rate, in requests a second, that the busiest process could have carried.
    """
    p50, p99 = joint.lateness() or (None, None)
    clients = joint.client_report
    length = max(clients.seconds, 1e-9)
    shares = {
        task.part if task.part != "proxy" else task.names[0]: report.cpu / length
        for task, report in zip(tasks, reports, strict=True)
    }
    rate = joint.clients["arrived"] / length
    busiest = max(shares, key=lambda name: shares[name])
    cores = os.cpu_count() or 1
    together = sum(shares.values()) / cores
    carried = rate * SOUND / max(shares[busiest], together, 1e-9)
    found: dict[str, Any] = {
        "lateness_p50": p50,
        "lateness_p99": p99,
        "cpu": {name: round(share, 4) for name, share in shares.items()},
        "rate": rate,
        "carried": carried,
        "void": None,
    }
    if sequential or p99 is None:
        return found
    if p99 > LATE:
        found["void"] = (
            f"one request in a hundred was sent more than {p99 * 1e3:.0f} ms late, at"
            f" {rate:.0f} a second"
        )
    elif shares["clients"] > BUSY:
        found["void"] = f"the clients kept a core busy {shares['clients']:.0%} of the time"
    return found
