"""How busy servers were, from the run's time windows: for runs of which only a sample is played."""

from __future__ import annotations

import math
from typing import Any

from proxysim.results.run import Run
from proxysim.stage.layout import Layout

__all__ = ["measured"]


def measured(run: Run, layout: Layout) -> dict[str, Any]:
    """``start`` of each window, and by icon of servers the means of utilisation and queue in it.

    Of a group that is one icon: the mean of its members' utilisation, the sum of their queues.
    """
    table = run.table("nodes")
    names = table.names("node")
    servers = {
        code: layout.icon(name)
        for code, name in enumerate(names)
        if run.fact(name).get("kind") == "server"
    }
    starts = sorted(set(table.column("start").tolist()))
    place = {start: number for number, start in enumerate(starts)}
    busy: dict[int, list[list[float]]] = {}
    queue: dict[int, list[float]] = {}
    columns = (table.column(c).tolist() for c in ("node", "start", "utilisation", "queue"))
    for code, start, share, waiting in zip(*columns, strict=True):
        icon = servers.get(code)
        if icon is None:
            continue
        if not math.isnan(share):
            busy.setdefault(icon, [[] for _ in starts])[place[start]].append(share)
        queue.setdefault(icon, [0.0] * len(starts))[place[start]] += waiting
    return {
        "start": starts,
        "utilisation": {
            icon: [round(sum(part) / len(part), 4) if part else 0.0 for part in parts]
            for icon, parts in busy.items()
        },
        "queue": {icon: [round(mean, 2) for mean in means] for icon, means in queue.items()},
    }
