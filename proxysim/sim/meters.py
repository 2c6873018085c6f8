"""Meters: what every node and wire did in each window of time."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from math import floor, log10, nan
from typing import TYPE_CHECKING, Any

from proxysim.sim.proxies import ProxyNode
from proxysim.sim.servers import Server

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["edges", "read_meters"]

MOST = 100  # windows of a run that does not say how wide they are


def edges(duration: float, warmup: float, window: float | None) -> list[float]:
    """The ends of the windows: every *window* seconds counted from *warmup*, and *duration*.

    Without a *window*: the least of 1, 2, 5, 10, ... that makes at most a hundred of them.
    """
    if window is None:
        window = nice(duration / MOST)
    first = -int(warmup / window)
    last = int((duration - warmup) / window)
    ends = {warmup + count * window for count in range(first, last + 1)} | {duration}
    tiny = 1e-9 * duration
    return sorted(end for end in ends if end > tiny and (end == duration or end < duration - tiny))


def nice(least: float) -> float:
    """The least of 1, 2 and 5 times a power of ten that is no less than *least*."""
    power = 10.0 ** floor(log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))


class _Meter:
    """The readings of one node or wire, and what they were a window ago."""

    def __init__(self, code: int, capacity: float | None, read: Any) -> None:
        self.code = code
        self.capacity = capacity
        self.read = read
        self.before: Sequence[float] = (0,) * 9

    def row(self, start: float, end: float) -> tuple[Any, ...]:
        now = self.read()
        busy, queue, inside, received, hits, misses, hit_bytes, miss_bytes, sent = (
            after - before for after, before in zip(now, self.before, strict=True)
        )
        self.before = now
        width = end - start
        utilisation = busy / width / self.capacity if self.capacity else nan
        return (
            self.code,
            start,
            end,
            utilisation,
            queue / width,
            inside / width,
            received / width,
            hits,
            misses,
            hit_bytes,
            miss_bytes,
            sent,
        )


def _of_server(node: Server) -> _Meter:
    def read() -> Sequence[float]:
        return (*node.areas(), node.received, 0, 0, 0, 0, node.sent_bytes)

    return _Meter(node.code, node.workers, read)


def _of_proxy(node: ProxyNode) -> _Meter:
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

    return _Meter(node.code, node.cores.count, read)


def read_meters(
    world: World, ends: Iterable[float], nodes: Iterable[Server | ProxyNode]
) -> Generator[Any, Any, None]:
    """A process that reads all meters at each of *ends*."""
    meters = [_of_server(node) if isinstance(node, Server) else _of_proxy(node) for node in nodes]
    code = world.recorder.texts["node"]
    for name, wires in world.wires.by_name().items():

        def read(wires: Sequence[Any] = wires) -> Sequence[float]:
            return (0, 0, 0, 0, 0, 0, 0, 0, sum(wire.bytes for wire in wires))

        meters.append(_Meter(code[name], None, read))
    start = 0.0
    for end in ends:
        yield world.env.timeout(end - world.env.time)
        world.read_totals(end)
        world.count_sights()
        for meter in meters:
            world.recorder.node_window(meter.row(start, end))
        start = end
