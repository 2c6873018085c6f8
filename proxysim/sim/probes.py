"""Probes in simulated time: what a request that a proxy makes of its own accord carries along."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from proxysim.messages import Request
from proxysim.proxies.forward import ForwardProxy
from proxysim.proxies.reverse import ReverseProxy
from proxysim.scenario import nodes as said
from proxysim.sim.exchange import Call
from proxysim.workload.content import Asset
from proxysim.workload.numbers import PROBES
from proxysim.workload.streams import Chance

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["PROBING", "Probe", "Probes"]

#: The attempt's number of a probe: those of requests count from 1.
PROBING = 0


class Probe(Call):
    """A call that nobody made: no arrival, and no client (its code is that of no name).

    ``demand`` is what it takes of a server's worker, in seconds; None: what the server takes for
    a request. ``id`` is negative, and each has its own.
    """

    __slots__ = ("demand",)

    def __init__(
        self, number: int, at: float, asset: Asset, u: float, demand: float | None
    ) -> None:
        self.id = number
        self.at = at
        self.client = 0
        self.site = 0
        self.asset = asset
        self.method = "GET"
        self.u = u
        self.recorded = None
        self.then = None
        self.demand = demand


class Probes:
    """The probes of the proxy *name*: each backend's have chances of their own, in their order."""

    def __init__(self, world: World, name: str, proxy: ForwardProxy | ReverseProxy) -> None:
        self.world = world
        self.demand: float | None = None
        self._sent: dict[str, int] = {}
        self._places: dict[str, int] = {}
        self._chances: dict[str, Chance] = {}
        node = world.scenario.document.nodes[name]
        if not isinstance(proxy, ReverseProxy) or not isinstance(node, said.ReverseProxy):
            return
        if node.health.active is None:
            return
        self.demand = node.health.active.demand
        for backend in proxy.fleet.backends:
            self._sent[backend.name] = 0
            self._places[backend.name] = world.probed = world.probed + 1
            component = f"{name}/probe/{backend.name}"
            self._chances[backend.name] = Chance(world.seed, component, world.replication)

    def equip(self, request: Request, backend: str) -> Request:
        """*request*, a probe of *backend*, with its luggage."""
        sent = self._sent[backend]
        self._sent[backend] = sent + 1
        asset = Asset(request.host, request.path, 0, (0, 0), False, "no-store")
        number = -(1 + self._places[backend] + PROBES * sent)
        u = self._chances[backend](sent)
        probe = Probe(number, self.world.env.time, asset, u, self.demand)
        return replace(request, world=probe)
