"""Filters: which requests may pass a proxy. One file a condition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from proxysim.errors import ScenarioError, did_you_mean
from proxysim.policies.filters.base import Condition
from proxysim.policies.filters.domain import Domain
from proxysim.policies.filters.method import Method
from proxysim.policies.filters.rules import Filters, Rule, Verdict
from proxysim.policies.filters.url import Url

__all__ = ["CONDITIONS", "Filters", "Rule", "Verdict", "build_filters", "build_rule"]

#: Scenario name -> condition, made from a list of what is looked for.
CONDITIONS: dict[str, Callable[[Iterable[str]], Condition]] = {
    "domain": Domain,
    "url": Url,
    "method": Method,
}


def build_rule(action: str, conditions: Mapping[str, Any], because: str = "") -> Rule:
    """The rule that a scenario writes as ``{deny: {domain: a.example}, because: ...}``.

    All *conditions* must hold; of a list any entry suffices; None counts as not given. Raises
    :class:`~proxysim.errors.ScenarioError`.
    """
    if action not in ("allow", "deny"):
        raise ScenarioError(
            f"found {action!r} as a rule", mend=did_you_mean(action, ("allow", "deny"))
        )
    given = {name: found for name, found in conditions.items() if found is not None}
    if not given:
        raise ScenarioError(
            f"{action} has no condition", mend=f"Give one of {', '.join(CONDITIONS)}."
        )
    made = [_condition(name, found) for name, found in given.items()]
    verdict: Literal["allow", "deny"] = "allow" if action == "allow" else "deny"
    return Rule(verdict, made, because)


def build_filters(rules: Iterable[Mapping[str, Any]]) -> Filters:
    """The filters that a scenario lists: rules with ``allow`` or ``deny``, and ``because``."""
    made = []
    for number, rule in enumerate(rules):
        actions = [name for name in ("allow", "deny") if rule.get(name) is not None]
        unknown = set(rule) - {"allow", "deny", "because"}
        if len(actions) != 1 or unknown:
            raise ScenarioError(
                f"found {rule!r} as a rule",
                place=f"filters[{number}]",
                mend="Give either allow or deny, and because.",
            )
        try:
            made.append(build_rule(actions[0], rule[actions[0]], rule.get("because", "")))
        except ScenarioError as error:
            raise ScenarioError(
                error.problem, place=f"filters[{number}]", mend=error.mend
            ) from None
    return Filters(made)


def _condition(name: str, found: object) -> Condition:
    if name not in CONDITIONS:
        raise ScenarioError(f"no condition is called {name!r}", mend=did_you_mean(name, CONDITIONS))
    listed = [found] if isinstance(found, str) else found
    if not isinstance(listed, list | tuple | set | frozenset) or not listed:
        raise ScenarioError(f"found {found!r} as a {name}", mend="Give a text, or a list of texts.")
    for entry in listed:
        if not isinstance(entry, str):
            raise ScenarioError(f"found {entry!r} as a {name}", mend="Give a text.")
    return CONDITIONS[name](listed)
