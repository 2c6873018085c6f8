"""What a scenario says of how a proxy meets trouble: deadlines, health, retries."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from proxysim.scenario.health import Health
from proxysim.scenario.quantities import Duration, Grammar, Ratio

__all__ = ["Deadlines", "Health", "Retry"]


class Deadlines(Grammar):
    """How long a proxy waits for a server: to connect, then for the first byte."""

    connect: Duration | None = Field(default=None, description="Default: for ever.")
    first_byte: Duration | None = Field(default=None, description="Default: for ever.")


class Retry(Grammar):
    """Send a safe request again, to another backend: at most ``attempts`` in all.

    Retries may not exceed ``budget`` of the requests under way (at least 3 at a time).
    """

    attempts: Annotated[int, Field(ge=1, le=10, strict=True)] = 2
    budget: Ratio = 0.2
