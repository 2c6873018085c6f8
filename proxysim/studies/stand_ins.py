"""A real program in a proxy's place, between the same clients and the same servers."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from proxysim.engines import Place, export, places_of
from proxysim.engines.running import start
from proxysim.errors import ScenarioError
from proxysim.loopback.authority import Authority
from proxysim.scenario import Scenario
from proxysim.scenario.build_topology import network_of
from proxysim.scenario.nodes import ProxyBase, ReverseProxy

__all__ = ["Engine", "stand_in_for", "with_nothing_behind"]


class Engine:
    """The program *name* as the proxy *node* of *scenario*; called by the live world.

    ``notes`` says what the program cannot do, or does otherwise.
    """

    def __init__(self, name: str, scenario: Scenario, node: str) -> None:
        self.name = name
        self.scenario = scenario
        self.node = node
        found = export(name, scenario, node, places_of(scenario))
        if not found.text:
            raise ScenarioError(
                f"{name} cannot be {node}: {' '.join(found.not_expressed)}", place=scenario.name
            )
        self.notes = (*found.not_expressed, *found.differs)

    def __call__(
        self, places: Mapping[str, tuple[str, int]], authority: Authority | None
    ) -> AbstractContextManager[tuple[str, int]]:
        """Start it before the servers at *places*; where it listens."""
        return self._running(places, authority)

    @contextmanager
    def _running(
        self, places: Mapping[str, tuple[str, int]], authority: Authority | None
    ) -> Iterator[tuple[str, int]]:
        host = network_of(self.scenario).address(self.node)
        plain, encrypted = _free_ports(host, 2)
        given = {name: Place(at[0], at[1], at[1]) for name, at in places.items()}
        given[self.node] = Place(host, plain, encrypted)
        with tempfile.TemporaryDirectory(prefix="proxysim-") as directory:
            trusted = None
            if authority is not None:
                trusted = Path(directory) / "authority.pem"
                trusted.write_bytes(authority.pems[0])
                Path(directory).chmod(0o755)  # the program may become somebody else
            with start(
                self.name,
                self.scenario,
                self.node,
                given,
                certificate=None if authority is None else authority.chain,
                authority=trusted,
            ):
                yield host, encrypted if self._secure() else plain

    def _secure(self) -> bool:
        """Whether clients speak TLS with it: all of them, or none."""
        document = self.scenario.document
        node = document.nodes[self.node]
        if not isinstance(node, ReverseProxy):
            return False
        kinds = {document.sites[host].tls for host in node.sites}
        if len(kinds) > 1:
            raise ScenarioError(
                f"{self.node} serves sites with TLS and without: that is two ports of {self.name}",
                place=self.scenario.name,
                mend="Leave one kind out.",
            )
        return kinds.pop()


def stand_in_for(engine: str, scenario: Scenario, node: str | None = None) -> Engine:
    """*engine* in the place of *node*; of the only proxy it can be, where that is not said."""
    proxies = [
        name for name, found in scenario.document.nodes.items() if isinstance(found, ProxyBase)
    ]
    if node is not None:
        return Engine(engine, scenario, node)
    able = []
    reason = "it has no proxy"
    for name in proxies:
        try:
            able.append(Engine(engine, scenario, name))
        except ScenarioError as error:
            reason = str(error)
    if not able:
        raise ScenarioError(f"{engine} has no place in it: {reason}", place=scenario.name)
    return able[0]


def with_nothing_behind(scenario: Scenario, node: str) -> Scenario:
    """*scenario* with links behind *node* that take no time: another program is not held up there.

    Links to clients stay as they are, for it is the clients who are held up.
    """
    kinds = {name: found.kind for name, found in scenario.document.nodes.items()}
    tree = scenario.to_dict()
    links = tree.get("links") or []
    for link in links:
        ends = link["between"]
        if node in ends and "clients" not in {kinds[end] for end in ends}:
            for name in ("latency", "jitter", "bandwidth", "loss", "slow_start"):
                link.pop(name, None)
    return Scenario.checked(
        tree, name=scenario.name, directory=scenario.directory, removed=scenario.removed
    )


def _free_ports(host: str, count: int) -> list[int]:
    """Ports of *host* that nobody listens on now."""
    taken = [socket.create_server((host, 0)) for _ in range(count)]
    try:
        return [found.getsockname()[1] for found in taken]
    finally:
        for found in taken:
            found.close()
