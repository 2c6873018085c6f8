"""What is busiest in a scenario: the node or the wire that most likely sets the limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from proxysim.results.summary import Summary
from proxysim.scenario import Scenario
from proxysim.scenario.nodes import Clients
from proxysim.scenario.serving import group_of

__all__ = ["Busy", "busiest"]

#: From here on something is called a limit.
BUSY = 0.7


@dataclass(frozen=True, slots=True)
class Busy:
    """A node, or a wire, and the *share* of its workers, cores or bandwidth that is in use."""

    name: str
    share: float
    link: bool = False

    @property
    def limits(self) -> bool:
        """Whether it is so busy that requests have to wait for it."""
        return self.share >= BUSY

    @property
    def text(self) -> str:
        """``the link edge-shop at 98 %``."""
        return f"{'the link ' if self.link else ''}{self.name} at {self.share:.0%}".replace(
            "%", " %"
        )


def busiest(scenario: Scenario, summaries: Iterable[Summary]) -> Busy | None:
    """The busiest node or wire of *scenario*, by the mean of *summaries*; None where none is known.

    Members of a group count each by itself. A wire's bandwidth is what the scenario says, whatever
    events make of it; of lines that each client has for himself the mean counts.
    """
    sums: dict[tuple[str, bool], float] = {}
    count = 0
    for summary in summaries:
        count += 1
        for name, share in summary.utilisation.items():
            sums[name, False] = sums.get((name, False), 0.0) + share
        for name, share in _wires(scenario, summary):
            sums[name, True] = sums.get((name, True), 0.0) + share
    found = [Busy(name, total / count, link) for (name, link), total in sums.items()]
    return max(found, key=lambda busy: busy.share, default=None)


def _wires(scenario: Scenario, summary: Summary) -> Iterator[tuple[str, float]]:
    """Each wire of a known bandwidth, with the share in use of its busier direction."""
    document = scenario.document
    seconds = document.run.duration - document.run.warmup
    wires = {frozenset(wire.between): wire for wire in document.links or () if wire.bandwidth}
    used: dict[tuple[str, bool], float] = {}
    for name, count in summary.bytes.items():
        start, end = name.split(">")
        groups = [group_of(party, document) or party for party in (start, end)]
        if (wire := wires.get(frozenset(groups))) is None:
            continue
        forth = groups == wire.between
        ends = wire.between if wire.shared else [start, end] if forth else [end, start]
        nodes = [document.nodes[group] for group in groups]
        own = [node.count for node in nodes if isinstance(node, Clients) and not wire.shared]
        room = (wire.bandwidth or 0.0) * seconds * max(own, default=1)
        key = ("-".join(ends), forth)
        used[key] = used.get(key, 0.0) + count / room
    for wire_name in dict.fromkeys(name for name, _ in used):
        # What still waits to be sent was counted when it was handed over.
        yield wire_name, min(1.0, max(used.get((wire_name, forth), 0.0) for forth in (True, False)))
