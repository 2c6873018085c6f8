"""Events of a scenario: nodes go down, fall silent, slow down, are drained; wires change."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from proxysim.proxies.reverse import ReverseProxy
from proxysim.scenario.document import Event
from proxysim.scenario.happenings import duration_of
from proxysim.sim.proxies import ProxyNode
from proxysim.sim.servers import Server
from proxysim.topology.directions import Direction

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["happen", "turn"]


def happen(
    world: World, event: Event, nodes: Iterable[Server | ProxyNode], wires: Iterable[Direction]
) -> Generator[Any, Any, None]:
    """A process that makes *event* happen to *nodes* or *wires*, and end."""
    yield world.env.timeout(event.at)
    turn(world, event, nodes, wires, begins=True)
    lasts = duration_of(event)
    if lasts is None:
        return
    yield world.env.timeout(lasts)
    turn(world, event, nodes, wires, begins=False)


def turn(
    world: World,
    event: Event,
    nodes: Iterable[Server | ProxyNode],
    wires: Iterable[Direction],
    *,
    begins: bool,
) -> None:
    """Let *event* begin, or end, now."""
    for node in nodes:
        (_begin if begins else _end)(world, event, node)
    for wire in wires:
        (wire.begin if begins else wire.end)(event)


def _begin(world: World, event: Event, node: Server | ProxyNode) -> None:
    if event.drain_for is not None or event.restart_for is not None:
        for proxy in _proxies(world):
            proxy.fleet.drain(node.name, proxy.clock())
    if event.down_for is not None or event.restart_for is not None:
        node.go_down()
    elif event.silent_for is not None:
        node.go_silent()
    elif event.slow is not None:
        node.slow(event.slow)
    elif event.fail is not None and isinstance(node, Server):
        node.fail(event.fail)
    elif event.flush and isinstance(node, ProxyNode):
        node.flush()


def _end(world: World, event: Event, node: Server | ProxyNode) -> None:
    if event.down_for is not None or event.restart_for is not None:
        node.come_up()
    elif event.silent_for is not None:
        node.speak()
    elif event.slow is not None:
        node.recover(event.slow)
    elif event.fail is not None and isinstance(node, Server):
        node.heal(event.fail)
    if event.drain_for is not None or event.restart_for is not None:
        for proxy in _proxies(world):
            proxy.fleet.undrain(node.name, proxy.clock())


def _proxies(world: World) -> Iterator[ReverseProxy]:
    """Those that may have the node as a backend; who has not is not concerned."""
    for node in world.nodes.values():
        if isinstance(node, ProxyNode) and isinstance(node.proxy, ReverseProxy):
            yield node.proxy
