"""The ways that requests take, drawn with characters: clients on the left, servers on the right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from rich.text import Text

from proxysim import units

if TYPE_CHECKING:
    from proxysim.scenario import Scenario
    from proxysim.topology import Hop, Network

__all__ = ["Lane", "drawn", "lanes"]

_BORDER = "┊"


@dataclass(frozen=True, slots=True)
class Lane:
    """One way from clients to servers: its stops, their zones, and the hops between them."""

    stops: tuple[str, ...]
    zones: tuple[str, ...]
    wires: tuple[str, ...]


def lanes(scenario: Scenario, network: Network) -> list[Lane]:
    """Every way that requests of *scenario* may take, each once; a group is one stop."""
    return list(dict.fromkeys(_lanes(scenario, network)))


def _lanes(scenario: Scenario, network: Network) -> Iterator[Lane]:
    from proxysim.scenario.nodes import Clients, ForwardProxy

    nodes = scenario.document.nodes
    for name, node in nodes.items():
        if not isinstance(node, Clients):
            continue
        passed, through = [name], node.through
        while through is not None and through not in passed:
            passed.append(through)
            proxy = nodes[through]
            through = proxy.through if isinstance(proxy, ForwardProxy) else None
        for site in node.sites or scenario.document.sites:
            for front in scenario.fronts(site):
                for way in _onwards(scenario, front):
                    yield _lane(scenario, network, [*passed, *way])


def _onwards(scenario: Scenario, name: str) -> Iterator[list[str]]:
    """From *name*, what answers for a site, to the servers that it has it from."""
    from proxysim.scenario.nodes import ReverseProxy

    node = scenario.document.nodes[name]
    if isinstance(node, ReverseProxy):
        for backend in node.backend_names:
            for way in _onwards(scenario, backend):
                yield [name, *way]
    else:
        yield [name]


def _lane(scenario: Scenario, network: Network, way: list[str]) -> Lane:
    # A group's first member stands for all of them.
    ends = [name if name in network.graph else scenario.members(name)[0] for name in way]
    hops = [hop for pair in pairwise(ends) for hop in network.route(*pair)]
    stops = [ends[0], *(hop.end for hop in hops)] if hops else ends
    owner = dict(zip(ends, way, strict=True))
    names = (owner.get(stop, stop) for stop in stops)
    return Lane(
        tuple(_label(scenario, name) for name in names),
        tuple(network.zone(stop) for stop in stops),
        tuple(_wire(hop) for hop in hops),
    )


def _label(scenario: Scenario, name: str) -> str:
    count = getattr(scenario.document.nodes.get(name), "count", 1)
    return f"{name} ×{count:,}" if count > 1 else name


def _wire(hop: Hop) -> str:
    return units.format_duration(hop.wire.latency) if hop.wire.latency else ""


def drawn(lane: Lane, width: int) -> Text:
    """*lane* in three lines: whose network, the stops, and the latency of each wire, one way.

    A dotted stroke on a wire is the border between two networks. Where *width* is too little, the
    wires are shortened and lose what is written under them.
    """
    gaps = [max(len(wire) + 2, 7) for wire in lane.wires]
    told = sum(map(len, lane.stops)) + sum(gaps) + 2 * len(gaps) <= width
    if not told:
        gaps = [3 for _ in gaps]
    top, middle, below = Text(), Text(), Text()
    for place, stop in enumerate(lane.stops):
        if place:
            crossing = lane.zones[place] != lane.zones[place - 1]
            gap = gaps[place - 1]
            line = "─" * gap
            if crossing:
                line = line[: gap // 2] + _BORDER + line[gap // 2 + 1 :]
            middle.append(f" {line} ", style="dim")
            below.append(" " * (len(middle) - gap - 2 - len(below)))
            below.append((lane.wires[place - 1] if told else "").center(gap + 2), style="dim")
        if not place or lane.zones[place] != lane.zones[place - 1]:
            start = len(middle)
            # A long name of the zone before may reach into this one.
            top.append(" " * max(start - len(top), 2 if place else 0))
            top.append(lane.zones[place], style="dim italic")
        middle.append(stop, style="bold")
    lines = [top, middle, *([below] if told and any(lane.wires) else [])]
    drawing = Text("\n").join(lines)
    drawing.no_wrap = True
    return drawing
