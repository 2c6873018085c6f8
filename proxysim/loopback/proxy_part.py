"""The process of one proxy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from proxysim.loopback.parts import Part
from proxysim.loopback.proxy_node import ProxyNode, Resolve
from proxysim.loopback.ways import Place
from proxysim.policies.names import Names
from proxysim.proxies.forward import ForwardProxy
from proxysim.proxies.reverse import ReverseProxy
from proxysim.results.windows import Meter
from proxysim.scenario import nodes as said
from proxysim.scenario.build_proxies import proxy_of
from proxysim.sockets.limits import Limits
from proxysim.workload.streams import Chance

__all__ = ["ProxyPart"]

MANY = 1_000_000


class ProxyPart(Part):
    """The proxy that its task names."""

    nodes: dict[str, ProxyNode]

    def prepare(self) -> dict[str, Place]:
        (self.name,) = self.task.names
        node = self.document.nodes[self.name]
        assert isinstance(node, said.ForwardProxy | said.ReverseProxy)
        seed, replication = self.task.seed, self.task.replication
        proxy = proxy_of(self.scenario, self.name, self.clock, seed, replication, self.network)
        self.lookups: Counter[tuple[str, int]] = Counter()
        tls = sessions = None
        if isinstance(node, said.ReverseProxy) and self.authority is not None:
            if node.mode.reads:
                tls = self.authority.server(node.sites, node.tls_version)
            if node.mode.to_backends:
                sessions = self.sessions()
        limits = Limits(target=64 * 1024, idle=node.keep_alive, connections=MANY, tunnels=MANY)
        parents: tuple[str, ...] = ()
        if isinstance(node, said.ForwardProxy) and node.through is not None:
            parents = (node.through,)
        place = self.nodes[self.name] = ProxyNode(
            self.alarm,
            self.ways,
            self.name,
            self.address(self.name),
            proxy,
            self._resolver(node) if isinstance(node, said.ForwardProxy) else None,
            limits,
            source=self.address(self.name) if self.task.own_addresses else "",
            kept=self._kept(node),
            tls=tls,
            sessions=sessions,
            parents=parents,
            probes=self._probes(node, proxy),
            first_probe=self._first_probe(),
            demand=_demand(node),
            residents=not self.sequential,
        )
        if self.teller is not None:
            place.teller = self.teller
            self.teller.listen(self.name, proxy)
            if isinstance(proxy, ReverseProxy):
                proxy.explain_to(place.chosen)
        place.door.bind()
        return {self.name: place.door.place}

    def _kept(self, node: said.ForwardProxy | said.ReverseProxy) -> float:
        """How long idle connections to backends are kept: by whoever of both keeps them less."""
        names = node.backend_names if isinstance(node, said.ReverseProxy) else []
        ends = [self.document.nodes[name] for name in names]
        kept = [end.keep_alive for end in ends if isinstance(end, said.ReverseProxy | said.Server)]
        return min([node.keep_alive, *kept])

    def _resolver(self, node: said.ForwardProxy) -> Resolve:
        """Names lead to the members of fronts, taken in turn."""
        dns = node.dns
        names = None if dns is None else Names(dns.lookup, dns.ttl)
        turns: Counter[str] = Counter()

        def resolve(name: str, host: str, request: int) -> tuple[str, float]:
            wait = 0.0
            if names is not None:
                wait, asked = names.wait(name, self.alarm.time)
                if asked and name == host:
                    self.lookups[host, request] += 1
            if name == node.through:
                return name, wait
            members = [
                member
                for group in self.scenario.fronts(name)
                for member in self.scenario.members(group)
            ]
            turns[name] += 1
            return members[(turns[name] - 1) % len(members)], wait

        return resolve

    def _probes(
        self, node: said.ProxyBase, proxy: ForwardProxy | ReverseProxy
    ) -> dict[str, Chance] | None:
        if not isinstance(node, said.ReverseProxy) or node.health.active is None:
            return None
        assert isinstance(proxy, ReverseProxy)
        seed, replication = self.task.seed, self.task.replication
        return {
            backend.name: Chance(seed, f"{self.name}/probe/{backend.name}", replication)
            for backend in proxy.fleet.backends
        }

    def _first_probe(self) -> int:
        """How many pairs of a proxy and a backend that it probes come before this one's, plus 1."""
        before = 1
        for name, node in self.document.nodes.items():
            if name == self.name:
                break
            if isinstance(node, said.ReverseProxy) and node.health.active is not None:
                before += sum(len(self.scenario.members(group)) for group in node.backend_names)
        return before

    def start(self) -> None:
        node = self.nodes[self.name]
        node.begin()
        node.reside()
        self._matched_before: list[int] | None = None
        self._matched: list[int] | None = None
        run = self.document.run
        if run.warmup:
            self.alarm.at(run.warmup, self._warm)
        self.alarm.at(run.duration, self._cold)

    def _counts(self) -> list[int] | None:
        """How often each rule has matched so far."""
        proxy = self.nodes[self.name].proxy
        filters = proxy.filters if isinstance(proxy, ForwardProxy) else None
        return None if filters is None else list(filters.counts)

    def _warm(self, _: Any) -> None:
        self._matched_before = self._counts()

    def _cold(self, _: Any) -> None:
        self._matched = self._counts()

    def _matched_counted(self) -> list[int] | None:
        """Matches between the ends of warm-up and duration; of a sequential run, all."""
        counts = self._counts()
        if counts is None or self.sequential:
            return counts
        before = self._matched_before or [0] * len(counts)
        return [new - old for new, old in zip(self._matched or counts, before, strict=True)]

    def drain(self, member: str, begins: bool) -> None:
        proxy = self.nodes[self.name].proxy
        if isinstance(proxy, ReverseProxy):
            (proxy.fleet.drain if begins else proxy.fleet.undrain)(member, self.clock())

    def meters(self) -> Iterable[tuple[str, Meter]]:
        node = self.document.nodes[self.name]
        assert isinstance(node, said.ProxyBase)
        yield self.name, Meter(0, node.cores, self.nodes[self.name].readings)

    def parts(self) -> dict[str, Any]:
        node = self.nodes[self.name]
        tunnels = {
            port: (watch.peer[0] or (watch.request.peer if watch.request else ""))
            for port, watch in node.tunnels.items()
        }
        return {
            "handled": node.told(),
            "handshakes": node.handshakes,
            "dialled": node.dialled,
            "tunnels": tunnels,
            "lookups": dict(self.lookups),
            "choices": node.choices,
            "probed": node.probed,
            "matched": self._matched_counted(),
            "connections": node.driver.upstreams.opened,
        }

    async def close(self) -> None:
        await self.nodes[self.name].close()
        await super().close()


def _demand(node: said.ProxyBase) -> float | None:
    if isinstance(node, said.ReverseProxy) and node.health.active is not None:
        return node.health.active.demand
    return None
