"""Addresses of the loopback network, one for each member of each group."""

from __future__ import annotations

from collections.abc import Iterable

from proxysim.errors import TopologyError, did_you_mean
from proxysim.topology.places import Place

__all__ = ["Addresses", "counts"]

#: Members in one 127.G.0.0/16: the last octet runs from 1 to 254.
_IN_BLOCK = 256 * 254


class Addresses:
    """Who lives where: each member of each of *places* has an address of its own."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.places = {place.name: place for place in places}
        self._blocks = self._allot()

    def address(self, member: str) -> str:
        """The member's own address in 127.0.0.0/8: 127.G.H.L, where G tells the group."""
        place = self.places.get(member)
        if place is not None and not place.numbered:
            return self.address_of(member, 0)
        group, _, number = member.rpartition("-")
        place = self.places.get(group)
        if place is None or not place.numbered or not counts(number, place.count):
            raise TopologyError(
                f"there is no member {member!r}", mend=did_you_mean(member, self.places)
            )
        return self.address_of(group, int(number) - 1)

    def address_of(self, group: str, index: int) -> str:
        """The address of the member *index* (from 0) of *group*."""
        block, within = divmod(index, _IN_BLOCK)
        high, low = divmod(within, 254)
        return f"127.{self._blocks[group] + block}.{high}.{low + 1}"

    def networks(self, name: str) -> tuple[str, ...]:
        """All addresses of *name*, a group or one of its members, as networks."""
        place = self.places.get(name)
        if place is None:
            return (f"{self.address(name)}/32",)
        first = self._blocks[name]
        blocks = -(-place.count // _IN_BLOCK)
        return tuple(f"127.{first + block}.0.0/16" for block in range(blocks))

    def name(self, address: str) -> str:
        """The member at *address*; the inverse of :meth:`address`."""
        octets = address.split(".")
        if len(octets) == 4 and octets[0] == "127" and all(part.isdecimal() for part in octets):
            block, high, low = (int(part) for part in octets[1:])
            for group, first in reversed(self._blocks.items()):
                if first <= block:
                    index = (block - first) * _IN_BLOCK + high * 254 + low - 1
                    if 1 <= low <= 254 and high < 256 and index < self.places[group].count:
                        return self.places[group].member(index)
                    break
        raise TopologyError(f"no member has the address {address!r}")

    def _allot(self) -> dict[str, int]:
        """Each group's first G, in the order of the places."""
        blocks, free = {}, 1
        for place in self.places.values():
            blocks[place.name] = free
            free += -(-place.count // _IN_BLOCK)
        if free > 255:
            raise TopologyError(
                f"{sum(place.count for place in self.places.values())} members in"
                f" {len(self.places)} groups do not fit into 127.0.0.0/8",
                place="nodes",
                mend="Use fewer groups, or fewer members in each.",
            )
        return blocks


def counts(number: str, count: int) -> bool:
    """Whether *number* is written as a member's number is, from 1 to *count*."""
    plain = number.isascii() and number.isdigit() and number[0] != "0" and len(number) < 9
    return plain and int(number) <= count
