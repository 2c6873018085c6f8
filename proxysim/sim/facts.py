"""What a simulated run finds out of its nodes, for the results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxysim.proxies.forward import ForwardProxy
from proxysim.sim.proxies import ProxyNode

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["found_in", "matches_of"]


def found_in(world: World) -> dict[str, dict[str, Any]]:
    """Of each node its address, what TLS took it, its handshakes, the connections it opened."""
    found = {}
    for member, node in world.nodes.items():
        fact: dict[str, Any] = {
            "address": node.address,
            "tls_cpu": world.tls_counted.get(member, 0.0),
            "handshakes": dict(node.handshakes),
        }
        if isinstance(node, ProxyNode):
            fact["connections"] = node.pool.opened
        found[member] = fact
    return found


def matches_of(nodes: Mapping[str, Any]) -> dict[str, list[int]]:
    """How often each rule of each proxy's filters has matched so far."""
    return {
        name: list(node.proxy.filters.counts)
        for name, node in nodes.items()
        if isinstance(node, ProxyNode)
        and isinstance(node.proxy, ForwardProxy)
        and node.proxy.filters is not None
    }
