"""What the results are told of a scenario's nodes: plain values for tables and charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from proxysim.scenario import nodes as said
from proxysim.scenario.filtering import rule_words
from proxysim.scenario.scenario import Scenario

__all__ = ["facts_of"]


def facts_of(
    scenario: Scenario,
    counts: Mapping[str, int],
    found: Mapping[str, Mapping[str, Any]],
    matched: Mapping[str, Sequence[int]],
    wires: Iterable[str],
) -> dict[str, dict[str, Any]]:
    """Facts by node and link, as :class:`proxysim.results.run.Run` describes them.

    *counts* are the sizes of groups of clients. A world adds what it *found* of each member, how
    often each rule of a proxy's filters has *matched*, and the names of its *wires*.
    """
    facts: dict[str, dict[str, Any]] = {}
    for group, node in scenario.document.nodes.items():
        if isinstance(node, said.Clients):
            facts[group] = {"kind": node.kind, "group": group, "count": counts[group]}
            continue
        for index, member in enumerate(scenario.members(group)):
            fact: dict[str, Any] = {"kind": node.kind, "group": group, **found.get(member, {})}
            if isinstance(node, said.Server):
                fact["workers"] = node.workers
                for name in ("speed", "weight"):
                    given = getattr(node, name)
                    fact[name] = given[index] if isinstance(given, list) else given
            elif isinstance(node, said.ProxyBase):
                fact["cache"] = node.cache is not None
                fact["cores"] = node.cores
                if isinstance(node, said.ForwardProxy) and node.filters:
                    fact["rules"] = _rules(node, matched.get(member))
            facts[member] = fact
    return facts | {name: {"kind": "link"} for name in wires}


def _rules(node: said.ForwardProxy, matched: Sequence[int] | None) -> list[dict[str, Any]]:
    counts = matched or [0] * len(node.filters)
    return [
        {"rule": rule_words(rule.model_dump()), "because": rule.because, "matched": count}
        for rule, count in zip(node.filters, counts, strict=True)
    ]
