"""The simulated world: a scenario's nodes and wires under SimPy, and one run of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from proxysim.policies.tls import Terms, Version
from proxysim.results.recorder import Recorder
from proxysim.results.run import Run
from proxysim.results.sights import Kind, Seen, Segment, Sights, count_views
from proxysim.results.table import Names as Codes
from proxysim.results.windows import edges
from proxysim.scenario import Scenario
from proxysim.scenario import nodes as said
from proxysim.scenario.build_clients import fields_of
from proxysim.scenario.build_proxies import proxy_of
from proxysim.scenario.build_topology import described, network_of
from proxysim.scenario.build_workload import distribution_of, workload_of
from proxysim.scenario.costing import costs_of
from proxysim.scenario.facts import facts_of
from proxysim.scenario.happenings import event_facts
from proxysim.scenario.notes import notes_of
from proxysim.sim import carrying, waiting  # noqa: F401 - they register how effects are carried out
from proxysim.sim.channels import Channel, Endpoint, Route
from proxysim.sim.clients import Clients
from proxysim.sim.clock import Clock
from proxysim.sim.deadlines import Deadlines
from proxysim.sim.exchange import Exchange
from proxysim.sim.facts import found_in, matches_of
from proxysim.sim.faults import happen
from proxysim.sim.meters import read_meters
from proxysim.sim.names import Names
from proxysim.sim.paths import Path
from proxysim.sim.proxies import ProxyNode
from proxysim.sim.sequence import Sequence
from proxysim.sim.servers import Server
from proxysim.sim.telling import Teller
from proxysim.sim.ways import Addresses, Resolver, ways_of
from proxysim.sim.wires import Wires
from proxysim.topology.directions import Direction
from proxysim.workload.content import Library
from proxysim.workload.replay import ReplayGroup
from proxysim.workload.streams import Chance

__all__ = ["World"]

Progress = Callable[[float], None]
#: How one request was seen on a connection: the codes of what can be seen there, of client, site,
#: and forwarded-for chain.
Sight = tuple[int, int, int, int]


class World:
    """Everything that one run of *scenario* needs, built and ready."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        replication: int = 0,
        *,
        keep: Any = "all",
        hops: Any = "none",
        views: bool = True,
        explain: bool = False,
        sequential: bool = False,
    ) -> None:
        document = scenario.document
        self.scenario = scenario
        self.seed = seed
        self.replication = replication
        self.duration = document.run.duration
        self.warmup = document.run.warmup
        self.env = Clock()
        self.recorder = Recorder(self.duration, self.warmup, keep=keep, hops=hops, views=views)
        self.add = self.recorder.add
        self.teller = Teller(self) if explain else None
        self.sequential = sequential
        self.moment = 0.0  # what policies are told in a sequential run
        self.shift = 0.0  # from the clock to the times of the rows
        self.hop = self.recorder.hop if hops != "none" else None
        self.seen: list[Sight] | None = [] if views else None  # what :meth:`count_sights` counts
        self.chains = Codes()
        self._seen = Seen()
        self.lookups: Counter[tuple[int, int, int]] = Counter()  # by asker, client, site
        self._routes: dict[tuple[str, str], Route] = {}
        self._sight_codes: dict[Kind, int] = {}
        self.deadlines = Deadlines(self.env)
        self.costs = costs_of(document, None, scenario.directory)
        self.request_head = self.costs.request_head
        self.response_head = self.costs.response_head
        self.workload = workload_of(scenario, seed, replication)
        counts = {group.name: group.count for group in self.workload.groups}
        self.network = network_of(scenario, counts)
        self._codes = self.recorder.texts["node"]
        self._steps = self.recorder.texts["step"]
        self.wires = Wires(
            self.env,
            self.network,
            lambda name: Chance(seed, f"{name}/chance", replication),
        )

        self.probed = 0  # pairs of a proxy and a backend that it probes
        self.arrived = 0
        self.open: dict[Exchange, Clients] = {}
        self._draining = False
        self._tls_before: dict[str, float] = {}
        self.tls_counted: dict[str, float] = {}
        self._matched_before: dict[str, list[int]] = {}
        self.matched: dict[str, list[int]] = {}  # how often, by each rule of a proxy's filters

        sites = self.recorder.texts["site"]
        paths = self.recorder.texts["path"]
        self.libraries = [
            Library(catalogue, sites[catalogue.name], paths) for catalogue in self.workload.sites
        ]
        self.clients_codes: dict[str, int] = {}
        for group in self.workload.groups:
            first = self._codes[f"{group.name}-1"]
            for number in range(2, group.count + 1):
                _ = self._codes[f"{group.name}-{number}"]
            self.clients_codes[group.name] = first
        self.nodes: dict[str, Server | ProxyNode] = {}
        for name, node in document.nodes.items():
            if isinstance(node, said.Server):
                self._add_servers(name, node)
        for name, node in document.nodes.items():
            if isinstance(node, said.ForwardProxy | said.ReverseProxy):
                self._add_proxy(name, node)
        self.clients = [self._clients(group) for group in self.workload.groups]

    # Building.

    def _add_servers(self, group: str, node: said.Server) -> None:
        service = distribution_of(node.service)
        speeds = node.speed if isinstance(node.speed, list) else [node.speed] * node.count
        for member, speed in zip(self.scenario.members(group), speeds, strict=True):
            self.nodes[member] = Server(
                self,
                member,
                self._codes[member],
                self.network.address(member),
                service,
                Chance(self.seed, f"{member}/service", self.replication),
                Chance(self.seed, f"{member}/failing", self.replication),
                self.costs,
                workers=node.workers,
                limit=node.queue,
                speed=speed,
                cores=node.cores or node.workers,
                abort=node.on_disconnect == "abort",
                keep_alive=node.keep_alive,
                tls=_terms(node),
            )

    def _add_proxy(self, name: str, node: said.ForwardProxy | said.ReverseProxy) -> None:
        env = self.env
        proxy = proxy_of(
            self.scenario,
            name,
            (lambda: self.moment) if self.sequential else (lambda: env.time),
            self.seed,
            self.replication,
            self.network,
        )
        forward = isinstance(node, said.ForwardProxy)
        dns = node.dns if isinstance(node, said.ForwardProxy) else None
        self.nodes[name] = ProxyNode(
            self,
            name,
            self._codes[name],
            self.network.address(name),
            proxy,
            Resolver(self, node.through if isinstance(node, said.ForwardProxy) else None)
            if forward
            else self.nodes.__getitem__,
            costs_of(self.scenario.document, name, self.scenario.directory),
            cores=node.cores,
            keep_alive=node.keep_alive,
            tls=_terms(node) if isinstance(node, said.ReverseProxy) else Terms(),
            secure=isinstance(node, said.ReverseProxy) and node.mode.to_backends,
            lookup=dns.lookup if dns is not None else 0.0,
            ttl=dns.ttl if dns is not None else 0.0,
        )

    def _clients(self, group: Any) -> Clients:
        name = group.name
        node = self.scenario.document.nodes[name]
        assert isinstance(node, said.Clients)
        return Clients(
            self,
            name,
            group,
            ways_of(self, node),
            self.clients_codes[name],
            Addresses(self.network, name),
            headers=fields_of(node)[1],
            keep_alive=node.keep_alive,
            connections=node.connections,
            patience=node.patience,
            names=Names(self, node.dns.lookup, node.dns.ttl) if node.dns is not None else None,
        )

    def front(self, host: str) -> list[Endpoint]:
        """Where the name *host* leads: a reverse proxy, or all members of its servers."""
        return [
            self.nodes[member]
            for group in self.scenario.fronts(host)
            for member in self.scenario.members(group)
        ]

    # The network.

    def channel(
        self, asker: str, target: Endpoint, member: int, address: str, code: int
    ) -> Channel:
        """A connection from *asker* (a node, or a group and the code of its *member*)."""
        route = self._routes.get((asker, target.name))
        if route is None:
            up = self.wires.path(asker, target.name)
            down = self.wires.path(target.name, asker)
            route = self._routes[asker, target.name] = Route(self, up, down, code, target.code)
        return Channel(self, route, target, address, member)

    def sight(self, segments: tuple[Segment, ...], secure: bool | None) -> int:
        """A number for what can be seen on a connection of *segments*, *secure* or not.

        None: of a CONNECT, which tells the host and nothing else.
        """
        codes = self._sight_codes
        return codes.setdefault((segments, secure), len(codes))

    def count_sights(self) -> None:
        """Count what was seen since the last time."""
        if self.seen:
            self._seen.take(self.seen)
            self.seen.clear()

    # Turning the clock.

    def done(self) -> None:
        """A request is over; the run is too when it was the last."""
        if self._draining and not self.open:
            self.env.stop()

    def run(self, progress: Progress | None = None) -> Run:
        """Run until every request is over, at most ``drain`` seconds past the duration."""
        if self.sequential:
            Sequence(self).run(progress)
        else:
            self._turn(progress)
        return self._finish()

    def take_apart(self) -> None:
        """Cut the circles that its parts hang together in, once the run is over.

        All is then freed at once, and nothing is left for the cyclic collector: walking what a long
        run leaves behind took it a tenth of the run's time.
        """
        parts: list[Any] = [*self.nodes.values(), *self.clients, *self.wires.directions.values()]
        for part in parts:
            if isinstance(part, ProxyNode):
                part.stop()
        pools = [part.pool for part in parts if hasattr(part, "pool")]
        for pool in pools:
            pool.forget()
        parts += pools
        parts += [part.proxy for part in parts if hasattr(part, "proxy")]
        for part in (*parts, self.recorder, self.env, self):
            vars(part).clear()

    def _turn(self, progress: Progress | None) -> None:
        env, document = self.env, self.scenario.document
        ends = edges(self.duration, self.warmup, document.run.window)
        env.process(read_meters(self, ends, self.nodes.values()))
        for event in document.events:
            env.process(happen(self, event, self.hit_by(event), self.wires_of(event)))
        for clients in self.clients:
            clients.start()
        for end in ends:
            env.turn_until(end)
            if progress is not None:
                progress(min(1.0, end / self.duration))
        self._draining = True
        self.done()
        env.turn_until(self.duration + document.run.drain)
        for exchange, clients in self.open.items():
            clients.in_flight(exchange)

    def hit_by(self, event: Any) -> list[Server | ProxyNode]:
        """The nodes that *event* happens to."""
        if event.node is None:
            return []
        if event.node in self.nodes:
            return [self.nodes[event.node]]
        return [self.nodes[member] for member in self.scenario.members(event.node)]

    def wires_of(self, event: Any) -> list[Direction]:
        """The directions of wires that *event* happens to."""
        if event.link is None:
            return []
        return [self.wires.directions[hop] for hop in self.network.joins(*event.link)]

    def _finish(self) -> Run:
        if self.seen is not None:
            self.count_sights()
            sights = Sights(tuple(self._sight_codes), tuple(self.chains), self._seen, self.lookups)
            count_views(sights, self.recorder, self.network)
        return self.recorder.finish(
            world="sim",
            scenario=self.scenario.name,
            scenario_hash=self.scenario.hash,
            seed=self.seed,
            replication=self.replication,
            arrived=self.arrived,
            events=[event_facts(event) for event in self.scenario.document.events],
            facts=facts_of(
                self.scenario,
                self.workload.counts,
                found_in(self),
                self.matched,
                [direction.name for direction in self.wires.directions.values()],
            ),
            topology=described(self.network),
            extra=self._extra(),
        )

    def _extra(self) -> dict[str, Any]:
        """What goes into the manifest beside the usual."""
        groups = self.workload.groups
        notes = {group.name: group.notes() for group in groups if isinstance(group, ReplayGroup)}
        extra: dict[str, Any] = {"replayed": notes} if notes else {}
        if said := notes_of(self.scenario):
            extra["notes"] = said
        if self.sequential:
            extra["sequential"] = True
        if self.scenario.removed:
            extra["without"] = list(self.scenario.removed)
        return extra

    def read_totals(self, now: float) -> None:
        """Note at the ends of warm-up and duration the time spent on TLS, and matches of rules."""
        if now <= self.warmup:
            self._tls_before = {name: node.tls_seconds for name, node in self.nodes.items()}
            self._matched_before = matches_of(self.nodes)
        if now >= self.duration and not self.tls_counted:
            self.tls_counted = {
                name: node.tls_seconds - self._tls_before.get(name, 0.0)
                for name, node in self.nodes.items()
            }
            for name, counts in matches_of(self.nodes).items():
                before = self._matched_before.get(name) or [0] * len(counts)
                self.matched[name] = [new - old for new, old in zip(counts, before, strict=True)]

    # Hops.

    def span(self, request: int, node: int, step: str, start: float) -> None:
        """Record that *request* spent from *start* until now at *node*."""
        if self.hop is not None:
            self.hop(request, node, self._steps[step], start, self.env.time)

    def hop_along(self, request: int, path: Path, step: str, delay: float) -> None:
        """Record the crossing of a head, wire by wire; chance delays count on the first."""
        if self.hop is None:
            return
        start = self.env.time
        extra = delay - path.latency
        for direction in path.directions:
            end = start + direction.latency + direction.extra_latency + extra
            self.hop(request, self._codes[direction.name], self._steps[step], start, end)
            start, extra = end, 0.0

    def hop_body(self, request: int, path: Path, start: float, length: int) -> None:
        """Record the passage of a body that is here now, wire by wire.

        On each from its first byte sent to its last byte received, at the latest: how long a wire
        that is not the last has really had to do with it is not known here.
        """
        if self.hop is None or not length:
            return
        step, now, left = self._steps["transfer"], self.env.time, path.latency
        for direction in path.directions:
            latency = direction.latency + direction.extra_latency
            left -= latency
            self.hop(request, self._codes[direction.name], step, start, max(start, now - left))
            start += latency


def _terms(node: said.ReverseProxy | said.Server) -> Terms:
    return Terms(Version(node.tls_version), node.early_data)
