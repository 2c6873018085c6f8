"""Policies that a scenario picks from a menu: a name, or a name with its parameters.

``balancer: least_connections`` or ``balancer: {power_of_two: {choices: 3}}``. The menu is the
policies' own; a choice is checked by making the policy once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from proxysim.errors import ScenarioError
from proxysim.policies.admission import ADMISSIONS, build_admission
from proxysim.policies.balancers import ALIASES, BALANCERS, build_balancer
from proxysim.policies.eviction import EVICTIONS, build_eviction
from proxysim.policies.filters import ANSWER_CONDITIONS, CONDITIONS, build_rule
from proxysim.scenario.quantities import FieldError

__all__ = ["Admission", "Balancer", "Eviction", "PolicyName", "matcher"]

PolicyName = Annotated[str, Field(description="An entry of a menu; a choice has only one.")]

_CAPACITY = 1000


def _choice(make: Callable[[Any], object], example: str) -> BeforeValidator:
    def checked(found: Any) -> Any:
        if not isinstance(found, str) and not (isinstance(found, dict) and len(found) == 1):
            raise FieldError(
                "found neither a name nor one name with its parameters",
                mend=f"Write it like this: {example}",
            )
        try:
            make(found)
        except ScenarioError as error:
            raise FieldError(error.problem, mend=error.mend) from None
        if isinstance(found, dict):
            ((name, parameters),) = found.items()
            name = ALIASES.get(name, name)
            return {name: parameters} if parameters else name
        return ALIASES.get(found, found)

    return BeforeValidator(checked)


def _menu(what: str, names: Iterable[str]) -> WithJsonSchema:
    listed = list(names)
    with_parameters: dict[str, Any] = {
        "type": "object",
        "propertyNames": {"enum": listed},
        "additionalProperties": {"type": ["object", "null"]},
        "minProperties": 1,
        "maxProperties": 1,
    }
    return WithJsonSchema({"description": what, "anyOf": [{"enum": listed}, with_parameters]})


Balancer = Annotated[
    str | dict[PolicyName, dict[str, Any]],
    _choice(
        lambda found: build_balancer(found, Random(0)),
        "least_connections, or {power_of_two: {choices: 3}}",
    ),
    _menu("A balancer, or one with its parameters.", [*BALANCERS, *ALIASES]),
]
Eviction = Annotated[
    str | dict[PolicyName, dict[str, Any]],
    _choice(
        lambda found: build_eviction(found, _CAPACITY, Random(0)),
        "lru, or {s3fifo: {small: 10%}}",
    ),
    _menu("A replacement policy, or one with its parameters.", EVICTIONS),
]


Admission = Annotated[
    str | dict[PolicyName, dict[str, Any]],
    _choice(build_admission, "second_hit, or {size_limit: {limit: 4MB}}"),
    _menu("An admission policy, or one with its parameters.", ADMISSIONS),
]


def matcher(condition: str) -> BeforeValidator:
    """Checks what a filter's *condition* looks for: a text, or a list of texts."""
    assert condition in CONDITIONS or condition in ANSWER_CONDITIONS

    def checked(found: Any) -> Any:
        try:
            build_rule("deny", {condition: found})
        except ScenarioError as error:
            raise FieldError(error.problem, mend=error.mend) from None
        return found

    return BeforeValidator(checked)
