"""The process of all clients: the generator of the load, and the judge of whether it kept up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from math import inf
from typing import Any

from proxysim.loopback.errand import Road
from proxysim.loopback.group import Clients
from proxysim.loopback.orders import Begin, Over, Progress
from proxysim.loopback.parts import Part
from proxysim.loopback.ways import Place
from proxysim.policies.names import Names
from proxysim.scenario import nodes as said
from proxysim.scenario.build_clients import fields_of
from proxysim.workload.content import Library
from proxysim.workload.draws import Group
from proxysim.workload.sequence import Turn, in_sequence

__all__ = ["ClientPart"]

TOLD_EVERY = 0.25


class ClientPart(Part):
    """All groups of clients."""

    def prepare(self) -> dict[str, Place]:
        self.groups: list[Clients] = []
        self.lookups: Counter[tuple[str, int, str]] = Counter()
        self.scheduled: dict[int, float] = {}
        self._draining = False
        paths: Counter[str] = Counter()
        self.libraries = [Library(catalogue, 0, paths) for catalogue in self.workload.sites]
        code = 1
        for group in self.workload.groups:
            self.groups.append(self._group(group, code))
            code += group.count
        return {}

    def _group(self, group: Group, code: int) -> Clients:
        node = self.document.nodes[group.name]
        assert isinstance(node, said.Clients)
        return Clients(
            self.alarm,
            self.ways,
            group,
            node,
            self._roads(node),
            self.libraries,
            code=code,
            address=lambda member: self.network.address_of(group.name, member),
            connect=fields_of(node)[1],
            sessions=self.sessions(),
            lookup=self._lookup(group.name, node),
            sources=self.task.own_addresses,
            done=self._done,
            teller=self.teller,
        )

    def _roads(self, node: said.Clients) -> dict[int, Road]:
        own, to_proxy = fields_of(node)
        roads = {}
        for index, (host, site) in enumerate(self.document.sites.items()):
            if node.sites is not None and host not in node.sites:
                continue
            through = node.through
            fronts: tuple[str, ...]
            if through is None:
                fronts = tuple(
                    member
                    for group in self.scenario.fronts(host)
                    for member in self.scenario.members(group)
                )
            else:
                fronts = (through,)
            fields = own if site.tls or through is None else to_proxy
            tunnel = through is not None and site.tls
            forward = through is not None and not site.tls
            kept = self._kept(node, [through] if forward else self.scenario.fronts(host))
            roads[index] = Road(fronts, host, site.tls, tunnel, forward, site.upload, fields, kept)
        return roads

    def _kept(self, node: said.Clients, ends: Iterable[str | None]) -> float:
        """How long idle connections are kept: by whoever of both ends keeps them less."""
        found = [self.document.nodes[end] for end in ends if end is not None]
        return min([node.keep_alive, *(getattr(end, "keep_alive", inf) for end in found)])

    def _lookup(self, name: str, node: said.Clients) -> Callable[[int, str, int], float] | None:
        if node.dns is None:
            return None
        names = Names(node.dns.lookup, node.dns.ttl)

        def lookup(member: int, host: str, request: int) -> float:
            wait, asked = names.wait((member, host), self.alarm.time)
            if asked:
                self.lookups[f"{name}-{member + 1}", request, host] += 1
            return wait

        return lookup

    # The run.

    def begin(self, order: Begin) -> None:
        super().begin(order)
        duration = self.document.run.duration
        if self.sequential:
            self._turns = in_sequence(self.workload.groups, duration)
            self.alarm.at(0.0, lambda _: self._next_turn())
            return
        for clients in self.groups:
            clients.begin(duration)
        self.alarm.at(duration, self._drain)
        self.alarm.after(TOLD_EVERY, self._tell)

    def _tell(self, _: Any) -> None:
        self.tell(Progress(min(1.0, self.alarm.time / self.document.run.duration)))
        self.alarm.after(TOLD_EVERY, self._tell)

    def _drain(self, _: Any) -> None:
        self._draining = True
        self.alarm.after(self.task.drain, self._over)
        self._done()

    def _done(self) -> None:
        """A request is over; the run is too when it was the last."""
        if not self._draining:
            return
        if not any(clients.under_way or clients.coming for clients in self.groups):
            self._over(None)

    def _over(self, _: Any) -> None:
        if self._draining:
            self._draining = False
            self._leave()
            self.tell(Over())

    def _leave(self) -> None:
        """Wait no more for what has not come, before those who stop break it off."""
        for clients in self.groups:
            clients.leave()

    # A sequential run.

    def _next_turn(self) -> None:
        """Say when the next request is due; it leaves when nothing goes on any more."""
        turn = next(self._turns, None)
        if turn is None:
            self.tell(Over())
            return
        self._turn = turn
        self.tell(Progress(min(1.0, turn.at / self.document.run.duration)))
        self.tell(turn.at)

    def go_on(self) -> None:
        """Everybody knows what time it is, and nothing goes on: ask."""
        turn: Turn = self._turn
        clients = self.groups[turn.group]
        self.scheduled[turn.draw.id] = turn.at
        limit = self.alarm.after(self.task.drain, lambda _: clients.leave())

        def then() -> None:
            self.alarm.cancel(limit)
            self._next_turn()

        clients.ask(turn.draw, self.alarm.time, then)

    @property
    def idle(self) -> bool:
        """Whether nothing goes on; the clients themselves only ask."""
        return True

    def sweep(self) -> None:
        for clients in self.groups:
            clients.pool.sweep()

    def parts(self) -> dict[str, Any]:
        self._leave()
        return {
            "asked": {clients.name: clients.log for clients in self.groups},
            "arrived": sum(clients.arrived for clients in self.groups),
            "scheduled": self.scheduled,
            "lookups": dict(self.lookups),
            "handshakes": [step for clients in self.groups for step in clients.handshakes],
        }

    async def close(self) -> None:
        for clients in self.groups:
            await clients.close()
        await super().close()
