"""A scenario's nodes and links, made into the network that its worlds use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from proxysim.scenario.nodes import Clients, ForwardProxy, ReverseProxy, Server
from proxysim.scenario.scenario import Scenario
from proxysim.topology import Network, Place, Wire

__all__ = ["conversations", "described", "network_of"]


def network_of(scenario: Scenario, counts: Mapping[str, int] | None = None) -> Network:
    """The network of *scenario*, with every conversation that it will hold checked.

    *counts* says how many members a group of clients has where a log decides that (see
    ``Workload.counts``). Raises TopologyError where one node cannot reach another.
    """
    document = scenario.document
    places = [
        Place(
            name,
            node.kind,
            (counts or {}).get(name, node.count if isinstance(node, Clients | Server) else 1),
            node.zone or "",
        )
        for name, node in document.nodes.items()
    ]
    wires = None
    if document.links is not None:
        wires = [
            Wire(
                (link.between[0], link.between[1]),
                link.latency,
                link.jitter,
                link.bandwidth,
                link.loss,
                link.shared,
                link.slow_start,
            )
            for link in document.links
        ]
    with scenario.located():
        return Network(places, wires, dict.fromkeys(conversations(scenario)))


def conversations(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Who opens connections to whom: clients and forward proxies onwards, reverse proxies back."""
    nodes = scenario.document.nodes
    for name, node in nodes.items():
        if isinstance(node, ReverseProxy):
            yield from ((name, backend) for backend in node.backend_names)
        elif isinstance(node, Clients):
            sites = node.sites if node.sites is not None else list(scenario.document.sites)
            asker, through = name, node.through
            passed = {asker}
            while through is not None and through not in passed:
                yield asker, through
                proxy = nodes[through]
                asker, through = (
                    through,
                    (proxy.through if isinstance(proxy, ForwardProxy) else None),
                )
                passed.add(asker)
            for site in sites:
                yield from ((asker, front) for front in scenario.fronts(site))


def described(network: Network) -> dict[str, Any]:
    """*network* in plain values, as ``run.topology`` holds it and charts read it.

    ``layers``: names from left to right; ``zones``: names by zone; ``nodes``: kind, group and count
    by name; ``links``: between, latency, jitter, bandwidth, loss and shared.
    """
    nodes = {}
    for place in network.places.values():
        single = place.kind == "clients"
        for name in [place.name] if single else map(place.member, range(place.count)):
            nodes[name] = {
                "kind": place.kind,
                "group": place.name,
                "count": place.count if single else 1,
            }
    wired: Iterable[tuple[str, str, Wire]] = network.graph.edges(data="wire")
    links = [
        {
            "between": [one, other],
            "latency": wire.latency,
            "jitter": wire.jitter,
            "bandwidth": wire.bandwidth,
            "loss": wire.loss,
            "shared": wire.shared,
        }
        for one, other, wire in wired
    ]
    return {
        "layers": [list(layer) for layer in network.layers()],
        "zones": {zone: list(names) for zone, names in network.zones().items()},
        "nodes": nodes,
        "links": links,
        "ideal": network.ideal,
    }
