"""When requests arrive at an open group: Poisson, even, bursty, ramps, daily profiles, steps.

A process whose rate varies is a Poisson process of rate 1 seen through the rate's integral: each
point is carried back by inverting the integral exactly, piece by piece, for rates that are
straight lines. Nothing is thinned, so no draw is wasted, and doubling the rate moves the points
but not their order. (Cinlar, "Introduction to Stochastic Processes", 1975, section 4.7.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np

from proxysim.errors import ScenarioError

__all__ = ["BLOCK", "Arrivals", "Bursty", "Daily", "Even", "Piece", "Poisson", "Ramp", "Steps"]

#: The most times in a block.
BLOCK = 4096


class Arrivals(Protocol):
    """An arrival process on [0, duration)."""

    def blocks(self, rng: np.random.Generator, duration: float) -> Iterator[np.ndarray]:
        """The times in order, in arrays of at most :data:`BLOCK`, none of them empty."""
        ...

    def mean_rate(self, duration: float) -> float:
        """Expected arrivals in [0, duration), over *duration*."""
        ...


class Piece(NamedTuple):
    """A span of time in which the rate goes in a straight line."""

    start: float
    end: float
    first: float
    last: float

    @property
    def mass(self) -> float:
        """Expected arrivals in it."""
        return (self.end - self.start) * (self.first + self.last) / 2

    def times(self, masses: np.ndarray) -> np.ndarray:
        """When the expected arrivals since its start reach *masses*, each in (0, mass)."""
        slope = (self.last - self.first) / (self.end - self.start)
        # The root of first * t + slope * t**2 / 2 = mass, in the form that does not cancel.
        inside = np.maximum(self.first**2 + 2 * slope * masses, 0.0)
        after = 2 * masses / (self.first + np.sqrt(inside))
        return np.minimum(self.start + after, self.end)


def points(
    rng: np.random.Generator, pieces: Iterator[Piece], duration: float
) -> Iterator[np.ndarray]:
    """A Poisson process with the rate of *pieces*, in blocks; draws exponentials from *rng*."""
    # Both count expected arrivals from the piece's start, so that long runs keep their digits.
    unit, reached = np.empty(0), 0.0
    waiting: list[np.ndarray] = []
    count = 0
    for piece in pieces:
        if piece.start >= duration:
            break
        mass = piece.mass
        while True:
            if not len(unit):
                unit = reached + np.cumsum(-np.log1p(-rng.random(BLOCK)))
                reached = float(unit[-1])
            inside = int(np.searchsorted(unit, mass))
            if inside:
                times = piece.times(unit[:inside])
                waiting.append(times[times < duration])
                count += len(waiting[-1])
                unit = unit[inside:]
            if count >= BLOCK:
                gathered = np.concatenate(waiting)
                yield gathered[:BLOCK]
                waiting, count = [gathered[BLOCK:]], count - BLOCK
            if len(unit):
                break
        unit, reached = unit - mass, reached - mass
    if count:
        yield np.concatenate(waiting)


@dataclass(frozen=True, slots=True)
class Poisson:
    """Independent arrivals at *rate* a second."""

    rate: float

    def blocks(self, rng: np.random.Generator, duration: float) -> Iterator[np.ndarray]:
        if self.rate <= 0:
            return
        last = 0.0
        while last < duration:
            times = last + np.cumsum(-np.log1p(-rng.random(BLOCK)) / self.rate)
            last = float(times[-1])
            if last >= duration:
                times = times[: np.searchsorted(times, duration)]
            if len(times):
                yield times

    def mean_rate(self, duration: float) -> float:
        return self.rate


@dataclass(frozen=True, slots=True)
class Even:
    """At 0, 1/rate, 2/rate, ...: ``rate * duration`` of them, without any chance."""

    rate: float

    def blocks(self, rng: np.random.Generator, duration: float) -> Iterator[np.ndarray]:
        first = 0
        while self.rate > 0:
            times = np.arange(first, first + BLOCK) / self.rate
            times = times[times < duration]
            if len(times):
                yield times
            if len(times) < BLOCK:
                return
            first += BLOCK

    def mean_rate(self, duration: float) -> float:
        return self.rate


@dataclass(frozen=True, slots=True)
class Bursty:
    """A two-state Markov-modulated Poisson process.

    The rate is *calm* for an exponential time of mean *calm_for*, then *burst* for one of mean
    *burst_for*, and so on; it begins in the stationary state, so rates do not depend on the time.

    Source: Fischer and Meier-Hellstern, "The Markov-modulated Poisson process (MMPP) cookbook",
    Performance Evaluation 18 (1993), sections 3 and 4.
    """

    calm: float
    burst: float
    calm_for: float
    burst_for: float

    def __post_init__(self) -> None:
        if self.calm_for <= 0 or self.burst_for <= 0:
            raise ScenarioError(
                f"found bursty arrivals, calm for {self.calm_for:g} s, in bursts of"
                f" {self.burst_for:g} s",
                mend="Give both a time above zero.",
            )

    def blocks(self, rng: np.random.Generator, duration: float) -> Iterator[np.ndarray]:
        sojourns, demands = rng.spawn(2)
        return points(demands, self._pieces(sojourns), duration)

    def _pieces(self, rng: np.random.Generator) -> Iterator[Piece]:
        bursting = rng.random() * (self.calm_for + self.burst_for) < self.burst_for
        start = 0.0
        while True:
            mean, rate = (self.burst_for, self.burst) if bursting else (self.calm_for, self.calm)
            end = start - mean * math.log1p(-rng.random())
            if end > start:
                yield Piece(start, end, rate, rate)
            start, bursting = end, not bursting

    def mean_rate(self, duration: float) -> float:
        weighed = self.calm * self.calm_for + self.burst * self.burst_for
        return weighed / (self.calm_for + self.burst_for)

    def dispersion(self, window: float) -> float:
        """Variance over mean of the arrivals in a *window* (1 for Poisson; here above it)."""
        leave_calm, leave_burst = 1 / self.calm_for, 1 / self.burst_for
        both = leave_calm + leave_burst
        weighed = self.calm * leave_burst + self.burst * leave_calm
        if not weighed:
            return 1.0
        most = 2 * (self.calm - self.burst) ** 2 * leave_calm * leave_burst / (both**2 * weighed)
        return 1 + most * (1 + math.expm1(-both * window) / (both * window))


@dataclass(frozen=True, slots=True)
class Ramp:
    """A Poisson process whose rate goes from *start* to *end* in *over* seconds, then stays."""

    start: float
    end: float
    over: float

    def blocks(self, rng: np.random.Generator, duration: float) -> Iterator[np.ndarray]:
        return points(rng, iter(self.pieces(duration)), duration)

    def pieces(self, duration: float) -> list[Piece]:
        found = [Piece(0.0, self.over, self.start, self.end)] if self.over > 0 else []
        if duration > self.over:
            found.append(Piece(self.over, duration, self.end, self.end))
        return found

    def mean_rate(self, duration: float) -> float:
        climbing = min(duration, self.over)
        top = self.start + (self.end - self.start) * (climbing / self.over if self.over else 1.0)
        return (climbing * (self.start + top) / 2 + (duration - climbing) * self.end) / duration


@dataclass(frozen=True, slots=True)
class Daily:
    """A Poisson process with a profile that repeats each *day*: equal slots with their weights.

    ``mean`` is the rate averaged over a whole day. Weights are relative, at least one above zero.
    """

    mean: float
    profile: Sequence[float]
    day: float = 86400.0

    def __post_init__(self) -> None:
        if not sum(self.profile) > 0 or self.day <= 0:
            raise ScenarioError(
                f"found a daily profile of total weight {sum(self.profile):g} over {self.day:g} s",
                mend="Give at least one weight and the day a value above zero.",
            )

    def blocks(self, rng: np.random.Generator, duration: float) -> Iterator[np.ndarray]:
        return points(rng, self._pieces(), duration)

    def _pieces(self) -> Iterator[Piece]:
        slots = len(self.profile)
        rates = [self.mean * slots * weight / sum(self.profile) for weight in self.profile]
        slot = 0
        while True:
            start, end = slot * self.day / slots, (slot + 1) * self.day / slots
            yield Piece(start, end, rates[slot % slots], rates[slot % slots])
            slot += 1

    def mean_rate(self, duration: float) -> float:
        days, rest = divmod(duration, self.day)
        expected = days * self.day * self.mean
        for piece in self._pieces():
            if piece.start >= rest:
                return expected / duration
            expected += piece.first * (min(piece.end, rest) - piece.start)
        raise AssertionError


@dataclass(frozen=True, slots=True)
class Steps:
    """A Poisson process whose rate jumps: ``(at, rate)`` in rising order; zero before the first."""

    steps: Sequence[tuple[float, float]]

    def __post_init__(self) -> None:
        times = [at for at, _ in self.steps]
        if not times or any(later <= at for at, later in pairwise(times)):
            raise ScenarioError(
                f"found steps at {', '.join(f'{at:g} s' for at in times) or 'no time at all'}",
                mend="Give at least one step, each later than the one before it.",
            )

    def blocks(self, rng: np.random.Generator, duration: float) -> Iterator[np.ndarray]:
        return points(rng, iter(self.pieces(duration)), duration)

    def pieces(self, duration: float) -> list[Piece]:
        ends = [*(at for at, _ in self.steps[1:]), math.inf]
        return [
            Piece(at, min(end, duration), rate, rate)
            for (at, rate), end in zip(self.steps, ends, strict=True)
            if at < duration
        ]

    def mean_rate(self, duration: float) -> float:
        return sum(piece.mass for piece in self.pieces(duration)) / duration
