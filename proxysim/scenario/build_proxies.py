"""A scenario's proxies, made into the objects that every world runs."""

from __future__ import annotations

from collections.abc import Callable

from proxysim.policies.balancers import build_balancer
from proxysim.policies.compression import Compression
from proxysim.proxies.effects import Deadlines
from proxysim.proxies.forward import ForwardProxy
from proxysim.proxies.reverse import ReverseProxy
from proxysim.scenario import nodes as said
from proxysim.scenario.build_caches import cache_of
from proxysim.scenario.build_fleet import fleet_of, prober_of
from proxysim.scenario.build_forward import forward_of
from proxysim.scenario.build_identity import identity_of, trusted_of
from proxysim.scenario.build_resilience import (
    breakers_of,
    gate_of,
    hedging_of,
    retry_of,
    slots_of,
)
from proxysim.scenario.compressing import Compression as Said
from proxysim.scenario.scenario import Scenario
from proxysim.topology import Network
from proxysim.workload.streams import stream

__all__ = ["proxy_of"]

Clock = Callable[[], float]


def proxy_of(
    scenario: Scenario,
    name: str,
    clock: Clock,
    seed: int | None = None,
    replication: int = 0,
    network: Network | None = None,
    epoch: float | None = None,
) -> ForwardProxy | ReverseProxy:
    """The proxy that *scenario* calls *name*; *clock* gives its world's seconds.

    Its random choices come from streams of its own under *seed* (the scenario's, unless another is
    given). Backends bear the names of the members that they are. *network* is the
    world's, where it is not the scenario's own. *epoch* is what *clock* reads as 0, in seconds
    since 1970, in a world that has a calendar: its caches then hold the dates of answers against
    the clock. Raises ScenarioError.
    """
    node = scenario.document.nodes[name]
    seed = scenario.document.run.seed if seed is None else seed
    if isinstance(node, said.ForwardProxy):
        cache = cache_of(node, name, clock, seed, replication, epoch)
        return forward_of(scenario, name, clock, cache, network)
    assert isinstance(node, said.ReverseProxy)
    fleet = fleet_of(scenario, node)
    balancer = build_balancer(node.balancer, stream(seed, f"{name}/balancer", replication), clock)
    return ReverseProxy(
        name,
        clock,
        identity_of(scenario, name, node),
        balancer,
        fleet,
        sites=node.sites,
        trusted=trusted_of(scenario, node, network),
        passthrough=not node.mode.reads,
        cache=cache_of(node, name, clock, seed, replication, epoch),
        compression=_compression(node.compression),
        prober=prober_of(
            fleet, node, clock, lambda backend: stream(seed, f"{name}/probe/{backend}", replication)
        ),
        retry=retry_of(node, stream(seed, f"{name}/retry", replication)),
        hedging=hedging_of(node),
        breakers=breakers_of(node),
        slots=slots_of(node, clock),
        gate=gate_of(node, clock),
        deadlines=Deadlines(
            node.deadlines.connect, node.deadlines.first_byte, node.deadlines.total
        ),
    )


def _compression(found: Said | None) -> Compression | None:
    if found is None or not found.codings:
        return None
    levels = {str(coding): level for coding, level in found.level.items()}
    return Compression(found.codings, found.min_size, found.types, levels)
