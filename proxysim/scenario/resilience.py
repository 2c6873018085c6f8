"""What a scenario says of how a proxy meets trouble: deadlines, retries, limits and the like."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from proxysim.policies.retry import REASONS
from proxysim.scenario.health import Health
from proxysim.scenario.quantities import (
    Count,
    Duration,
    FieldError,
    Grammar,
    Host,
    Rate,
    Ratio,
)

__all__ = [
    "Breaker",
    "Deadlines",
    "Health",
    "Hedge",
    "Limits",
    "RateLimit",
    "Retry",
    "Shedding",
]


def _above_zero(found: float | None) -> float | None:
    if found is not None and found <= 0:
        raise FieldError("found 0", mend="Give more than zero, or leave it out.")
    return found


class Deadlines(Grammar):
    """How long a proxy waits for a server: to connect, then for the first byte; and all in all.

    ``total`` is told to servers, and kept to where a proxy before has told less.
    """

    connect: Duration | None = Field(default=None, description="Default: for ever.")
    first_byte: Duration | None = Field(default=None, description="Default: for ever.")
    total: Duration | None = Field(
        default=None,
        description="For all tries together, until an answer's head is here. Default: for ever.",
    )

    @field_validator("total")
    @classmethod
    def _some_time(cls, found: float | None) -> float | None:
        return _above_zero(found)


def _reason(found: Any) -> str | int:
    if found in (*REASONS, "5xx") and isinstance(found, str):
        return found
    if isinstance(found, int) and (found == 429 or 500 <= found <= 599):
        return found
    raise FieldError(
        f"found {found!r}",
        mend=f"Give {', '.join(REASONS)}, 5xx, or a status: 429, or from 500 to 599.",
    )


Reason = Annotated[
    str | int,
    BeforeValidator(_reason),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [*REASONS, "5xx", 429]},
                {"type": "integer", "minimum": 500, "maximum": 599},
            ],
            "description": "Why a request may be sent again; a status is that of an answer.",
        }
    ),
]


class Backoff(Grammar):
    """Wait before sending again: a random time up to ``base``, then 3, 7, 15 ... times ``base``."""

    base: Duration = Field(default=0.025, description="What it grows from.")
    max: Duration | None = Field(
        default=None, description="No wait is longer. Default: 10 times base."
    )

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.base <= 0:
            raise FieldError(
                "found base: 0", mend="Give a time above zero, or take backoff away for no wait."
            )
        if self.max is not None and self.max < self.base:
            raise FieldError(
                f"found max: {self.max:g}s below base: {self.base:g}s",
                mend="Give a max of at least base.",
            )
        return self


class Retry(Grammar):
    """Send a request again, to another backend, where that is safe: at most ``attempts`` in all.

    Retries may not exceed ``budget`` of the requests under way (at least 3 at a time); 100 % is
    no bound.
    """

    attempts: Annotated[int, Field(ge=1, le=10, strict=True)] = 2
    budget: Ratio = 0.2
    on: Annotated[list[Reason], Field(min_length=1)] = Field(
        default=[*REASONS],
        description="No connection, one that breaks, no first byte in time; 5xx and statuses.",
    )
    backoff: Backoff | None = Field(default=None, description="Default: no wait.")

    @property
    def reasons(self) -> frozenset[str | int]:
        """What ``on`` says, 5xx written out."""
        every = range(500, 600) if "5xx" in self.on else ()
        return frozenset({*self.on, *every}) - {"5xx"}


class Hedge(Grammar):
    """Send a safe request that takes long to a second backend too; the first good answer wins."""

    after: Duration | None = Field(
        default=None, description="How long the first is waited for. Default: as quantile says."
    )
    quantile: Ratio | None = Field(
        default=None,
        description="Of the last 1000 times to the first byte, once 50 are known. Default: 95%.",
    )
    budget: Ratio = Field(default=0.1, description="Most hedges, as a share of requests.")

    @model_validator(mode="after")
    def _one_delay(self) -> Self:
        if self.after is not None and self.quantile is not None:
            raise FieldError(
                "found both after and quantile", mend="Give a fixed time, or a quantile."
            )
        if self.quantile is not None and not 0 < self.quantile < 1:
            raise FieldError(
                f"found quantile: {self.quantile:g}", mend="Give a share between 0 and 1."
            )
        if self.budget <= 0:
            raise FieldError("found budget: 0", mend="Give a share above 0, or take hedge away.")
        return self


class Breaker(Grammar):
    """Do not ask a backend that keeps failing, until trials of it succeed; 503 if none is left."""

    failures: Count | None = Field(default=None, description="In a row. Default: 5.")
    ratio: Ratio | None = Field(
        default=None, description="Share of failures; in place of failures in a row."
    )
    window: Duration = Field(default=10.0, description="In which ratio counts.")
    least: Count = Field(default=20, description="Answers in window before ratio counts.")
    open_for: Duration = Field(default=5.0, description="How long the backend is not asked at all.")
    trials: Count = Field(
        default=1, description="Requests that then try it at a time, and successes that close it."
    )

    @field_validator("ratio", "window", "open_for")
    @classmethod
    def _some(cls, found: float | None) -> float | None:
        return _above_zero(found)

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if self.failures is not None and self.ratio is not None:
            raise FieldError("found both failures and ratio", mend="Give one of the two.")
        if self.ratio is None:
            for name in ("window", "least"):
                if name in self.model_fields_set:
                    raise FieldError(f"found {name} without ratio", mend="Give a ratio too.")
        return self


class Room(Grammar):
    """How many requests may be in one place at a time, and how many wait to get there."""

    in_flight: Count = Field(description="Most at a time.")
    queue: Annotated[int, Field(ge=0, strict=True)] | None = Field(
        default=None, description="Most that wait, first come, first served. Default: no bound."
    )
    timeout: Duration | None = Field(
        default=None, description="How long one waits, before 503. Default: for ever."
    )

    @field_validator("timeout")
    @classmethod
    def _some_time(cls, found: float | None) -> float | None:
        return _above_zero(found)


class Limits(Grammar):
    """Bounds on requests under way: in the proxy as a whole, and at each backend."""

    proxy: Room | None = Field(default=None, description="Default: no bound.")
    backend: Room | None = Field(
        default=None,
        description="At each; whom all are full for waits for the first to come free."
        " Default: no bound.",
    )


class RateLimit(Grammar):
    """Answer 429 to who asks too often: a bucket holds ``burst`` tokens and gains ``rate``."""

    rate: Rate = Field(description="In the long run.")
    burst: Count = Field(default=1, description="At a time.")
    by: Literal["client", "all"] = Field(
        default="client", description="Whether each client has a bucket, or all share one."
    )

    @field_validator("rate")
    @classmethod
    def _some_rate(cls, found: float) -> float:
        _above_zero(found)
        return found


class QueueDelay(Grammar):
    """Let requests wait for ``interval``, but for ``target`` when a queue has stood that long."""

    target: Duration = Field(default=0.005, description="In lasting overload.")
    interval: Duration = Field(default=0.1, description="In a burst.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 0 < self.target <= self.interval:
            raise FieldError(
                f"found target: {self.target:g}s with interval: {self.interval:g}s",
                mend="Give a target above zero, and an interval no shorter.",
            )
        return self


class Shedding(Grammar):
    """Answer 503 at once where there is too much to do, so that the rest is done in time."""

    in_flight: Count | None = Field(
        default=None, description="Most requests in the proxy. Default: no bound."
    )
    first: list[Host] = Field(default=[], description="Sites whose requests are turned away last.")
    reserve: Ratio = Field(default=0.0, description="Share of in_flight kept for those.")
    queue_delay: QueueDelay | None = Field(
        default=None, description="For the queue of limits.proxy, in place of its timeout."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.in_flight is None and self.queue_delay is None:
            raise FieldError("found neither in_flight nor queue_delay", mend="Give one of them.")
        if (self.reserve > 0) != bool(self.first) or (self.first and self.in_flight is None):
            raise FieldError(
                "first and reserve go together, and with in_flight",
                mend="Write it like this: {in_flight: 100, first: [shop.example], reserve: 20%}",
            )
        return self
