"""What a scenario says of how a proxy meets trouble: deadlines, health, retries."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from proxysim.policies.retry import REASONS
from proxysim.scenario.health import Health
from proxysim.scenario.quantities import Duration, FieldError, Grammar, Ratio

__all__ = ["Backoff", "Deadlines", "Health", "Hedge", "Retry"]


class Deadlines(Grammar):
    """How long a proxy waits for a server: to connect, then for the first byte."""

    connect: Duration | None = Field(default=None, description="Default: for ever.")
    first_byte: Duration | None = Field(default=None, description="Default: for ever.")


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
