"""What a scenario says of who and what a proxy lets through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from proxysim.errors import ScenarioError
from proxysim.policies import authentication
from proxysim.policies.filters import ACTIONS, build_rule
from proxysim.scenario.menus import matcher
from proxysim.scenario.quantities import FieldError, Grammar, Name, Size, alternatives

__all__ = ["Authentication", "Condition", "Files", "Rule", "User", "rule_words"]

Text = Annotated[
    Annotated[str, Tag("one")] | Annotated[list[str], Tag("many")], Discriminator(alternatives)
]
Names = Annotated[
    Annotated[Name, Tag("one")] | Annotated[list[Name], Tag("many")], Discriminator(alternatives)
]
Port = int | str
Ports = Annotated[
    Annotated[Port, Tag("one")] | Annotated[list[Port], Tag("many")], Discriminator(alternatives)
]
Files = Text


class Condition(Grammar):
    """What a filter rule looks at; all that is given must hold, any of a list suffices."""

    domain: Annotated[Text, matcher("domain")] | None = Field(
        default=None, description="A host, with all below it."
    )
    category: Names | None = Field(
        default=None, description="One of the proxy's ``categories`` of hosts."
    )
    url: Annotated[Text, matcher("url")] | None = Field(
        default=None, description="The whole address; ``*`` is anything. Not seen in tunnels."
    )
    method: Annotated[Text, matcher("method")] | None = Field(
        default=None, description="Of a tunnel it is CONNECT."
    )
    port: Annotated[Ports, matcher("port")] | None = Field(
        default=None, description="Or a range, such as 8000-8100."
    )
    client: Text | None = Field(
        default=None, description="A group of clients, a member, an address, or a network."
    )
    user: Text | None = Field(default=None, description="Who has logged in.")
    group: Text | None = Field(default=None, description="A group of those who log in.")
    schedule: Annotated[Text, matcher("schedule")] | None = Field(
        default=None, description="Days and hours, such as Mon-Fri 08:00-18:00."
    )
    content_type: Annotated[Text, matcher("content_type")] | None = Field(
        default=None, description="Of the answer, such as video/*. Not seen in tunnels."
    )
    size: Size | None = Field(
        default=None, description="The answer is larger than that. Not seen in tunnels."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            known = ", ".join(type(self).model_fields)
            raise FieldError("found no condition", mend=f"Give at least one of: {known}")
        return self


class Rule(Grammar):
    """Deny, redirect or allow; the first rule that matches decides. Or only log."""

    deny: Condition | None = None
    redirect: Condition | None = None
    allow: Condition | None = None
    log: Condition | None = Field(default=None, description="Count it and go on.")
    because: str = Field(default="", description="What the denied are told.")
    to: str | None = Field(default=None, description="Where the redirected are sent.")

    @model_validator(mode="after")
    def _one_verdict(self) -> Self:
        given = [action for action in ACTIONS if getattr(self, action) is not None]
        if len(given) != 1:
            found = f"both {' and '.join(given)}" if given else f"neither {' nor '.join(ACTIONS)}"
            raise FieldError(f"found {found}", mend="Give one of them.")
        try:
            build_rule(given[0], {"method": "GET"}, to=self.to or "")
        except ScenarioError as error:
            raise FieldError(error.problem, mend=error.mend) from None
        return self


def _checked(found: Any) -> Any:
    if isinstance(found, str):
        try:
            authentication.User(found)
        except ScenarioError as error:
            raise FieldError(error.problem, mend=error.mend) from None
    return found


class User(Grammar):
    """Somebody who may use the proxy."""

    password: Annotated[str, BeforeValidator(_checked)] = Field(
        description="Plain, or pbkdf2_sha256$ITERATIONS$SALT$HASH."
    )
    groups: list[str] = Field(default=[], description="For rules.")


class Authentication(Grammar):
    """Only users who log in may use the proxy: Basic, by ``Proxy-Authorization``."""

    users: dict[str, User] = Field(description="By name.", min_length=1)
    realm: str = Field(default="proxysim", description="What those who log in are shown.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        try:
            authentication.Authentication(
                {name: authentication.User("") for name in self.users}, self.realm
            )
        except ScenarioError as error:
            raise FieldError(error.problem, mend=error.mend) from None
        return self


def rule_words(rule: Mapping[str, Any]) -> str:
    """A rule as it is written, in words: ``deny domain a.example or b.example and port 80``."""
    (action,) = (action for action in ACTIONS if rule.get(action) is not None)
    said = []
    for name, found in rule[action].items():
        if found is not None:
            looked_for = " or ".join(map(str, found)) if isinstance(found, list) else found
            said.append(f"{name.replace('_', ' ')} {looked_for}")
    words = f"{action} {' and '.join(said)}"
    return f"{words} to {rule['to']}" if rule.get("to") else words
