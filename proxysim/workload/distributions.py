"""Distributions of service demands, think times and sizes, drawn by inverting one uniform number.

A request carries its uniform number; whoever serves it turns that into a demand by its own
distribution. So the same request is slow on every server, in every world.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from proxysim.workload.normal import normal_quantile, normal_quantiles

__all__ = [
    "Distribution",
    "Exponential",
    "Fixed",
    "Hyperexponential",
    "Lognormal",
    "Pareto",
    "PerByte",
]


class Distribution(Protocol):
    """A non-negative quantity, in the unit of its mean.

    ``of(u, size)`` is the quantile at *u* in [0, 1), for a body of *size* bytes where that
    matters; ``of_many`` is the same for arrays, equal to a relative 1e-12. ``scv`` is the squared
    coefficient of variation, infinite where the second moment is.
    """

    @property
    def mean(self) -> float: ...
    @property
    def second_moment(self) -> float: ...
    @property
    def scv(self) -> float: ...
    def of(self, u: float, size: int = 0) -> float: ...
    def of_many(self, us: np.ndarray, sizes: np.ndarray | None = None) -> np.ndarray: ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always *value*."""

    value: float

    @property
    def mean(self) -> float:
        return self.value

    @property
    def second_moment(self) -> float:
        return self.value**2

    @property
    def scv(self) -> float:
        return 0.0

    def of(self, u: float, size: int = 0) -> float:
        return self.value

    def of_many(self, us: np.ndarray, sizes: np.ndarray | None = None) -> np.ndarray:
        return np.full(np.shape(us), float(self.value))


@dataclass(frozen=True, slots=True)
class Exponential:
    """Memoryless: P(X > x) = exp(-x / mean)."""

    mean: float

    @property
    def second_moment(self) -> float:
        return 2 * self.mean**2

    @property
    def scv(self) -> float:
        return 1.0 if self.mean else 0.0

    def of(self, u: float, size: int = 0) -> float:
        return -self.mean * math.log1p(-u)

    def of_many(self, us: np.ndarray, sizes: np.ndarray | None = None) -> np.ndarray:
        return np.asarray(-self.mean * np.log1p(-us))


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Exp of a normal with standard deviation *sigma*, scaled to have *mean*.

    So its median is ``mean * exp(-sigma**2 / 2)``.
    """

    mean: float
    sigma: float
    _median: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_median", self.mean * math.exp(-(self.sigma**2) / 2))

    @property
    def second_moment(self) -> float:
        return self.mean**2 * (1 + self.scv)

    @property
    def scv(self) -> float:
        return math.expm1(self.sigma**2) if self.mean else 0.0

    def of(self, u: float, size: int = 0) -> float:
        return self._median * math.exp(self.sigma * normal_quantile(u))

    def of_many(self, us: np.ndarray, sizes: np.ndarray | None = None) -> np.ndarray:
        return np.asarray(self._median * np.exp(self.sigma * normal_quantiles(us)))


@dataclass(frozen=True, slots=True)
class Pareto:
    """Classic Pareto (type I): P(X > x) = (x_m / x)**alpha from x_m on.

    ``x_m = mean * (alpha - 1) / alpha``, so *alpha* must exceed 1; the variance is infinite up to
    2. (The Lomax form, which begins at zero, is another distribution.)
    """

    mean: float
    alpha: float
    _least: float = field(init=False, repr=False, compare=False)
    _power: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_least", self.mean * (self.alpha - 1) / self.alpha)
        object.__setattr__(self, "_power", -1 / self.alpha)

    @property
    def second_moment(self) -> float:
        return self.mean**2 * (1 + self.scv) if self.mean else 0.0

    @property
    def scv(self) -> float:
        if not self.mean:
            return 0.0
        return 1 / (self.alpha * (self.alpha - 2)) if self.alpha > 2 else math.inf

    def of(self, u: float, size: int = 0) -> float:
        return self._least * float((1 - u) ** self._power)

    def of_many(self, us: np.ndarray, sizes: np.ndarray | None = None) -> np.ndarray:
        return np.asarray(self._least * (1 - us) ** self._power)


@dataclass(frozen=True, slots=True)
class Hyperexponential:
    """Two exponentials: with probability *slow_share* of mean *slow*, else of mean *fast*.

    The number drawn first decides which (the lower part is fast), then its place within that part
    is inverted. So ``of`` has the right law but does not rise with *u*.
    """

    fast: float
    slow: float
    slow_share: float

    @property
    def mean(self) -> float:
        return (1 - self.slow_share) * self.fast + self.slow_share * self.slow

    @property
    def second_moment(self) -> float:
        return 2 * ((1 - self.slow_share) * self.fast**2 + self.slow_share * self.slow**2)

    @property
    def scv(self) -> float:
        return self.second_moment / self.mean**2 - 1 if self.mean else 0.0

    def of(self, u: float, size: int = 0) -> float:
        border = 1 - self.slow_share
        if u < border:
            return -self.fast * math.log1p(-u / border)
        return -self.slow * math.log1p(-(u - border) / self.slow_share)

    def of_many(self, us: np.ndarray, sizes: np.ndarray | None = None) -> np.ndarray:
        border = 1 - self.slow_share
        fast = us < border
        within = np.where(fast, us / (border or 1.0), (us - border) / (self.slow_share or 1.0))
        return np.asarray(np.where(fast, -self.fast, -self.slow) * np.log1p(-within))


@dataclass(frozen=True, slots=True)
class PerByte:
    """The body's size over *speed* (bytes per second), and *plus*.

    ``mean``, ``second_moment`` and ``scv`` depend on the sizes and are nan here; :meth:`moments`
    gives them once the sizes' own are known.
    """

    speed: float
    plus: Distribution = Fixed(0.0)

    @property
    def mean(self) -> float:
        return math.nan

    @property
    def second_moment(self) -> float:
        return math.nan

    @property
    def scv(self) -> float:
        return math.nan

    def moments(self, size_mean: float, size_second_moment: float) -> tuple[float, float]:
        """Mean and second moment for sizes with these moments, independent of ``plus``."""
        mean = size_mean / self.speed
        second = size_second_moment / self.speed**2
        return (
            mean + self.plus.mean,
            second + 2 * mean * self.plus.mean + self.plus.second_moment,
        )

    def of(self, u: float, size: int = 0) -> float:
        return size / self.speed + self.plus.of(u, size)

    def of_many(self, us: np.ndarray, sizes: np.ndarray | None = None) -> np.ndarray:
        rest = self.plus.of_many(us, sizes)
        return rest if sizes is None else np.asarray(sizes / self.speed + rest)
