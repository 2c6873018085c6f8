"""Rules: which requests a proxy lets pass, and what it tells those it does not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from proxysim.messages import Content, Headers, Request, Response
from proxysim.policies.filters.base import Condition

__all__ = ["Filters", "Rule", "Verdict"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Allow or deny what meets all the conditions; *because* is what the denied are told."""

    action: Literal["allow", "deny"]
    conditions: Sequence[Condition]
    because: str = ""

    def matches(self, request: Request, now: float) -> bool:
        return all(condition.matches(request, now) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is denied, why, and by which rule (counted from 0; -1: by none)."""

    denied: bool
    because: str = ""
    rule: int = -1
    _answer: list[tuple[Response, Content]] = field(default_factory=list, repr=False, compare=False)

    def response(self) -> tuple[Response, Content]:
        """The 403 for the denied: a page that gives the reason."""
        if not self._answer:
            page = Content(
                _PAGE.format(reason=escape(self.because or "It is not allowed here.")).encode()
            )
            headers = Headers(
                (
                    ("content-type", "text/html; charset=utf-8"),
                    ("content-length", str(page.length)),
                    ("cache-control", "no-store"),
                )
            )
            self._answer.append((Response(403, headers), page))
        return self._answer[0]


class Filters:
    """The rules of a proxy, in order: the first that matches decides; what none matches may pass.

    O(rules) a request. Source: Squid ``http_access``, but for its default.
    """

    __slots__ = ("_decisions", "rules")

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self._decisions = [
            (tuple(rule.conditions), Verdict(rule.action == "deny", rule.because, index))
            for index, rule in enumerate(self.rules)
        ]

    def judge(self, request: Request, now: float) -> Verdict:
        for conditions, verdict in self._decisions:
            for condition in conditions:
                if not condition.matches(request, now):
                    break
            else:
                return verdict
        return _PASS


_PASS = Verdict(False)

_PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Blocked</title></head>
<body>
<h1>This request was blocked</h1>
<p>The proxy on the way did not let it pass. Reason: {reason}</p>
</body>
</html>
"""
