"""Filters: which requests may pass a proxy, and which answers. One file a condition."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from typing import Any

from proxysim.errors import ScenarioError, did_you_mean
from proxysim.policies.authentication import Authentication
from proxysim.policies.filters.base import AnswerCondition, Condition
from proxysim.policies.filters.block_list import BlockList, read_list
from proxysim.policies.filters.category import Category
from proxysim.policies.filters.client import Client
from proxysim.policies.filters.content_type import ContentType
from proxysim.policies.filters.domain import Domain
from proxysim.policies.filters.method import Method
from proxysim.policies.filters.names import Names
from proxysim.policies.filters.port import Port
from proxysim.policies.filters.rules import ACTIONS, Action, Filters, Rule, Verdict
from proxysim.policies.filters.schedule import Schedule
from proxysim.policies.filters.size import Size
from proxysim.policies.filters.url import Url
from proxysim.policies.filters.user import Group, User

__all__ = [
    "ACTIONS",
    "ANSWER_CONDITIONS",
    "CONDITIONS",
    "BlockList",
    "Filters",
    "Names",
    "Rule",
    "Verdict",
    "build_filters",
    "build_rule",
    "read_list",
]

#: Scenario name -> condition on requests, made from a list of what is looked for.
CONDITIONS: dict[str, Callable[..., Condition]] = {
    "domain": Domain,
    "category": Category,
    "url": Url,
    "method": Method,
    "port": Port,
    "client": Client,
    "user": User,
    "group": Group,
    "schedule": Schedule,
}

#: The same of conditions on answers.
ANSWER_CONDITIONS: dict[str, Callable[..., AnswerCondition]] = {
    "content_type": ContentType,
    "size": Size,
}

#: What may be written as a bare number.
_NUMBERS = frozenset({"port", "size"})
_URL = re.compile(r"https?://[^\s\x00-\x20\"<>\\^`{|}\x7f]+\Z", re.ASCII)


def build_rule(
    action: str, conditions: Mapping[str, Any], because: str = "", *, to: str = "", **given: Any
) -> Rule:
    """The rule that a scenario writes as ``{deny: {domain: a.example}, because: ...}``.

    All *conditions* must hold; of a list any entry suffices; None counts as not given. *given* is
    what conditions know of their proxy, as :func:`build_filters` takes it. Raises
    :class:`~proxysim.errors.ScenarioError`.
    """
    kind = _action(action)
    menus = {**CONDITIONS, **ANSWER_CONDITIONS}
    listed = {name: found for name, found in conditions.items() if found is not None}
    if not listed:
        raise ScenarioError(f"{action} has no condition", mend=f"Give one of {', '.join(menus)}.")
    for name in listed:
        if name not in menus:
            raise ScenarioError(f"no condition is called {name!r}", mend=did_you_mean(name, menus))
    if kind == "redirect" and not _URL.match(to):
        raise ScenarioError(
            f"found {to!r} where a redirection leads" if to else "redirect does not say where to",
            mend="Give a whole address, to: http://intranet.example/blocked",
        )
    if to and kind != "redirect":
        raise ScenarioError(f"{action} takes no to", mend="Take it out, or redirect.")
    return Rule(
        kind,
        [
            _made(CONDITIONS[name], name, listed[name], given)
            for name in listed
            if name in CONDITIONS
        ],
        because,
        [
            _made(ANSWER_CONDITIONS[name], name, listed[name], given)
            for name in listed
            if name in ANSWER_CONDITIONS
        ],
        to,
    )


def build_filters(
    rules: Iterable[Mapping[str, Any]],
    *,
    categories: Mapping[str, Names] | None = None,
    addresses: Callable[[str], Iterable[str]] | None = None,
    authentication: Authentication | None = None,
    starts: float = 0.0,
) -> Filters:
    """The filters that a scenario lists: rules with an action, ``because`` and ``to``.

    *categories* gives the hosts of each category, *addresses* the networks of a group of clients,
    *authentication* the users; *starts* is where in the week the proxy's clock begins, in seconds
    from Monday 00:00. Raises :class:`~proxysim.errors.ScenarioError`.
    """
    given = {
        "categories": categories,
        "addresses": addresses,
        "authentication": authentication,
        "starts": starts,
    }
    made = []
    for number, rule in enumerate(rules):
        actions = [name for name in ACTIONS if rule.get(name) is not None]
        unknown = set(rule) - {*ACTIONS, "because", "to"}
        if len(actions) != 1 or unknown:
            raise ScenarioError(
                f"found {rule!r} as a rule",
                place=f"filters[{number}]",
                mend=f"Give one of {', '.join(ACTIONS)}, and because.",
            )
        conditions, because = rule[actions[0]], rule.get("because", "")
        try:
            made.append(
                build_rule(actions[0], conditions, because, to=rule.get("to") or "", **given)
            )
        except ScenarioError as error:
            raise ScenarioError(
                error.problem, place=f"filters[{number}]", mend=error.mend
            ) from None
    return Filters(made)


def _action(found: str) -> Action:
    for action in ACTIONS:
        if found == action:
            return action
    raise ScenarioError(f"found {found!r} as a rule", mend=did_you_mean(found, ACTIONS))


def _made(make: Callable[..., Any], name: str, found: object, given: Mapping[str, Any]) -> Any:
    """The condition *name*, with what it wants of *given*."""
    listed = found if isinstance(found, list | tuple | set | frozenset) else [found]
    plain = name in _NUMBERS
    texts = [str(entry) if plain and type(entry) is int else entry for entry in listed]
    if not texts or not all(isinstance(entry, str) and entry.strip() for entry in texts):
        raise ScenarioError(f"found {found!r} as a {name}", mend="Give a text, or a list of texts.")
    wanted = signature(make).parameters
    return make(texts, **{key: value for key, value in given.items() if key in wanted})
