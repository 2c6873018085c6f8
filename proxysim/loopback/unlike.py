"""What a scenario says and a live run of it cannot do: told before, and beside its figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from proxysim.scenario import Scenario
from proxysim.scenario import nodes as said
from proxysim.scenario.build_topology import network_of

__all__ = ["unlike"]


def unlike(scenario: Scenario) -> list[str]:
    """A sentence for each thing that real sockets here do otherwise than *scenario* says."""
    return [*_nodes(scenario), *_events(scenario), *_wires(scenario)]


def _nodes(scenario: Scenario) -> Iterator[str]:
    encrypted = any(site.tls for site in scenario.document.sites.values())
    for name, node in scenario.document.nodes.items():
        if isinstance(node, said.ReverseProxy | said.Server) and node.early_data:
            yield (
                f"{name}: early data is not sent, as Python's TLS has none; who comes again"
                " resumes, in one round trip"
            )
        if isinstance(node, said.ProxyBase) and (node.cores or 1) > 1:
            yield f"{name}: a proxy is one process, on one core, not on {node.cores}"
        if isinstance(node, said.Server) and node.cores is not None and encrypted:
            yield f"{name}: all servers do their TLS on one core together, not on {node.cores} each"


def _events(scenario: Scenario) -> Iterator[str]:
    for event in scenario.document.events:
        node = scenario.document.nodes.get(event.node or "")
        if isinstance(node, said.ProxyBase) and event.slow is not None and event.slow < 1:
            yield f"{event.node}: slow: {event.slow:g} does nothing, as no proxy here can be faster"


def _wires(scenario: Scenario) -> Iterator[str]:
    """Wires whose bandwidth several processes would have to share."""
    nodes = scenario.document.nodes
    senders: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    network = network_of(scenario)
    for one, other in network.conversations:
        who = one if isinstance(nodes.get(one), said.ProxyBase) else "clients"
        for hop in network.route(one, other):
            if hop.wire.bandwidth and not hop.each:
                senders[hop.lane, " - ".join(hop.wire.between)].add(who)
    shared = {wire: sorted(found) for (_, wire), found in senders.items() if len(found) > 1}
    for wire, found in shared.items():
        yield f"{wire}: {' and '.join(found)} do not share it, but have its bandwidth each"
