"""What a scenario says of chance: demands, sizes, popularity, arrivals.

Each is written as one key with its parameters, ``{exponential: 12ms}``; the first in each family
is also what a bare value means.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from proxysim.scenario.quantities import (
    Bandwidth,
    Count,
    Duration,
    FieldError,
    Grammar,
    Rate,
    Ratio,
    Size,
    Weight,
)

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
    "Uniform",
]

Sigma = Annotated[float, Field(ge=0, le=10, description="Of the logarithm, no unit.")]
Alpha = Annotated[float, Field(gt=1, le=100, description="Tail index; above 1, so a mean exists.")]


class Choice(Grammar):
    """One key of several; a bare value stands for the key named by ``bare``."""

    bare: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _bare_value(cls, found: Any) -> Any:
        if isinstance(found, dict | cls):
            return found
        if isinstance(found, str) and found in cls.model_fields:
            if not cls._stands_alone(found):
                raise FieldError(
                    f"found {found} without a value", mend=f"Write it like this: {{{found}: ...}}"
                )
            return {found: {}}
        return {cls.bare: found}

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            found = " and ".join(sorted(self.model_fields_set)) or "nothing"
            known = ", ".join(type(self).model_fields)
            raise FieldError(f"found {found}", mend=f"Give exactly one of: {known}")
        if self.parameters is None:
            raise FieldError(f"found {self.kind} without a value", mend="Give it one.")
        return self

    @classmethod
    def _stands_alone(cls, name: str) -> bool:
        """Whether *name* needs no parameters, so that the bare word will do."""
        return cls.model_fields[name].annotation == Uniform | None

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        reference = handler(core_schema)
        schema = handler.resolve_ref_schema(reference)
        keys = {name: _never_null(part) for name, part in schema["properties"].items()}
        written_out = {**schema, "properties": keys, "minProperties": 1, "maxProperties": 1}
        words = [name for name in cls.model_fields if cls._stands_alone(name)]
        schema.clear()
        schema["description"] = written_out.pop("description", "")
        schema["anyOf"] = [keys[cls.bare], *({"const": word} for word in words), written_out]
        return reference

    @property
    def kind(self) -> str:
        """The key that was given."""
        return next(iter(self.model_fields_set))

    @property
    def parameters(self) -> Any:
        """What stands under that key."""
        return getattr(self, self.kind)


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The one alternative of a field that is not null."""
    (only,) = [part for part in schema["anyOf"] if part.get("type") != "null"]
    return {**only, **({"description": schema["description"]} if "description" in schema else {})}


class Uniform(Grammar):
    """Every object alike."""


class LognormalTime(Grammar):
    """By its mean, and the spread of its logarithm."""

    mean: Duration
    sigma: Sigma


class ParetoTime(Grammar):
    """Heavy-tailed: P(T > t) ~ t ** -alpha."""

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
    """By its mean, and the spread of its logarithm."""

    mean: Size
    sigma: Sigma


class ParetoSize(Grammar):
    """Heavy-tailed: P(S > s) ~ s ** -alpha."""

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

    @model_validator(mode="after")
    def _drifts(self) -> Self:
        if self.every <= 0:
            raise FieldError("found every: 0", mend="Give a time above zero.")
        return self


class Popularity(Choice):
    """Which of a site's objects a request asks for. ``zipf: s``: p(rank) ~ 1 / rank**s."""

    bare: ClassVar[str] = "zipf"
    zipf: Annotated[float, Field(ge=0, le=5)] | None = None
    uniform: Uniform | None = None
    drifting: Drifting | None = None


class Bursty(Grammar):
    """A two-state Markov-modulated Poisson process; sojourn times are exponential."""

    calm: Rate
    burst: Rate
    calm_for: Duration
    burst_for: Duration

    @model_validator(mode="after")
    def _stays(self) -> Self:
        if not (self.calm_for > 0 and self.burst_for > 0):
            raise FieldError("found a state that lasts no time", mend="Give a time above zero.")
        return self


class Ramp(Grammar):
    """A Poisson process whose rate goes in a straight line, then stays."""

    start: Rate
    end: Rate
    over: Duration | None = Field(default=None, description="Default: the run's duration.")


class Daily(Grammar):
    """A Poisson process with a profile that repeats: equal slots, each with its relative weight."""

    mean: Rate
    profile: Annotated[list[Weight], Field(min_length=1, max_length=1440)] = Field(
        description="Such as 24 numbers for the hours."
    )
    day: Duration = 86400.0

    @model_validator(mode="after")
    def _goes_on(self) -> Self:
        if not any(self.profile):
            raise FieldError("the profile is zero throughout", mend="Give a slot some weight.")
        if self.day <= 0:
            raise FieldError("found a day of no length", mend="Give day a time above zero.")
        return self


class Step(Grammar):
    """From ``at`` on, until the next step, a Poisson process of this ``rate``."""

    at: Duration
    rate: Rate


class Closed(Grammar):
    """Each member is a user who thinks, asks, waits for the answer, and thinks again."""

    think: TimeDistribution


class Replay(Grammar):
    """The requests of an access log. Times are divided by ``speed``, or stretched to ``spread``."""

    file: str = Field(description="Beside the scenario's own file; may be gzipped.")
    format: Literal["auto", "combined", "squid", "csv"] = "auto"
    site: str | None = Field(default=None, description="The site of entries that name no host.")
    speed: Annotated[float, Field(gt=0, le=1e9)] | None = None
    spread: Duration | None = None
    limit: Count | None = Field(default=None, description="Only so many entries.")

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        if self.speed is not None and self.spread is not None:
            raise FieldError("found speed and spread", mend="Give one of them.")
        return self


class Arrivals(Choice):
    """When the group's requests arrive."""

    bare: ClassVar[str] = "poisson"
    poisson: Rate | None = Field(default=None, description="At random, at this mean rate.")
    even: Rate | None = Field(default=None, description="All the same time apart.")
    bursty: Bursty | None = Field(default=None, description="Calm, and now and then not.")
    ramp: Ramp | None = Field(default=None, description="More and more, or less and less.")
    daily: Daily | None = Field(default=None, description="By the hours of a day.")
    steps: Annotated[list[Step], Field(min_length=1, max_length=10_000)] | None = None
    closed: Closed | None = Field(default=None, description="Users who wait for answers.")
    replay: Replay | None = Field(default=None, description="As an access log has them.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        times = [step.at for step in self.steps or []]
        if times != sorted(set(times)):
            raise FieldError("the steps are not in order of at", mend="Sort them by time.")
        return self


PerByte.model_rebuild()
