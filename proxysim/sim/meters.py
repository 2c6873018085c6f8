"""Meters: what every node and wire did in each window of time."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from proxysim.results.windows import Meter
from proxysim.sim.proxies import ProxyNode
from proxysim.sim.servers import Server

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["meters_of", "read_meters"]


def _of_server(node: Server) -> Meter:
    def read() -> Sequence[float]:
        return (*node.areas(), node.received, 0, 0, 0, 0, node.sent_bytes)

    return Meter(node.code, node.workers, read)


def _of_proxy(node: ProxyNode) -> Meter:
    def read() -> Sequence[float]:
        return (
            *node.areas(),
            node.received,
            node.hits,
            node.misses,
            node.hit_bytes,
            node.miss_bytes,
            node.sent_bytes,
        )

    return Meter(node.code, node.cores.count, read)


def meters_of(world: World, nodes: Iterable[Server | ProxyNode]) -> list[Meter]:
    """A meter for each of *nodes* and each wire."""
    meters = [_of_server(node) if isinstance(node, Server) else _of_proxy(node) for node in nodes]
    code = world.recorder.texts["node"]
    for name, wires in world.wires.by_name().items():

        def read(wires: Sequence[Any] = wires) -> Sequence[float]:
            return (0, 0, 0, 0, 0, 0, 0, 0, sum(wire.bytes for wire in wires))

        meters.append(Meter(code[name], None, read))
    return meters


def read_meters(
    world: World, ends: Iterable[float], nodes: Iterable[Server | ProxyNode]
) -> Generator[Any, Any, None]:
    """A process that reads all meters at each of *ends*."""
    meters = meters_of(world, nodes)
    start = 0.0
    for end in ends:
        yield world.env.timeout(end - world.env.time)
        world.read_totals(end)
        world.count_sights()
        for meter in meters:
            world.recorder.node_window(meter.row(start, end))
        start = end
