"""What a scenario says of what proxies tell each other of clients."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from proxysim.scenario.quantities import Count, FieldError, Grammar

__all__ = ["Forwarded", "Trusted"]

Forwarded = Literal["x-forwarded-for", "forwarded", "both", "none"]


class Trusted(Grammar):
    """The proxies before this one that are believed about clients, from the nearest on."""

    hops: Count | None = Field(default=None, description="So many of them.")
    addresses: Annotated[list[str], Field(min_length=1)] | None = Field(
        default=None, description="Those: names of nodes, addresses, networks."
    )
    field: Literal["x-forwarded-for", "forwarded"] = Field(
        default="x-forwarded-for", description="Which they write."
    )

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.hops is None and self.addresses is None:
            raise FieldError("trusts nobody", mend="Give hops, addresses or both.")
        return self
