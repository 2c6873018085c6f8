"""What a scenario says of chance: demands, sizes, popularity, arrivals.

Each is written as one key with its parameters, ``{exponential: 12ms}``; the first in each family
is also what a bare value means.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from proxysim.scenario.quantities import Bandwidth, Count, Duration, Grammar, Rate, Ratio, Size

__all__ = [
    "Arrivals",
    "Bursty",
    "Closed",
    "Daily",
    "Drifting",
    "Hyperexponential",
    "LognormalSize",
    "LognormalTime",
    "ParetoSize",
    "ParetoTime",
    "PerByte",
    "Popularity",
    "Ramp",
    "Replay",
    "SizeDistribution",
    "Step",
    "TimeDistribution",
]

Sigma = Annotated[float, Field(ge=0, le=10, description="Of the logarithm, no unit.")]
Alpha = Annotated[float, Field(gt=1, le=100, description="Tail index; above 1, so a mean exists.")]


class Choice(Grammar):
    """One key of several; a bare value stands for the key named by ``bare``."""

    bare: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _bare_value(cls, found: Any) -> Any:
        if isinstance(found, str) and found in cls.model_fields:
            return {found: {}}
        return found if isinstance(found, dict | cls) else {cls.bare: found}

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            found = ", ".join(sorted(self.model_fields_set)) or "nothing"
            raise ValueError(f"found {found}; give exactly one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def kind(self) -> str:
        """The key that was given."""
        return next(iter(self.model_fields_set))

    @property
    def parameters(self) -> Any:
        """What stands under that key."""
        return getattr(self, self.kind)


class LognormalTime(Grammar):
    mean: Duration
    sigma: Sigma


class ParetoTime(Grammar):
    mean: Duration
    alpha: Alpha


class Hyperexponential(Grammar):
    """Two exponentials: with probability ``slow_share`` the mean is ``slow``, else ``fast``."""

    fast: Duration
    slow: Duration
    slow_share: Ratio


class PerByte(Grammar):
    """``plus`` and the body's length over ``speed``."""

    speed: Bandwidth
    plus: TimeDistribution | None = None


class TimeDistribution(Choice):
    """A service demand or a think time."""

    bare: ClassVar[str] = "fixed"
    fixed: Duration | None = None
    exponential: Duration | None = None
    lognormal: LognormalTime | None = None
    pareto: ParetoTime | None = None
    hyperexponential: Hyperexponential | None = None
    per_byte: PerByte | None = None


class LognormalSize(Grammar):
    mean: Size
    sigma: Sigma


class ParetoSize(Grammar):
    mean: Size
    alpha: Alpha


class SizeDistribution(Choice):
    """The size of a site's objects, drawn once for each object."""

    bare: ClassVar[str] = "fixed"
    fixed: Size | None = None
    lognormal: LognormalSize | None = None
    pareto: ParetoSize | None = None
    exponential: Size | None = None


class Drifting(Grammar):
    """Zipf whose ranking turns over: every ``every``, a ``share`` of the ranks changes hands."""

    zipf: Annotated[float, Field(ge=0, le=5)]
    every: Duration
    share: Ratio = 0.1


class Popularity(Choice):
    """Which of a site's objects a request asks for. ``zipf: s``: p(rank) ~ 1 / rank**s."""

    bare: ClassVar[str] = "zipf"
    zipf: Annotated[float, Field(ge=0, le=5)] | None = None
    uniform: dict[str, Any] | None = None
    drifting: Drifting | None = None


class Bursty(Grammar):
    """A two-state Markov-modulated Poisson process; sojourn times are exponential."""

    calm: Rate
    burst: Rate
    calm_for: Duration
    burst_for: Duration


class Ramp(Grammar):
    """A Poisson process whose rate goes in a straight line, then stays."""

    start: Rate
    end: Rate
    over: Duration | None = Field(default=None, description="Default: the run's duration.")


class Daily(Grammar):
    """A Poisson process with a profile that repeats: equal slots, each with its relative weight."""

    mean: Rate
    profile: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=1, max_length=1440)]
    day: Duration = 86400.0


class Step(Grammar):
    at: Duration
    rate: Rate


class Closed(Grammar):
    """Each member is a user who thinks, asks, waits for the answer, and thinks again."""

    think: TimeDistribution


class Replay(Grammar):
    """The requests of an access log. Times are divided by ``speed``, or stretched to ``spread``."""

    file: str
    format: Literal["auto", "combined", "squid", "csv"] = "auto"
    site: str | None = Field(default=None, description="The site of entries that name no host.")
    speed: Annotated[float, Field(gt=0, le=1e9)] | None = None
    spread: Duration | None = None
    limit: Count | None = None

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        if self.speed is not None and self.spread is not None:
            raise ValueError("found speed and spread; give one of them")
        return self


class Arrivals(Choice):
    """When the group's requests arrive."""

    bare: ClassVar[str] = "poisson"
    poisson: Rate | None = None
    even: Rate | None = None
    bursty: Bursty | None = None
    ramp: Ramp | None = None
    daily: Daily | None = None
    steps: list[Step] | None = None
    closed: Closed | None = None
    replay: Replay | None = None


PerByte.model_rebuild()
