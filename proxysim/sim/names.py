"""Names that a party of a simulated run has resolved, and who asked the resolver for what."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from proxysim.policies import names
from proxysim.sim.exchange import Call

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["Names"]


class Names:
    """What a party of *world* knows: see :class:`proxysim.policies.names.Names`."""

    __slots__ = ("_names", "lookup", "world")

    def __init__(self, world: World, lookup: float, ttl: float) -> None:
        self.world = world
        self.lookup = lookup
        self._names = names.Names(lookup, ttl)

    def wait(self, key: Hashable, asker: int, call: Call | None) -> float:
        """Seconds until the name under *key* is known to *asker* (a code), on behalf of *call*.

        The resolver hears of it when it is asked; None: of a name that is no site's.
        """
        seconds, asked = self._names.wait(key, self.world.env.time)
        if asked and call is not None:
            self.world.lookups[asker, call.client, call.site] += 1
        return seconds
