"""Nodes and links as a graph: who reaches whom, over which wires, and at which address.

Only routers pass traffic on. Clients, proxies and servers are where a route ends: a proxy that is
asked makes a journey of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import pairwise

import networkx as nx

from proxysim.errors import TopologyError, did_you_mean
from proxysim.topology.addresses import Addresses, counts
from proxysim.topology.places import CLIENTS, ROUTER, Hop, Place, Wire

__all__ = ["Network"]

#: Whose network a node stands in, where the scenario does not say.
_ZONES = {
    CLIENTS: "clients' side",
    "forward_proxy": "clients' side",
    ROUTER: "internet",
    "reverse_proxy": "servers' side",
    "server": "servers' side",
}


class Network(Addresses):
    """The graph of *places* joined by *wires*.

    A group of clients is one node of the graph; every other member is a node of its own. Without
    *wires* (None) whoever talks is joined by an ideal wire. *conversations* are pairs of names
    (groups, or members) that will talk; all are checked, and :class:`TopologyError` says which
    cannot reach the other and what to add. They also say what stands left and right in pictures.
    """

    def __init__(
        self,
        places: Iterable[Place],
        wires: Sequence[Wire] | None = None,
        conversations: Iterable[tuple[str, str]] = (),
    ) -> None:
        super().__init__(places)
        self.wires = None if wires is None else tuple(wires)
        self.graph: nx.Graph[str] = nx.Graph()
        self._owner: dict[str, Place] = {}
        for place in self.places.values():
            for name in self._nodes_of(place):
                if name in self._owner:
                    raise TopologyError(
                        f"{name!r} is both a node and a member of a group",
                        place=f"nodes.{place.name}",
                        mend="Rename one of them.",
                    )
                self._owner[name] = place
                self.graph.add_node(name, kind=place.kind, zone=self._zone_of(place))
        self._hops: dict[tuple[str, str], Hop] = {}
        self._routes: dict[tuple[str, str], tuple[Hop, ...]] = {}
        self._routers: dict[str, tuple[str, ...]] = {}
        self._lay()
        self.conversations = tuple(
            (one, other)
            for left, right in conversations
            for one in self._expand(left, "conversations")
            for other in self._expand(right, "conversations")
        )
        for one, other in self.conversations:
            self.route(one, other)

    @property
    def ideal(self) -> bool:
        """Whether no links were given, so that everyone is joined at no cost."""
        return self.wires is None

    def route(self, a: str, b: str) -> tuple[Hop, ...]:
        """The hops from *a* to *b*: least latency, then fewest hops, then first by name.

        Answers go back the same way: ``route(b, a)`` is its mirror. A member of a group of clients
        goes by the group's route. Raises TopologyError where there is no way.
        """
        found = self._routes.get((a, b))
        if found is None:
            found = self._routes[a, b] = self._find(self.node(a), self.node(b))
        return found

    def rtt(self, a: str, b: str) -> float:
        """Seconds from *a* to *b* and back, without jitter or queueing."""
        return 2 * sum(hop.wire.latency for hop in self.route(a, b))

    def joins(self, a: str, b: str) -> tuple[Hop, ...]:
        """All hops of the link between *a* and *b* (nodes or groups), in both directions."""
        pairs = [
            (one, other) for one in self._expand(a, "link") for other in self._expand(b, "link")
        ]
        if self.ideal:
            for one, other in pairs:
                self.route(one, other)
        found = [
            self._hops[pair]
            for one, other in pairs
            for pair in ((one, other), (other, one))
            if pair in self._hops
        ]
        if not found:
            raise TopologyError(
                f"no link joins {a!r} and {b!r}",
                mend=f"Links: {', '.join(sorted(self._hops_by_name())) or 'none'}.",
            )
        return tuple(found)

    def node(self, name: str) -> str:
        """The graph's node for *name*: itself, or the group of a member of clients."""
        if name in self._owner:
            return name
        group, _, number = name.rpartition("-")
        place = self.places.get(group)
        if place is not None and place.kind == CLIENTS and counts(number, place.count):
            return group
        raise TopologyError(f"there is no node {name!r}", mend=did_you_mean(name, self._owner))

    # Pictures

    def zone(self, name: str) -> str:
        """Whose network the node *name* stands in."""
        return self._zone_of(self._owner[self.node(name)])

    def zones(self) -> dict[str, tuple[str, ...]]:
        """The nodes of the graph by zone, from the clients to the servers."""
        found: dict[str, list[str]] = {}
        for layer in self.layers():
            for name in layer:
                found.setdefault(self.zone(name), []).append(name)
        return {zone: tuple(names) for zone, names in found.items()}

    def layers(self) -> tuple[tuple[str, ...], ...]:
        """The nodes of the graph from left (clients) to right (servers), for pictures.

        Each stands to the right of all that reach servers through it; servers stand last. What
        takes part in no conversation stands by its kind.
        """
        ahead: nx.DiGraph[str] = nx.DiGraph()
        ahead.add_nodes_from(self.graph)
        for one, other in self.conversations:
            ahead.add_edges_from((hop.start, hop.end) for hop in self.route(one, other))
        # Routes that meet head on make a ring; its nodes share a layer.
        rings = nx.condensation(ahead)
        level: dict[int, int] = {}
        for ring in nx.topological_sort(rings):
            level[ring] = max((level[before] + 1 for before in rings.predecessors(ring)), default=0)
        last = max(level.values(), default=0)
        ranks: dict[str, int] = {}
        for ring, names in rings.nodes(data="members"):
            for name in names:
                alone = not ahead.degree(name) and self.graph.nodes[name]["kind"] != CLIENTS
                server = self.graph.nodes[name]["kind"] == "server"
                ranks[name] = last if server else (last + 1) // 2 if alone else level[ring]
        layers: dict[int, list[str]] = {}
        for name in self.graph:
            layers.setdefault(ranks[name], []).append(name)
        return tuple(tuple(layers[rank]) for rank in sorted(layers))

    # Building

    @staticmethod
    def _nodes_of(place: Place) -> Iterator[str]:
        if place.kind == CLIENTS:
            yield place.name
        else:
            yield from (place.member(index) for index in range(place.count))

    @staticmethod
    def _zone_of(place: Place) -> str:
        return place.zone or _ZONES[place.kind]

    def _expand(self, name: str, where: str) -> list[str]:
        """The graph's nodes that *name*, a node or a group, stands for."""
        if name in self.places:
            return list(self._nodes_of(self.places[name]))
        if name in self._owner:
            return [name]
        known = dict.fromkeys([*self.places, *self._owner])
        raise TopologyError(
            f"there is no node {name!r}", place=where, mend=did_you_mean(name, known)
        )

    def _lay(self) -> None:
        """Join what the wires join; a wire to a single member goes before one to its group."""
        said: dict[frozenset[str], Wire] = {}
        for index, wire in enumerate(self.wires or ()):
            where = f"links.{index}"
            a, b = wire.between
            if a == b:
                raise TopologyError(
                    f"a link joins {a!r} to itself", place=where, mend="Name two nodes."
                )
            for one in self._expand(a, where):
                for other in self._expand(b, where):
                    pair = frozenset((one, other))
                    before = said.get(pair)
                    if before is None or _groups(wire, pair) < _groups(before, pair):
                        said[pair] = wire
                        self._join(wire, one, other)
                    elif _groups(wire, pair) == _groups(before, pair):
                        raise TopologyError(
                            f"a second link joins {one!r} and {other!r}",
                            place=where,
                            mend="Keep one of the two.",
                        )

    def _join(self, wire: Wire, one: str, other: str) -> None:
        self.graph.add_edge(one, other, wire=wire)
        kinds = {self._owner[one].kind, self._owner[other].kind}
        ends = dict(zip((one, other), wire.between, strict=True))
        for start, end in ((one, other), (other, one)):
            lane = f"{ends[start]}>{ends[end]}" if wire.shared else f"{start}>{end}"
            each = CLIENTS in kinds and not wire.shared
            self._hops[start, end] = Hop(wire, start, end, lane, each)

    # Routes

    def _find(self, a: str, b: str) -> tuple[Hop, ...]:
        if a == b:
            return ()
        if self.ideal:
            if (a, b) not in self._hops:
                self._join(Wire((a, b)), a, b)
            return (self._hops[a, b],)
        # Looked for in one direction only, so that both use the same wires.
        first, last = sorted((a, b))
        way = self._shortest(first, last)
        if way is None:
            raise self._unreachable(a, b)
        if first != a:
            way = way[::-1]
        return tuple(self._hops[pair] for pair in pairwise(way))

    def _shortest(self, a: str, b: str) -> tuple[str, ...] | None:
        """Dijkstra's way from *a* to *b* whose inner nodes are routers."""
        seen: set[str] = set()
        edge: list[tuple[int, int, tuple[str, ...]]] = [(0, 1, (a,))]
        while edge:
            latency, nodes, way = heappop(edge)
            here = way[-1]
            if here == b:
                return way
            if here in seen:
                continue
            seen.add(here)
            wires = self.graph.adj[here]
            for beyond in (*self._routers_by(here), *((b,) if b in wires else ())):
                if beyond not in seen:
                    # In picoseconds, so that sums taken in another order are still ties.
                    further = latency + round(wires[beyond]["wire"].latency * 1e12)
                    heappush(edge, (further, nodes + 1, (*way, beyond)))
        return None

    def _routers_by(self, name: str) -> tuple[str, ...]:
        """The routers that a wire joins *name* to: all that may stand between two others."""
        found = self._routers.get(name)
        if found is None:
            found = self._routers[name] = tuple(
                beyond for beyond in self.graph.adj[name] if self._owner[beyond].kind == ROUTER
            )
        return found

    def _unreachable(self, a: str, b: str) -> TopologyError:
        # Links join groups, never one member alone.
        ends = f"{self._owner[a].name}, {self._owner[b].name}"
        mend = f"Add a link such as {{between: [{ends}]}}."
        if nx.has_path(self.graph, a, b):
            inner = next(
                name
                for name in nx.shortest_path(self.graph, a, b)[1:-1]
                if self._owner[name].kind != ROUTER
            )
            kind = self._owner[inner].kind.replace("_", " ")
            return TopologyError(
                f"{a!r} cannot reach {b!r}: the only way is through {inner!r}, and a {kind} passes"
                " on no traffic that is not its own",
                place="links",
                mend=f"{mend[:-1]}, or send the traffic through a node of kind router.",
            )
        return TopologyError(f"{a!r} cannot reach {b!r}", place="links", mend=mend)

    def _hops_by_name(self) -> set[str]:
        return {"-".join(hop.wire.between) for hop in self._hops.values()}


def _groups(wire: Wire, pair: frozenset[str]) -> int:
    """How many of the wire's ends stand for a whole group rather than for a node of the *pair*."""
    return sum(name not in pair for name in wire.between)
