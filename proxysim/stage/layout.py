"""Where everything stands on the stage: nodes left to right, zones of trust, links."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from proxysim.results.run import Run
from proxysim.results.table import natural

__all__ = ["Layout", "laid_out"]

#: Members of a group of servers that stand one by one; a larger group is one icon.
MOST_MEMBERS = 8
_KINDS = ("clients", "forward_proxy", "router", "reverse_proxy", "server")
_TOLD = ("address", "workers", "cores", "speed", "weight", "cache", "rules")


@dataclass(slots=True)
class Layout:
    """The icons, and which of them each node of the run is drawn as.

    ``nodes`` are plain values: ``name kind zone count x y`` (x and y from 0 to 1: the share of the
    way from the clients to the servers, and across), and what the run tells of each. ``links`` are
    pairs of places in ``nodes`` with their ``latency``, ``bandwidth`` and ``loss``.
    """

    nodes: list[dict[str, Any]]
    zones: list[str]
    links: list[dict[str, Any]]
    _icons: dict[str, int]
    _near: dict[int, list[int]] = field(default_factory=dict)

    def icon(self, name: str) -> int | None:
        """The icon that stands for the node *name*, a member without its own too."""
        found = self._icons.get(name)
        if found is None:
            group, _, number = name.rpartition("-")
            found = self._icons.get(group) if number.isdecimal() else None
        return found

    def way(self, start: int, end: int) -> list[int]:
        """The icons from *start* to *end* over the fewest links; both alone where none lead there.

        O(links).
        """
        before = {start: start}
        waiting = deque([start])
        while waiting and end not in before:
            here = waiting.popleft()
            for beyond in self._near.get(here, ()):
                if beyond not in before:
                    before[beyond] = here
                    waiting.append(beyond)
        if end not in before:
            return [start, end]
        way = [end]
        while way[-1] != start:
            way.append(before[way[-1]])
        return way[::-1]


def laid_out(run: Run) -> Layout:
    """The layout of *run*: from its topology or, without one, from the kinds of its nodes."""
    told: dict[str, dict[str, Any]] = run.topology.get("nodes") or {
        name: fact for name, fact in run.facts.items() if fact.get("kind") in _KINDS
    }
    layers: list[list[str]] = [list(layer) for layer in run.topology.get("layers") or ()]
    if not layers:
        layers = [[n for n, fact in told.items() if fact.get("kind") == kind] for kind in _KINDS]
    zone_of = {
        name: zone for zone, names in (run.topology.get("zones") or {}).items() for name in names
    }
    sizes: dict[str, int] = {}
    for fact in told.values():
        group = str(fact.get("group"))
        sizes[group] = sizes.get(group, 0) + 1

    columns: list[list[str]] = []
    icons: dict[str, str] = {}
    for layer in layers:
        column: dict[str, None] = {}
        for name in layer:
            fact = told.get(name, {})
            group = str(fact.get("group") or name)
            together = sizes.get(group, 1) > MOST_MEMBERS or fact.get("kind") == "clients"
            icons[name] = group if together else name
            column[icons[name]] = None
        if column:
            columns.append(list(column))
    nodes: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}
    for place, icons_here in enumerate(columns):
        for row, icon in enumerate(icons_here):
            members = [name for name, its in icons.items() if its == icon]
            fact = run.facts.get(members[0], {}) | told.get(members[0], {})
            together = icon != members[0] or fact.get("kind") == "clients"
            numbers[icon] = len(nodes)
            nodes.append(
                {
                    "name": icon,
                    "kind": str(fact.get("kind", "")),
                    "zone": zone_of.get(members[0], ""),
                    "count": max(int(fact.get("count") or 1), len(members)) if together else 1,
                    "x": place / max(1, len(columns) - 1),
                    "y": (row + 0.5) / len(icons_here),
                    **{key: fact[key] for key in _TOLD if fact.get(key) is not None},
                }
            )
    by_name = {name: numbers[icon] for name, icon in icons.items()} | numbers
    for name, fact in told.items():
        group = str(fact.get("group") or name)
        if name in by_name:
            by_name.setdefault(group, by_name[name])
    links = _links(run, by_name)
    near: dict[int, list[int]] = {}
    for link in links:
        a, b = link["between"]
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    _set_in_rows(nodes, near)
    return Layout(nodes, list(dict.fromkeys(n["zone"] for n in nodes)), links, by_name, near)


def _set_in_rows(nodes: list[dict[str, Any]], near: dict[int, list[int]]) -> None:
    """Move each node, column by column, beside those to its left that it is joined to.

    So a link that skips a column passes beside what stands there (Sugiyama et al. 1981).
    """
    for x in sorted({node["x"] for node in nodes}):
        column = [number for number, node in enumerate(nodes) if node["x"] == x]
        wanted = {}
        for number in column:
            left = [nodes[other]["y"] for other in near.get(number, ()) if nodes[other]["x"] < x]
            wanted[number] = sum(left) / len(left) if left else nodes[number]["y"]
        if len(column) == 1:
            nodes[column[0]]["y"] = wanted[column[0]]
            continue
        for row, number in enumerate(sorted(column, key=lambda number: wanted[number])):
            nodes[number]["y"] = (row + 0.5) / len(column)


def _links(run: Run, icons: dict[str, int]) -> list[dict[str, Any]]:
    given = run.topology.get("links")
    if not given:
        names = {*run.names("node", "nodes"), *run.names("node", "hops")}
        given = [
            {"between": name.split(">", 1)} for name in sorted(names, key=natural) if ">" in name
        ]
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for link in given:
        ends = [icons.get(end) for end in link["between"]]
        if None in ends or ends[0] == ends[1]:
            continue
        pair = (min(ends), max(ends))  # type: ignore[type-var]
        told = {key: link[key] for key in ("latency", "bandwidth", "loss") if link.get(key)}
        found.setdefault(pair, {"between": list(pair)} | told)  # type: ignore[arg-type]
    return list(found.values())
