"""The requests of all groups one after another, for runs in which each waits for the one before.

Nothing then depends on how long anything takes, so that every world is asked the same in the same
order: closed loops are taken to be answered at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush, merge
from typing import NamedTuple

from proxysim.workload.draws import ClosedGroup, Draw, Group

__all__ = ["Turn", "in_sequence"]


class Turn(NamedTuple):
    """The *draw* of a group (by its index) that is due *at* a time, in seconds."""

    at: float
    group: int
    draw: Draw


def in_sequence(groups: Sequence[Group], duration: float) -> Iterator[Turn]:
    """The requests of *groups* that are due before *duration*, in order of time.

    O(log members) a request.
    """
    ways = [
        _closed(index, group, duration)
        if isinstance(group, ClosedGroup)
        else _open(index, group, duration)
        for index, group in enumerate(groups)
    ]
    return merge(*ways, key=lambda turn: (turn.at, turn.draw.id))


def _open(index: int, group: Group, duration: float) -> Iterator[Turn]:
    assert not isinstance(group, ClosedGroup)
    for draw in group.draws():
        if draw.at >= duration:
            return
        yield Turn(draw.at, index, draw)


def _closed(index: int, group: ClosedGroup, duration: float) -> Iterator[Turn]:
    members = [group.think(member) for member in range(group.count)]
    due: list[tuple[float, int, Draw]] = []

    def push(member: int, since: float) -> None:
        pause, draw = next(members[member])
        if since + pause < duration:
            heappush(due, (since + pause, member, draw))

    for member in range(group.count):
        push(member, 0.0)
    while due:
        at, member, draw = heappop(due)
        yield Turn(at, index, draw)
        push(member, at)
