"""What a formula says of a whole scenario's latency, where it is one queue and nothing else."""

from __future__ import annotations

from proxysim import theory
from proxysim.scenario import Scenario
from proxysim.scenario.nodes import ProxyBase, Server
from proxysim.theory import Prediction

__all__ = ["predicted", "whole_latency"]

#: A metric, and what theory calls it.
_NAMES = {"mean": "response", "p50": "p50", "p95": "p95", "p99": "p99"}


def predicted(scenario: Scenario, metric: str) -> float | None:
    """The figure *metric* of *scenario* by theory, in seconds; None where there is none.

    See :func:`whole_latency`.
    """
    found = whole_latency(scenario) if metric in _NAMES else None
    return None if found is None else found.values.get(_NAMES[metric])


def whole_latency(scenario: Scenario) -> Prediction | None:
    """The prediction that holds for clients' latency; None where there is none.

    Only where the servers' queue is all that takes time: no wires, no costs, no caches, no filters,
    one group of servers, and a formula for it that is no mere bound.
    """
    document = scenario.document
    servers = [name for name, node in document.nodes.items() if isinstance(node, Server)]
    proxies = [node for node in document.nodes.values() if isinstance(node, ProxyBase)]
    caches = any(node.cache for node in proxies)
    # Without a proxy or TLS there is nobody whose steps have a cost.
    costs = document.costs and (proxies or any(site.tls for site in document.sites.values()))
    if document.links or costs or caches or len(servers) != 1:
        return None
    told = theory.of(scenario)
    if told.declined:
        return None
    found = told.of(servers[0])
    return found[0] if len(found) == 1 else None
