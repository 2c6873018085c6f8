"""Which of a site's objects a request asks for. Objects are numbered from 0, most popular first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from proxysim.errors import ScenarioError
from proxysim.workload.streams import generator

__all__ = ["Drifting", "Popularity", "Uniform", "Zipf"]

#: Ranks kept by a drifting popularity, over all the rankings it remembers: 32 MB.
_KEPT = 1 << 22


class Popularity(Protocol):
    """A distribution over the ``n`` objects of a site.

    ``objects(us, ats)`` are the objects (int64) that requests with the uniform numbers *us*, made
    at the times *ats*, ask for. ``probabilities(at)`` is each object's share at that time.
    """

    @property
    def n(self) -> int: ...
    def objects(self, us: np.ndarray, ats: np.ndarray) -> np.ndarray: ...
    def probabilities(self, at: float = 0.0) -> np.ndarray: ...


@dataclass(frozen=True, slots=True)
class Uniform:
    """Every object alike."""

    n: int

    def objects(self, us: np.ndarray, ats: np.ndarray) -> np.ndarray:
        return (us * self.n).astype(np.int64)

    def probabilities(self, at: float = 0.0) -> np.ndarray:
        return np.full(self.n, 1.0 / self.n)


@dataclass(frozen=True, slots=True)
class Zipf:
    """The independent reference model: p(rank) ~ 1 / rank**s over *n* ranks.

    Kept: one array of *n* floats, made at the first draw. A draw is a binary search in it.
    """

    s: float
    n: int
    _shares: list[np.ndarray] = field(init=False, repr=False, compare=False, default_factory=list)

    @property
    def cumulative(self) -> np.ndarray:
        """P(rank <= i + 1) at index i; the last is 1."""
        if not self._shares:
            sums = np.arange(1, self.n + 1, dtype=np.float64)
            np.power(sums, -self.s, out=sums)
            np.cumsum(sums, out=sums)
            sums /= sums[-1]
            self._shares.append(sums)
        return self._shares[0]

    def objects(self, us: np.ndarray, ats: np.ndarray) -> np.ndarray:
        return np.asarray(self.cumulative.searchsorted(us, side="right"))

    def probabilities(self, at: float = 0.0) -> np.ndarray:
        weights = np.arange(1, self.n + 1, dtype=np.float64) ** -self.s
        return np.asarray(weights / weights.sum())


@dataclass(frozen=True, slots=True)
class Drifting:
    """Zipf whose ranking turns over: every *every* seconds, a *share* of the ranks changes hands.

    At each turn a random sample of the ranks passes its objects round in a ring. The turns depend
    on *seed* alone, so the ranking at a time is the same whoever asks, in whatever order. Rankings
    are kept, the fewer the more objects there are; one that is not follows from one before it.
    """

    s: float
    n: int
    every: float
    share: float
    seed: int
    _zipf: Zipf = field(init=False, repr=False, compare=False)
    _state: dict[int, np.ndarray] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        if self.every <= 0:
            raise ScenarioError(
                f"found drifting popularity with every: {self.every:g} s",
                mend="Give it above zero.",
            )
        object.__setattr__(self, "_zipf", Zipf(self.s, self.n))

    def ranking(self, turn: int) -> np.ndarray:
        """The object at each rank after *turn* turns."""
        known = self._state.get(turn)
        if known is not None:
            return known
        before = max((kept for kept in self._state if kept < turn), default=0)
        holders = self._state.get(before, np.arange(self.n)).copy()
        for one in range(before + 1, turn + 1):
            self._turn(holders, one)
        if len(self._state) > 2 and len(self._state) * self.n > _KEPT:
            for old in sorted(self._state)[::2]:
                del self._state[old]
        self._state[turn] = holders
        return holders

    def _turn(self, holders: np.ndarray, turn: int) -> None:
        many = round(self.share * self.n)
        if many == 0 or self.n < 2:
            return
        rng = generator(self.seed, f"drift/{turn}")
        ranks = rng.choice(self.n, size=max(many, 2), replace=False)
        holders[ranks] = np.roll(holders[ranks], 1)

    def objects(self, us: np.ndarray, ats: np.ndarray) -> np.ndarray:
        ranks = self._zipf.objects(us, ats)
        turns = (ats // self.every).astype(np.int64)
        found = np.empty(len(ranks), dtype=np.int64)
        for turn in np.unique(turns).tolist():
            now = turns == turn
            found[now] = self.ranking(turn)[ranks[now]]
        return found

    def probabilities(self, at: float = 0.0) -> np.ndarray:
        shares = np.empty(self.n)
        shares[self.ranking(int(at // self.every))] = self._zipf.probabilities()
        return shares
