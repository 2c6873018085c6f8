"""Where the nodes of a scenario are found: addresses and ports, for configurations to name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from proxysim.errors import ScenarioError, did_you_mean
from proxysim.scenario import Scenario
from proxysim.scenario.build_topology import network_of
from proxysim.scenario.nodes import ForwardProxy, ReverseProxy, Server

__all__ = ["Place", "Places", "places_of"]

#: Ports without and with TLS, unless others are given: none that only root may open.
PORTS = {"forward_proxy": (3128, 3129), "reverse_proxy": (8080, 8443), "server": (8000, 8444)}


@dataclass(frozen=True, slots=True)
class Place:
    """An address, and a port there for plain connections and one for TLS."""

    host: str
    http: int
    https: int

    @property
    def own(self) -> str:
        """The address to ask servers from where the system would take another one; else empty.

        On the loopback it would take 127.0.0.1 for all, and servers could not tell who asks.
        """
        return self.host if self.host.startswith("127.") and self.host != "127.0.0.1" else ""

    def at(self, *, tls: bool = False) -> str:
        """Address and port, as configurations write them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.https if tls else self.http}"


@dataclass(frozen=True, slots=True)
class Places:
    """Where each proxy, and each member of a server group, is found; and what stands there.

    ``directory`` is where the configuration will stand, with the files beside it. ``authority`` is
    a file (PEM) of whom to trust about servers spoken to over TLS; None: they are not verified.
    """

    nodes: Mapping[str, Place]
    directory: Path = field(default_factory=Path)
    authority: Path | None = None

    def __getitem__(self, name: str) -> Place:
        return self.nodes[name]


def places_of(
    scenario: Scenario,
    given: Mapping[str, Place] | None = None,
    directory: Path | None = None,
    authority: Path | None = None,
) -> Places:
    """The places in *scenario*: those *given*, and for the others the usual ones.

    That is on the loopback an address of its own for everybody, as in the live world; ports are
    3128 for forward proxies, 8080 and (TLS) 8443 for reverse proxies, 8000 and 8444 for servers.
    Raises ScenarioError for a name that is none of its proxies and servers.
    """
    network = network_of(scenario)
    found: dict[str, Place] = {}
    for name, node in scenario.document.nodes.items():
        if isinstance(node, ForwardProxy | ReverseProxy | Server):
            for member in scenario.members(name):
                found[member] = Place(network.address(member), *PORTS[node.kind])
    for name, place in (given or {}).items():
        if name not in found:
            raise ScenarioError(
                f"there is no proxy or server {name!r} to be found anywhere",
                place=scenario.name,
                mend=did_you_mean(name, found),
            )
        found[name] = place
    return Places(found, directory or Path(), authority)
