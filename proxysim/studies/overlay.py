"""What a formula says of a whole scenario's latency, where it is one queue and nothing else."""

from __future__ import annotations

from proxysim import theory
from proxysim.scenario import Scenario
from proxysim.scenario.nodes import ProxyBase, Server

__all__ = ["predicted"]

#: A metric, and what theory calls it.
_NAMES = {"mean": "response", "p50": "p50", "p95": "p95", "p99": "p99"}


def predicted(scenario: Scenario, metric: str) -> float | None:
    """The figure *metric* of *scenario* by theory, in seconds; None where there is none.

    Only where the servers' queue is all that takes time: no wires, no costs, no caches, no filters,
    one group of servers, and a formula for it that is no mere bound.
    """
    document = scenario.document
    servers = [name for name, node in document.nodes.items() if isinstance(node, Server)]
    caches = any(isinstance(node, ProxyBase) and node.cache for node in document.nodes.values())
    if metric not in _NAMES or document.links or document.costs or caches or len(servers) != 1:
        return None
    told = theory.of(scenario)
    if told.declined:
        return None
    found = told.of(servers[0])
    return found[0].values.get(_NAMES[metric]) if len(found) == 1 else None
