"""Which formulas apply to which nodes of a scenario, and why others do not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from itertools import chain

import numpy as np

from proxysim.scenario.costing import costs_of
from proxysim.scenario.document import Document
from proxysim.scenario.nodes import Clients, ForwardProxy, ProxyBase, ReverseProxy, Server
from proxysim.scenario.scenario import Scenario
from proxysim.scenario.serving import group_of
from proxysim.theory import hashing
from proxysim.theory.loops import looped
from proxysim.theory.passing import blind, let_through, restless
from proxysim.theory.prediction import Declined, Prediction, Predictions
from proxysim.theory.servers import Demand, Fleet, Spread, demand_of, predicted
from proxysim.theory.stores import cached
from proxysim.theory.streams import Declination, Stream, merged

__all__ = ["of"]

#: What makes every queue behind it a little uncertain.
_WIRES = "wires, handshakes and look-ups delay all requests alike"

_OWN = "hardly any client gives up (patience), or waits long for a connection of its own"

#: Balancer -> how it spreads, where it has no parameters that matter.
_SPREADS: dict[str, Spread] = {
    "random": "random",
    "weighted_random": "random",
    "round_robin": "turn",
    "weighted_round_robin": "turn",
    "least_connections": "least",
    "power_of_two": "least",
}


def of(scenario: Scenario) -> Predictions:
    """What theory says of *scenario*: of its caches, its processors and its servers.

    Goes with the requests from the clients on, and keeps account of how regular they are. Where a
    formula applies, its values stand with the assumptions that they rest on; where none does, the
    reason. Queues are told of once they have settled, LRU caches within the run, which begins with
    them empty. Arrivals that change, faults and events, and whatever turns requests away by load
    are declined; filters are followed where they go by what is asked for; of clients who give up or
    wait for connections of their own only what caches make of them is told. Reads no access logs.
    """
    return _Walk(scenario).walked()


@dataclass(frozen=True, slots=True)
class _Way:
    """How requests are spread over a group: *choices* of the least loaded, or *shares* of each."""

    spread: Spread
    choices: int | None = None
    shares: tuple[float, ...] | None = None


class _Walk:
    """One pass over the nodes, each after all that send to it."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.document = scenario.document
        self.nodes = scenario.document.nodes
        self.made: list[Prediction] = []
        self.declined: list[Declined] = []
        #: What reaches a node, and how it is spread there; None: something that is not known.
        self.reaching: dict[str, list[Stream | None]] = {name: [] for name in self.nodes}
        self.ways: dict[str, list[_Way]] = {}
        self.ideal = _immediate(self.document)

    def walked(self) -> Predictions:
        clients = {name: node for name, node in self.nodes.items() if isinstance(node, Clients)}
        if any(node.arrivals.kind == "closed" for node in clients.values()):
            self._closed(clients)
        else:
            for name in self._order():
                try:
                    self._visit(name)
                except Declination as reason:
                    self._decline(name, str(reason))
                    self._onwards_unknown(name)
        return Predictions(tuple(self.made), tuple(self.declined))

    def _closed(self, clients: dict[str, Clients]) -> None:
        try:
            self.made.append(looped(self.scenario, clients, ideal=self.ideal))
        except Declination as reason:
            for name in clients:
                self._decline(name, str(reason))

    def _order(self) -> Iterable[str]:
        senders: dict[str, list[str]] = {name: [] for name in self.nodes}
        for name in self.nodes:
            for target in self._targets(name):
                senders[target].append(name)
        return TopologicalSorter(senders).static_order()

    def _targets(self, name: str) -> list[str]:
        """Whom *name* may send requests to."""
        node = self.nodes[name]
        if isinstance(node, ReverseProxy):
            return node.backend_names
        if not isinstance(node, Clients | ForwardProxy):
            return []
        if node.through is not None:
            return [node.through]
        sites = getattr(node, "sites", None) or self.document.sites
        return list(dict.fromkeys(front for site in sites for front in self.scenario.fronts(site)))

    def _decline(self, name: str, reason: str) -> None:
        self.declined.append(Declined(name, reason))

    def _onwards_unknown(self, name: str) -> None:
        for target in self._targets(name):
            self.reaching[target].append(None)

    def _visit(self, name: str) -> None:
        node = self.nodes[name]
        if isinstance(node, Clients):
            self._refuse_events(name)
            stream = self._asked(node)
        else:
            found = self.reaching[name]
            if not found:
                return
            if any(stream is None for stream in found):
                raise Declination("what reaches it is not known")
            stream = merged(stream for stream in found if stream is not None)
            self._refuse_events(name)
        if isinstance(node, ProxyBase):
            stream = self._through_proxy(name, node, stream)
        if isinstance(node, Server):
            self._serve(name, node, stream)
        elif isinstance(node, ReverseProxy):
            self._balance(name, node, stream)
        else:
            self._onwards(name, stream)

    def _refuse_events(self, *names: str) -> None:
        for event in self.document.events:
            for place in event.link or [event.node or ""]:
                if group_of(place, self.document) in names:
                    raise Declination(f"something happens to {place} during the run")

    # Clients.

    def _asked(self, node: Clients) -> Stream:
        kind = node.arrivals.kind
        if kind not in ("poisson", "even"):
            raise Declination(f"arrivals are {kind}: no steady rate with a known kind of gaps")
        rates = {
            site: node.arrivals.parameters * share for site, share in self._shares(node).items()
        }
        stream = Stream(rates, 1.0 if kind == "poisson" else 0.0)
        if node.patience is not None or node.connections is not None:
            # What is asked for stays the same, and so do caches; when, and by how many, does not.
            stream = replace(stream, between=None).doubted(_OWN)
        return stream if self.ideal else stream.doubted(_WIRES)

    def _shares(self, node: Clients) -> dict[str, float]:
        names = node.sites if node.sites is not None else list(self.document.sites)
        said = {name: self.document.sites[name].share for name in names}
        shares = {name: 1.0 if share is None else share for name, share in said.items()}
        whole = sum(shares.values())
        return {name: share / whole for name, share in shares.items()}

    # Proxies.

    def _through_proxy(self, name: str, node: ProxyBase, stream: Stream) -> Stream:
        if (what := next(restless(node), None)) is not None:
            raise Declination(f"{what}: no formula")
        costs = costs_of(self.document, name, self.scenario.directory)
        asked = stream.rate
        if isinstance(node, ForwardProxy):
            stream = let_through(self.document, node, stream)
        passing = stream
        if node.cache is not None:
            opaque = [
                site for site in stream.rates if self.document.sites[site].tls and blind(node)
            ]
            seen = stream.only(site for site in stream.rates if site not in opaque)
            if seen.rate == 0:
                self._decline(name, "all that it carries goes through tunnels, past its cache")
            else:
                made, missed = cached(self.scenario, name, node.cache, seen)
                self.made.append(made)
                if made.grade == "bound":
                    raise Declination("how many requests miss its cache is not known")
                rest = stream.only(opaque)
                passing = merged([missed, rest]) if rest.rate > 0 else missed
        if not (costs.request or costs.hit or costs.tls_handshake):
            return passing
        if node.cores is None:
            return passing
        if costs.hit and stream.rate < asked:
            self._decline(name, "its processor has to answer what is turned away, too")
        else:
            self._processor(name, node, stream, costs.request)
        return passing.doubted(f"the processor of {name} is hardly ever a queue")

    def _processor(self, name: str, node: ProxyBase, stream: Stream, request: float) -> None:
        """The queue for a proxy's cores; where that grows for ever, nothing behind it is known."""
        tls = any(self.document.sites[site].tls for site in stream.rates)
        if tls or node.cache is not None or getattr(node, "compression", None) is not None:
            self._decline(name, "its processor has jobs of several kinds for each request")
            return
        demand = Demand("fixed", request, 0.0, np.array([request]))
        fleet = Fleet(name, demand, 1, node.cores or 1)
        self.made.append(predicted(fleet, stream, "random", None))

    def _balance(self, name: str, node: ReverseProxy, stream: Stream) -> None:
        balancer = node.balancer if isinstance(node.balancer, str) else next(iter(node.balancer))
        given = {} if isinstance(node.balancer, str) else node.balancer[balancer]
        backends = {target: self.nodes[target] for target in node.backend_names}
        count = sum(len(self.scenario.members(target)) for target in backends)
        if balancer in ("ring", "maglev"):
            self._hashed(name, balancer, given, count)
        if count > 1 and not node.mode.reads:
            raise Declination("it balances connections, not requests")
        if count > 1 and balancer not in _SPREADS:
            raise Declination(f"how {balancer} loads each server is not known")
        spread: Spread = _SPREADS.get(balancer, "random")
        if len(backends) > 1 and spread != "random":
            raise Declination(f"{balancer} over several groups: no formula")
        choices = int(given.get("choices", 2)) if balancer == "power_of_two" else None
        self._refuse_events(*backends)
        weighted = balancer.startswith("weighted")
        weights = {target: self._weights(target) for target in backends}
        if len(set(chain(*weights.values()))) > 1 and (
            spread == "least" or (spread == "turn" and weighted)
        ):
            raise Declination(f"{balancer} with unequal weights: no formula")
        if spread == "least" and not self.ideal:
            stream = stream.doubted("what is on the wire counts little for a server's load")
        if any(0 in found for found in weights.values()):
            raise Declination("servers that are given no weight, for when others are gone")
        whole = sum(sum(found) if weighted else len(found) for found in weights.values())
        for target, found in weights.items():
            part = sum(found) if weighted else len(found)
            self.reaching[target].append(stream.thinned(part / whole))
            shares = tuple(weight / part for weight in found) if weighted else None
            self.ways.setdefault(target, []).append(_Way(spread, choices, shares))

    def _weights(self, target: str) -> list[float]:
        weights = getattr(self.nodes[target], "weight", 1.0)
        members = self.scenario.members(target)
        return list(weights) if isinstance(weights, list) else [float(weights)] * len(members)

    def _hashed(self, name: str, balancer: str, given: dict[str, object], count: int) -> None:
        if balancer == "maglev":
            peak = hashing.maglev_peak(count, int(str(given.get("size", 65537))))
        else:
            peak = hashing.ring_peak(count, int(str(given.get("points", 160))))
        self.made.append(
            Prediction(
                name,
                balancer,
                "approximate",
                {"peak": peak},
                ("so many keys, so evenly asked for, that only the table's shares count",),
            )
        )

    # Servers.

    def _onwards(self, name: str, stream: Stream) -> None:
        """From clients or a forward proxy to the next proxy, or to the fronts of the sites."""
        node = self.nodes[name]
        assert isinstance(node, Clients | ForwardProxy)
        if node.through is not None:
            self.reaching[node.through].append(stream)
            return
        by_fronts: dict[tuple[str, ...], list[str]] = {}
        for site in stream.rates:
            by_fronts.setdefault(self.scenario.fronts(site), []).append(site)
        for fronts, sites in by_fronts.items():
            part = stream.only(sites)
            if len(fronts) > 1:
                for front in fronts:
                    self._decline(front, "several groups answer for one site by themselves")
                    self.reaching[front].append(None)
                continue
            (front,) = fronts
            self.reaching[front].append(part)
            members = len(self.scenario.members(front))
            if isinstance(node, Clients):
                # Each keeps to one server: the n-th to the n-th, and round again.
                kept = (len(range(at, node.count, members)) for at in range(members))
                way = _Way("random", None, tuple(many / node.count for many in kept))
            else:
                way = _Way("turn")
            self.ways.setdefault(front, []).append(way)

    def _serve(self, name: str, node: Server, stream: Stream) -> None:
        way, *others = self.ways[name]
        if others and (way.spread != "random" or set(others) != {way}):
            raise Declination("requests are spread over it in more than one way")
        speeds = node.speed if isinstance(node.speed, list) else [node.speed] * node.count
        shares = way.shares or (1 / node.count,) * node.count
        alike = len(set(speeds)) == 1 and (way.spread != "random" or len(set(shares)) == 1)
        if alike:
            self.made.append(self._predicted(name, node, stream, speeds[0], node.count, way))
            return
        if way.spread == "least":
            raise Declination("the least loaded of servers that are not alike: no formula")
        for member, share, speed in zip(self.scenario.members(name), shares, speeds, strict=True):
            try:
                if way.spread == "random":
                    own = stream.thinned(share)
                    made = self._predicted(member, node, own, speed, 1, way)
                else:
                    # It gets every n-th request, whatever the others are like.
                    made = self._predicted(member, node, stream, speed, node.count, way)
                    rate = stream.rate / node.count
                    made = replace(made, values={**made.values, "rate": rate})
                self.made.append(made)
            except Declination as reason:
                self._decline(member, str(reason))

    def _predicted(
        self, name: str, node: Server, stream: Stream, speed: float, count: int, way: _Way
    ) -> Prediction:
        demand = demand_of(node.service, speed)
        if demand.mean == 0:
            raise Declination("its work takes no time")
        if stream.rate == 0:
            raise Declination("nobody asks it")
        room = None if node.queue is None else node.workers + node.queue
        if room is not None and self._tries_again():
            raise Declination("who is turned away is sent elsewhere, or comes again")
        fleet = Fleet(name, demand, count, node.workers, room)
        return predicted(fleet, stream, way.spread, way.choices)

    def _tries_again(self) -> bool:
        proxies = [node for node in self.nodes.values() if isinstance(node, ReverseProxy)]
        return any(
            node.retry is not None
            or node.breaker is not None
            or node.health.passive is not None
            or node.health.outliers is not None
            for node in proxies
        )


def _immediate(document: Document) -> bool:
    """Whether requests get where they go in no time."""
    wires = document.links or ()
    names = any(getattr(node, "dns", None) for node in document.nodes.values())
    handshakes = bool(document.costs) and any(site.tls for site in document.sites.values())
    slow = any(wire.latency or wire.jitter or wire.loss or wire.bandwidth for wire in wires)
    return not (names or handshakes or slow)
