"""The process of the origin servers."""

from __future__ import annotations

import ssl
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from proxysim.loopback.bodies import content
from proxysim.loopback.origin import Origin
from proxysim.loopback.parts import Part
from proxysim.loopback.ways import Place
from proxysim.results.windows import Meter
from proxysim.scenario import nodes as said
from proxysim.scenario.build_workload import distribution_of
from proxysim.workload.content import Library
from proxysim.workload.streams import Chance

__all__ = ["ServerPart"]


class ServerPart(Part):
    """All members of the groups of servers that its task names."""

    nodes: dict[str, Origin]

    def prepare(self) -> dict[str, Place]:
        paths: defaultdict[str, int] = defaultdict(int)
        libraries = {
            catalogue.name: Library(catalogue, 0, paths) for catalogue in self.workload.sites
        }
        # Sessions are resumed by whichever member is asked next: all of them speak as one does.
        spoken = {
            version: self.authority.server(self.document.sites, version)
            for version in {self._node(group).tls_version for group in self.task.names}
            if self.authority is not None
        }
        for group in self.task.names:
            node = self._node(group)
            speeds = node.speed if isinstance(node.speed, list) else [node.speed] * node.count
            for member, speed in zip(self.scenario.members(group), speeds, strict=True):
                self.nodes[member] = self._origin(
                    member, node, speed, libraries, spoken.get(node.tls_version)
                )
        for origin in self.nodes.values():
            origin.door.bind()
            origin.teller = self.teller
            if self.task.strangers:  # which look whether somebody is there before they are asked
                origin.door.listen()
                origin.dated = True
        for text in (True, False):
            content("", 1, text=text)  # what all bodies are cut from is made now, not under way
        return {name: origin.door.place for name, origin in self.nodes.items()}

    def _node(self, group: str) -> said.Server:
        node = self.document.nodes[group]
        assert isinstance(node, said.Server)
        return node

    def _origin(
        self,
        member: str,
        node: said.Server,
        speed: float,
        libraries: dict[str, Library],
        tls: ssl.SSLContext | None,
    ) -> Origin:
        seed, replication = self.task.seed, self.task.replication
        return Origin(
            self.alarm,
            member,
            self.address(member),
            node,
            speed,
            distribution_of(node.service),
            libraries,
            Chance(seed, f"{member}/service", replication),
            Chance(seed, f"{member}/failing", replication),
            tls,
        )

    def start(self) -> None:
        for origin in self.nodes.values():
            origin.door.open()

    def meters(self) -> Iterable[tuple[str, Meter]]:
        for name, origin in self.nodes.items():

            def read(origin: Origin = origin) -> tuple[float, ...]:
                areas = origin.desk.areas(self.alarm.time)
                return (*areas, origin.received, 0, 0, 0, 0, origin.sent_bytes)

            yield name, Meter(0, origin.node.workers, read)

    def sweep(self) -> None:
        for origin in self.nodes.values():
            origin.sweep()

    def parts(self) -> dict[str, Any]:
        return {
            name: {"served": origin.log, "handshakes": origin.handshakes}
            for name, origin in self.nodes.items()
        }

    async def close(self) -> None:
        for origin in self.nodes.values():
            origin.close()
        await super().close()
