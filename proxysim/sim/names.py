"""Names that a party has resolved: how long that takes, and who asked the resolver for what."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from proxysim.sim.exchange import Call

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["Names"]


class Names:
    """A cache of the resolver's answers: a look-up takes *lookup* seconds, its answer holds *ttl*.

    Who needs a name that is being looked up waits for the same answer.
    """

    __slots__ = ("_known", "lookup", "ttl", "world")

    def __init__(self, world: World, lookup: float, ttl: float) -> None:
        self.world = world
        self.lookup = lookup
        self.ttl = ttl
        self._known: dict[Hashable, tuple[float, float]] = {}  # from, until

    def wait(self, key: Hashable, asker: int, call: Call | None) -> float:
        """Seconds until the name under *key* is known to *asker* (a code), on behalf of *call*.

        The resolver hears of it when it is asked; None: of a name that is no site's.
        """
        now = self.world.env.time
        known, until = self._known.get(key, (0.0, 0.0))
        if now >= until:
            known = now + self.lookup
            self._known[key] = (known, known + self.ttl)
            if call is not None:
                self.world.lookups[asker, call.client, call.site] += 1
        return max(0.0, known - now)
