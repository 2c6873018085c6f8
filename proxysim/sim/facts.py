"""What the results are told of the nodes: plain values for tables and charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proxysim.scenario import nodes as said
from proxysim.sim.proxies import ProxyNode

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["facts_of"]


def facts_of(world: World) -> dict[str, dict[str, Any]]:
    """Facts by node and link, as :class:`proxysim.results.run.Run` describes them."""
    facts: dict[str, dict[str, Any]] = {}
    for group, node in world.scenario.document.nodes.items():
        if isinstance(node, said.Clients):
            facts[group] = {
                "kind": node.kind,
                "group": group,
                "count": world.workload.group(group).count,
            }
            continue
        for index, member in enumerate(world.scenario.members(group)):
            fact: dict[str, Any] = {"kind": node.kind, "group": group}
            if member in world.nodes:
                fact |= _of_node(world, member)
            if isinstance(node, said.Server):
                fact["workers"] = node.workers
                for name in ("speed", "weight"):
                    given = getattr(node, name)
                    fact[name] = given[index] if isinstance(given, list) else given
            elif isinstance(node, said.ProxyBase):
                fact["cache"] = node.cache is not None
                fact["cores"] = node.cores
            facts[member] = fact
    for direction in world.wires.directions.values():
        facts[direction.name] = {"kind": "link"}
    return facts


def _of_node(world: World, member: str) -> dict[str, Any]:
    node = world.nodes[member]
    fact: dict[str, Any] = {
        "address": node.address,
        "tls_cpu": world.tls_counted.get(member, 0.0),
    }
    if isinstance(node, ProxyNode):
        fact["connections"] = node.pool.opened
    return fact
