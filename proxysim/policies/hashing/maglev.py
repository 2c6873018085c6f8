"""Maglev: a table whose entries the members take in turns, each in an order of its own."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import lru_cache

from proxysim.policies.hashing.digests import digest
from proxysim.policies.hashing.members import Members

__all__ = ["fill", "maglev_table"]


def fill(
    offsets: Sequence[int], skips: Sequence[int], weights: Sequence[float], size: int
) -> array[int]:
    """The member (its number) at each of *size* entries, *size* being prime.

    Member i likes the entries ``offsets[i] + k * skips[i]`` (modulo *size*) in this order. In turn
    each takes the first of them that is still free, until all are taken; so with equal *weights*
    each has ``size / members`` entries, rounded down or up. A lighter member takes a turn only
    in its share of the rounds, that of weight w in ``w / max(weights)`` of them, the first among
    them. O(size log size) on average.

    Source: Eisenbud et al., "Maglev" (NSDI 2016), section 3.4; for the weights Envoy.
    """
    table = [-1] * size
    nexts = list(offsets)
    turns = [0] * len(nexts)
    heaviest = max(weights)
    left, this_round = size, 0
    while True:
        this_round += 1
        for member, weight in enumerate(weights):
            if this_round * weight < turns[member] * heaviest:
                continue
            at, skip = nexts[member], skips[member]
            while table[at] >= 0:
                at += skip
                if at >= size:
                    at -= size
            table[at] = member
            nexts[member] = at
            turns[member] += 1
            left -= 1
            if not left:
                return array("H" if len(weights) <= 65536 else "L", table)


@lru_cache(maxsize=64)
def maglev_table(members: Members, size: int) -> array[int]:
    """The table of *size* entries (prime) for *members*, numbered as they are listed.

    It depends on names and weights, not on the order in which they are listed. With more members
    than entries some own none.
    """
    order = sorted(range(len(members)), key=members.__getitem__)
    names = [members[number][0] for number in order]
    table = fill(
        [digest(name, b"maglev offset") % size for name in names],
        [digest(name, b"maglev skip") % (size - 1) + 1 for name in names],
        [members[number][1] for number in order],
        size,
    )
    return array(table.typecode, [order[member] for member in table])
