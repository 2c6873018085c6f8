"""What a scenario says of the requests that a proxy lets through."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Discriminator, Field, Tag, model_validator

from proxysim.scenario.menus import matcher
from proxysim.scenario.quantities import FieldError, Grammar, alternatives

__all__ = ["Condition", "Rule"]

Text = Annotated[
    Annotated[str, Tag("one")] | Annotated[list[str], Tag("many")], Discriminator(alternatives)
]


class Condition(Grammar):
    """What a filter rule looks at; all that is given must hold, any of a list suffices."""

    domain: Annotated[Text, matcher("domain")] | None = None
    url: Annotated[Text, matcher("url")] | None = None
    method: Annotated[Text, matcher("method")] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            known = ", ".join(type(self).model_fields)
            raise FieldError("found no condition", mend=f"Give at least one of: {known}")
        return self


class Rule(Grammar):
    """Deny or allow; the first rule that matches decides."""

    deny: Condition | None = None
    allow: Condition | None = None
    because: str = Field(default="", description="What the denied are told.")

    @model_validator(mode="after")
    def _one_verdict(self) -> Self:
        if (self.deny is None) == (self.allow is None):
            found = "neither deny nor allow" if self.deny is None else "both deny and allow"
            raise FieldError(f"found {found}", mend="Give one of them.")
        return self
