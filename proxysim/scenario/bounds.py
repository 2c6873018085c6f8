"""What a computer could not finish: more arrivals, turns or nodes than a run may have."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from proxysim.scenario.document import Document
from proxysim.scenario.draws import Arrivals
from proxysim.scenario.mistakes import Mistake
from proxysim.scenario.nodes import Clients, Server

__all__ = ["expected", "unbounded"]

#: Expected arrivals of a run: an hour or two of work.
MOST_ARRIVALS = 100_000_000
#: Changes of an arrival rate in a run.
MOST_CHANGES = 1_000_000
#: Ranks looked through when popularity drifts: turns times objects.
MOST_RANKS = 1_000_000_000
#: A turn costs as much as looking through so many ranks.
TURN = 1000
#: Servers of all groups; wires between members.
MOST_SERVERS = 10_000
MOST_WIRES = 1_000_000


def unbounded(document: Document) -> Iterator[Mistake]:
    """The settings of *document* with which a run would not end within the day."""
    yield from _arrivals(document)
    yield from _drift(document)
    yield from _members(document)


def _arrivals(document: Document) -> Iterator[Mistake]:
    duration = document.run.duration
    total = 0.0
    for name, node in document.nodes.items():
        if not isinstance(node, Clients):
            continue
        path = ("nodes", name, "arrivals")
        total += expected(node.arrivals, duration)
        if total > MOST_ARRIVALS:
            yield Mistake(
                path,
                f"{total:.3g} requests are to be expected in {duration:g} s",
                f"Lower the rate, or run.duration: at most {MOST_ARRIVALS:,} in all.",
            )
            return
        changes = _changes(node.arrivals, duration)
        if changes > MOST_CHANGES:
            yield Mistake(
                path,
                f"the rate changes {changes:.3g} times in {duration:g} s",
                f"Let it change less often: at most {MOST_CHANGES:,} times.",
            )


def expected(arrivals: Arrivals, duration: float) -> float:
    """Mean number of requests in *duration* seconds; 0 where users or a log decide it.

    Daily profiles are taken as whole days, begun ones included.
    """
    given = arrivals.parameters
    match arrivals.kind:
        case "poisson" | "even":
            return float(given * duration)
        case "bursty":
            cycle = given.calm_for + given.burst_for
            mean = given.calm * (given.calm_for / cycle) + given.burst * (given.burst_for / cycle)
            return float(mean * duration)
        case "ramp":
            over = duration if given.over is None else given.over
            climbing = min(duration, over)
            top = given.start + (given.end - given.start) * (climbing / over if over else 1.0)
            return float(climbing * (given.start + top) / 2 + (duration - climbing) * given.end)
        case "daily":
            days = duration / given.day
            return float(given.mean * given.day * (ceil(days) if days < MOST_CHANGES else days))
        case "steps":
            ends = [*(step.at for step in given[1:]), duration]
            return float(
                sum(
                    step.rate * max(0.0, min(end, duration) - step.at)
                    for step, end in zip(given, ends, strict=True)
                )
            )
    return 0.0


def _changes(arrivals: Arrivals, duration: float) -> float:
    given = arrivals.parameters
    if arrivals.kind == "bursty":
        return 2 * duration / float(given.calm_for + given.burst_for)
    return len(given.profile) * duration / float(given.day) if arrivals.kind == "daily" else 0.0


def _drift(document: Document) -> Iterator[Mistake]:
    duration = document.run.duration
    for name, site in document.sites.items():
        if site.popularity.kind != "drifting":
            continue
        every = site.popularity.parameters.every
        cost = (site.objects + TURN) / MOST_RANKS
        if duration / every * cost > 1:
            yield Mistake(
                ("sites", name, "popularity", "drifting", "every"),
                f"the popularity of {site.objects:,} objects changes {duration / every:.3g} times"
                f" in {duration:g} s",
                f"Give a time of at least {duration * cost:.3g} s.",
            )


def _members(document: Document) -> Iterator[Mistake]:
    counts = {name: node.count for name, node in document.nodes.items() if isinstance(node, Server)}
    servers = 0
    for name, count in counts.items():
        servers += count
        if servers > MOST_SERVERS:
            yield Mistake(
                ("nodes", name, "count"),
                f"makes {servers:,} servers",
                f"Have at most {MOST_SERVERS:,} in all; give them more workers.",
            )
            return
    for index, link in enumerate(document.links or []):
        one, other = (counts.get(end, 1) for end in link.between)
        if one * other > MOST_WIRES:
            yield Mistake(
                ("links", index, "between"),
                f"joins {one:,} members to {other:,}, each pair by a wire of its own",
                f"Have at most {MOST_WIRES:,} wires: put a router between.",
            )
