"""How clients and forward proxies reach each site, and what clients tell of themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proxysim.messages import Headers
from proxysim.scenario.build_clients import fields_of
from proxysim.scenario.nodes import Clients
from proxysim.sim.channels import Endpoint
from proxysim.topology import Network

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["Addresses", "Resolver", "Way", "ways_of"]


@dataclass(slots=True)
class Way:
    """How a group reaches a site: *endpoints* to connect to, one for each member in turn.

    *secure*: the site is asked for over TLS. *tunnel*: the endpoint is a forward proxy that must
    first open a tunnel to *host*. *headers* are the fields of each request that goes this way.
    """

    endpoints: tuple[Endpoint, ...]
    host: str
    secure: bool
    tunnel: bool
    upload: int
    headers: Headers
    scheme: str = field(init=False)
    port: int = field(init=False)
    by_host: bool = field(init=False)  # whether a connection serves this host alone

    def __post_init__(self) -> None:
        self.scheme, self.port = ("https", 443) if self.secure else ("http", 80)
        self.by_host = self.tunnel or self.secure


def ways_of(world: World, node: Clients) -> dict[int, Way]:
    """The way to each site that *node* asks for, by the site's number."""
    own, to_proxy = fields_of(node)
    ways = {}
    for index, (host, site) in enumerate(world.scenario.document.sites.items()):
        if node.sites is not None and host not in node.sites:
            continue
        if node.through is None:
            endpoints = tuple(world.front(host))
            ways[index] = Way(endpoints, host, site.tls, False, site.upload, own)
        else:
            proxy = world.nodes[node.through]
            fields = own if site.tls else to_proxy
            ways[index] = Way((proxy,), host, site.tls, site.tls, site.upload, fields)
    return ways


class Addresses(dict[int, str]):
    """The addresses of a group's members by number, worked out as they are first needed."""

    def __init__(self, network: Network, group: str) -> None:
        super().__init__()
        self.network = network
        self.group = group

    def __missing__(self, member: int) -> str:
        address = self[member] = self.network.address_of(self.group, member)
        return address


class Resolver:
    """Finds where a forward proxy's host names lead; members of a group are taken in turn."""

    def __init__(self, world: World, parent: str | None) -> None:
        self.world = world
        self.parent = parent
        self.turns: dict[str, int] = {}

    def __call__(self, name: str) -> Endpoint:
        world = self.world
        if self.parent is not None and name == self.parent:
            return world.nodes[name]
        fronts = world.front(name)
        turn = self.turns[name] = self.turns.get(name, -1) + 1
        return fronts[turn % len(fronts)]
