"""Places for requests under way, and the line of those who wait for one."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Generator, Hashable, Sequence
from typing import Any, Generic, TypeVar

from proxysim.policies.shedding import ControlledDelay
from proxysim.proxies.effects import Effect, Signal, Wait

__all__ = ["Slots"]

P = TypeVar("P", bound=Hashable)


class Slots(Generic[P]):
    """At most *most* requests at each of several places; who finds them full waits in one line.

    The line is first come, first served: a slot that comes free goes to the first who may have it.
    At most *queue* wait (None: any number), for at most *timeout* seconds each (None: for ever), or
    as *delay* says.

    O(1) while no place is full, else O(places) a request.
    Source: HAProxy ``maxconn`` of a server with the queue of its backend, ``maxqueue`` and
    ``timeout queue``; nginx ``max_conns`` with ``queue``.
    """

    def __init__(
        self,
        most: int,
        clock: Callable[[], float],
        *,
        queue: int | None = None,
        timeout: float | None = None,
        delay: ControlledDelay | None = None,
    ) -> None:
        self.most = most
        self.queue = queue
        self.timeout = timeout
        self.delay = delay
        self.used: Counter[P] = Counter()
        self._clock = clock
        self._full: set[P] = set()
        self._line: OrderedDict[Signal, Sequence[P]] = OrderedDict()
        self._all: Sequence[P] | None = None  # for which the next holds
        self._free: Sequence[P] = ()

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return len(self._line)

    def free(self, places: Sequence[P]) -> Sequence[P]:
        """Those of *places* that are not full; *places* itself where none is."""
        if not self._full:
            return places
        if places is not self._all:
            self._all = places
            self._free = [place for place in places if place not in self._full]
        return self._free

    def claim(
        self, places: Sequence[P], choose: Callable[[Sequence[P]], P]
    ) -> Generator[Effect, Any, P | None]:
        """A slot at one of *places*, picked by *choose* where several are free.

        None where too many wait, or it took too long. What is got must be given back.
        """
        free = self.free(places)
        if free:
            place = choose(free)
            self.used[place] += 1
            if self.used[place] == self.most:
                self._full.add(place)
                self._all = None
            return place
        line = self._line
        if self.queue is not None and len(line) >= self.queue:
            return None
        patience = self.timeout
        if self.delay is not None:
            patience = self.delay.patience(len(line), self._clock())
        turn = Signal()
        line[turn] = places
        try:
            yield Wait(turn, patience)
        except GeneratorExit:
            if turn.is_set:
                self.give_back(turn.value)
            else:
                del line[turn]
            raise
        # A turn may come and the time be up at once; then it counts that the turn has come.
        if turn.is_set:
            place = turn.value
            return place
        del line[turn]
        return None

    def give_back(self, place: P) -> None:
        """A request at *place* is over: its slot is for the first in line who may have it."""
        for turn, places in self._line.items():
            if place in places:
                del self._line[turn]
                turn.set(place)
                return
        self.used[place] -= 1
        if not self.used[place]:
            del self.used[place]
        if place in self._full:
            self._full.remove(place)
            self._all = None
