"""What the results are told of the nodes: plain values for tables and charts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxysim.proxies.forward import ForwardProxy
from proxysim.scenario import nodes as said
from proxysim.scenario.filtering import rule_words
from proxysim.sim.proxies import ProxyNode

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["facts_of", "matches_of"]


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
                if isinstance(node, said.ForwardProxy) and node.filters:
                    fact["rules"] = _rules(node, world.matched.get(member))
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


def matches_of(nodes: Mapping[str, Any]) -> dict[str, list[int]]:
    """How often each rule of each proxy's filters has matched so far."""
    return {
        name: list(node.proxy.filters.counts)
        for name, node in nodes.items()
        if isinstance(node, ProxyNode)
        and isinstance(node.proxy, ForwardProxy)
        and node.proxy.filters is not None
    }


def _rules(node: said.ForwardProxy, matched: list[int] | None) -> list[dict[str, Any]]:
    counts = matched or [0] * len(node.filters)
    return [
        {"rule": rule_words(rule.model_dump()), "because": rule.because, "matched": count}
        for rule, count in zip(node.filters, counts, strict=True)
    ]
