"""The menu of metrics: how each figure is read of one run.

A reading takes the run, and what stands after the metric's dot. All are over requests that arrive
in [warmup, duration); None where a run has no such thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from proxysim.results.columns import Outcome
from proxysim.results.run import Run
from proxysim.results.table import Array
from proxysim.statistics.fairness import jain_index, max_over_mean

__all__ = ["MENU", "Better", "Kind", "Of", "Reading", "quantile"]

Reading = Callable[[Run, str], float | None]
Better = Literal["less", "more", ""]
Of = Literal["", "node", "cache", "backend", "link", "outcome", "figure"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One entry of the menu.

    *unit* is ``s``, ``share``, ``1/s``, ``B``, or empty for plain numbers; *better* says which way
    is good, where one is. *of* says what may be named after a dot: a node, cache or backend of the
    scenario, a link, an outcome, a figure (mean, max, p99); *required* whether something must be.
    """

    read: Reading
    unit: str
    better: Better
    says: str
    of: Of = ""
    required: bool = False


def quantile(run: Run, figure: str) -> float | None:
    """The latency of ok answers at a *figure* such as p99.9; interpolated as in the summary."""
    known = run.summary().latency
    return known[figure] if figure in known else _quantile(_answered(run, "latency"), figure)


def _quantile(values: Array, figure: str) -> float | None:
    return float(np.quantile(values, float(figure[1:]) / 100)) if values.size else None


def _answered(run: Run, column: str) -> Array:
    values: Array = run.column(column)[run.counted & (run.column("outcome") == Outcome.OK)]
    return values


def _latency(figure: str, run: Run, _: str) -> float | None:
    return run.summary().latency[figure]


def _first_byte(run: Run, figure: str) -> float | None:
    known = run.summary().first_byte
    if figure in known:
        return known[figure]
    return _quantile(_answered(run, "first_byte") - _answered(run, "at"), figure)


def _part(column: str, run: Run, _: str) -> float | None:
    found = _answered(run, column)
    return float(found.mean()) if found.size else None


def _throughput(run: Run, _: str) -> float:
    return run.summary().throughput


def _offered(run: Run, _: str) -> float:
    return run.summary().requests["arrived"] / (run.duration - run.warmup)


def _errors(run: Run, _: str) -> float | None:
    requests = run.summary().requests
    wrong = requests["failed"] + requests["timed_out"] + requests["rejected"]
    return wrong / requests["arrived"] if requests["arrived"] else None


def _outcome(run: Run, name: str) -> float | None:
    requests = run.summary().requests
    return requests[name] / requests["arrived"] if requests["arrived"] else None


def _hit_ratio(run: Run, node: str) -> float | None:
    known = run.summary().hit_ratio
    if node or len(known) == 1:
        return known.get(node or next(iter(known)))
    states = run.summary().cache
    hits = states["hit"] + states["stale"]
    asked = hits + states["miss"] + states["revalidated"] + states["coalesced"]
    return hits / asked if asked else None


def _byte_hit_ratio(run: Run, node: str) -> float | None:
    return run.summary().byte_hit_ratio.get(node)


def _utilisation(run: Run, node: str) -> float | None:
    found = run.summary().utilisation
    if not node:
        return max(found.values(), default=None)
    mine = [share for name, share in found.items() if _is(run, name, node)]
    return sum(mine) / len(mine) if mine else None


def _load(run: Run, node: str) -> float | None:
    found = run.summary().load
    total = sum(found.values())
    mine = [count for name, count in found.items() if _is(run, name, node)]
    return sum(mine) / total if mine and total else None


def _imbalance(run: Run, _: str) -> float | None:
    found = list(run.summary().load.values())
    return max_over_mean(found) if sum(found) else None


def _fairness(run: Run, _: str) -> float | None:
    found = list(run.summary().load.values())
    return jain_index(found) if sum(found) else None


def _bytes(run: Run, link: str) -> float | None:
    mine = []
    for name, carried in run.summary().bytes.items():
        ends = name.split(">")
        groups = [str(run.fact(end).get("group") or end) for end in ends]
        if any(
            link in (f"{one}>{other}", f"{one}-{other}", f"{other}-{one}")
            for one, other in (ends, groups)
        ):
            mine.append(carried)
    return float(sum(mine)) if mine else None


def _bytes_down(run: Run, _: str) -> float:
    return float(run.summary().bytes_down)


def _attempts(run: Run, _: str) -> float | None:
    made = run.column("attempts")[run.counted]
    made = made[made > 0]
    return float(made.mean()) if made.size else None


def _encrypted(run: Run, _: str) -> float | None:
    return run.summary().encrypted


def _is(run: Run, member: str, node: str) -> bool:
    return node in (member, run.fact(member).get("group"))


#: By name; percentiles of latency (p50, p99.9) and ``cost`` are metrics besides.
MENU: dict[str, Kind] = {
    "mean": Kind(partial(_latency, "mean"), "s", "less", "mean latency of ok answers"),
    "max": Kind(partial(_latency, "max"), "s", "less", "longest latency of an ok answer"),
    "first_byte": Kind(
        _first_byte, "s", "less", "time to the first byte of ok answers", "figure", True
    ),
    "wait": Kind(partial(_part, "wait"), "s", "less", "mean of latency's part in queues"),
    "service": Kind(partial(_part, "service"), "s", "less", "mean of its part in workers"),
    "network": Kind(partial(_part, "network"), "s", "less", "mean of its part on links"),
    "cpu": Kind(partial(_part, "cpu"), "s", "less", "mean of its part on cores"),
    "throughput": Kind(_throughput, "1/s", "more", "ok answers a second: goodput"),
    "offered": Kind(_offered, "1/s", "", "requests that arrive a second"),
    "error_rate": Kind(
        _errors, "share", "less", "share of requests failed, timed out or rejected"
    ),
    "outcome": Kind(_outcome, "share", "", "share of requests that end so", "outcome", True),
    "hit_ratio": Kind(
        _hit_ratio, "share", "more",
        "share of what caches were asked that they answered, stale too; of one, or over all",
        "cache",
    ),
    "byte_hit_ratio": Kind(
        _byte_hit_ratio, "share", "more", "the same of one cache's bytes", "cache", True
    ),
    "utilisation": Kind(
        _utilisation, "share", "", "busy share of workers or cores; of one, or of the busiest",
        "node",
    ),
    "load": Kind(_load, "share", "", "share of the backends' requests", "backend", True),
    "imbalance": Kind(_imbalance, "", "less", "most requests of a backend, over the mean"),
    "fairness": Kind(_fairness, "", "more", "Jain's index of the backends' requests"),
    "bytes": Kind(_bytes, "B", "less", "carried by a link: A-B, or A>B one way", "link", True),
    "bytes_down": Kind(_bytes_down, "B", "", "bodies that clients received"),
    "attempts": Kind(_attempts, "", "less", "fetches a request, of requests that took any"),
    "encrypted": Kind(_encrypted, "share", "", "share of requests over TLS"),
}  # fmt: skip
