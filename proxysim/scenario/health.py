"""What a scenario says of how a proxy finds out which of its backends are well."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator

from proxysim.scenario.quantities import (
    URL_PATH,
    Count,
    Duration,
    FieldError,
    Grammar,
    Ratio,
)

__all__ = ["Active", "Health", "Outliers", "Passive", "SuccessRate"]

SHORTEST = 1e-3  # s, from one probe to the next

_STATUSES = re.compile(r"([1-5]\d\d)(?:-([1-5]\d\d))?")


def _statuses(found: Any) -> str:
    text = str(found) if isinstance(found, int) and not isinstance(found, bool) else found
    parts = _STATUSES.fullmatch(text) if isinstance(text, str) else None
    if parts is None or int(parts[2] or parts[1]) < int(parts[1]):
        raise FieldError(
            f"found {found!r}", mend="Give a status such as 200, or a range such as 200-399."
        )
    return str(text)


Statuses = Annotated[
    str,
    BeforeValidator(_statuses),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 100, "maximum": 599},
                {"type": "string", "pattern": "^[1-5][0-9]{2}-[1-5][0-9]{2}$"},
            ],
            "x-quantity": "status or range of them",
            "description": "A status, or a range of them.",
            "examples": [200, "200-399"],
        }
    ),
]


class Active(Grammar):
    """Probe each backend now and again, and leave out who does not answer well."""

    interval: Duration = Field(default=2.0, description="From one probe to the next.")
    timeout: Duration = Field(
        default=2.0, description="To connect, and again from then to the first byte."
    )
    path: str = Field(default="/", pattern=URL_PATH, description="What is asked for.")
    expect: Annotated[list[Statuses], Field(min_length=1)] = Field(
        default=["200-399"], description="Statuses of one that is well."
    )
    rise: Count = Field(default=2, description="Successes in a row that bring a backend up.")
    fall: Count = Field(default=3, description="Failures in a row that take it down.")
    first: Literal["fully_up", "up", "down", "fully_down"] = Field(
        default="up",
        description="Before the first probe; up and down give way to the first that differs.",
    )
    demand: Duration | None = Field(
        default=None,
        description="How long a server's worker takes over a probe. Default: as over a request.",
    )

    @field_validator("interval", "timeout")
    @classmethod
    def _some_time(cls, found: float) -> float:
        if found < SHORTEST:
            raise FieldError(f"found {found:g} s", mend="Give at least 1ms.")
        return found

    @property
    def statuses(self) -> frozenset[int]:
        """All statuses that are expected."""
        bounds = [entry.partition("-") for entry in self.expect]
        return frozenset(
            status for low, _, high in bounds for status in range(int(low), int(high or low) + 1)
        )


def _above_zero(found: float) -> float:
    if found <= 0:
        raise FieldError("found 0 s", mend="Give a time above zero.")
    return found


Span = Annotated[Duration, AfterValidator(_above_zero)]


class Passive(Grammar):
    """Leave out a backend after ``failures`` in a row, for a while."""

    failures: Count = 1
    for_: Span = Field(default=10.0, alias="for")


class SuccessRate(Grammar):
    """Eject who answers far less often than the others, though not never."""

    factor: Annotated[float, Field(gt=0, le=100)] = Field(
        default=1.9, description="How many standard deviations below the mean."
    )
    requests: Count = Field(default=100, description="Asked of a backend in an interval to count.")
    backends: Annotated[int, Field(ge=2, le=1_000_000, strict=True)] = Field(
        default=5, description="How many must count, for any to stand out."
    )
    interval: Span = Field(default=10.0, description="After which rates are compared.")


class Outliers(Grammar):
    """Eject a backend that fails unlike the others, the longer the more often it has been."""

    failures: Count = Field(default=5, description="In a row.")
    for_: Span = Field(default=30.0, alias="for", description="Times the number of its ejections.")
    at_most: Ratio = Field(
        default=0.1, description="Share of the backends out at a time; one always may be."
    )
    success_rate: SuccessRate | None = Field(default=None, description="Default: not looked at.")


class Health(Grammar):
    """How a proxy finds out which of its backends are well, and how they come back."""

    active: Active | None = Field(default=None, description="From probes of its own.")
    passive: Passive | None = Field(default=None, description="From what requests meet.")
    outliers: Outliers | None = Field(
        default=None, description="From what requests meet at one backend and not at others."
    )
    panic: Ratio = Field(
        default=0.0,
        description="Where fewer than this share are well, all are asked. Default: never.",
    )
    slow_start: Duration | None = Field(
        default=None,
        description="How long the weight of a backend that comes back takes to grow."
        " Default: it comes back at once.",
    )

    @field_validator("slow_start")
    @classmethod
    def _some_time(cls, found: float | None) -> float | None:
        if found == 0:
            raise FieldError("found 0 s", mend="Give a time above zero, or leave it out.")
        return found
