"""Events of a scenario: nodes go down, fall silent, slow down, are drained; wires change."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from proxysim.proxies.reverse import ReverseProxy
from proxysim.scenario.document import Event
from proxysim.sim.paths import Direction
from proxysim.sim.proxies import ProxyNode
from proxysim.sim.servers import Server
from proxysim.units import format_bandwidth, format_duration

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["event_facts", "happen"]


def happen(
    world: World, event: Event, nodes: Iterable[Server | ProxyNode], wires: Iterable[Direction]
) -> Generator[Any, Any, None]:
    """A process that makes *event* happen to *nodes* or *wires*, and end."""
    yield world.env.timeout(event.at)
    for node in nodes:
        _begin(world, event, node)
    for wire in wires:
        wire.begin(event)
    lasts = duration_of(event)
    if lasts is None:
        return
    yield world.env.timeout(lasts)
    for node in nodes:
        _end(world, event, node)
    for wire in wires:
        wire.end(event)


def duration_of(event: Event) -> float | None:
    """For how many seconds it lasts; None: it is over at once."""
    given = (event.down_for, event.silent_for, event.drain_for, event.restart_for, event.for_)
    return next((seconds for seconds in given if seconds is not None), None)


def event_facts(event: Event) -> dict[str, Any]:
    """The event as plain values, for the results."""
    lasts = duration_of(event)
    if event.node is not None:
        what = f"{event.node} {_what(event)}"
    else:
        what = f"{'-'.join(event.link or ())} {_what(event)}"
    return {
        "at": event.at,
        "until": None if lasts is None else event.at + lasts,
        "label": what,
        "node": event.node,
        "link": list(event.link) if event.link is not None else None,
    }


def _what(event: Event) -> str:
    if event.down_for is not None:
        return "down"
    if event.silent_for is not None:
        return "silent"
    if event.drain_for is not None:
        return "drained"
    if event.restart_for is not None:
        return "restarts"
    if event.slow is not None:
        return f"{event.slow:g} times slower"
    if event.fail is not None:
        return f"fails {event.fail:.0%}"
    if event.flush:
        return "cache flushed"
    if event.extra_latency is not None:
        return f"+{format_duration(event.extra_latency)}"
    if event.loss is not None:
        return f"loses {event.loss:.1%}"
    return f"at {format_bandwidth(event.bandwidth or 0.0)}"


def _begin(world: World, event: Event, node: Server | ProxyNode) -> None:
    if event.drain_for is not None or event.restart_for is not None:
        for proxy in _proxies(world):
            proxy.fleet.drain(node.name, world.env.time)
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
            proxy.fleet.undrain(node.name, world.env.time)


def _proxies(world: World) -> Iterator[ReverseProxy]:
    """Those that may have the node as a backend; who has not is not concerned."""
    for node in world.nodes.values():
        if isinstance(node, ProxyNode) and isinstance(node.proxy, ReverseProxy):
            yield node.proxy
