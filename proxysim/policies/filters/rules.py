"""Rules: which requests a proxy lets pass, and what it tells those it does not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Literal

from proxysim.messages import Content, Headers, Request, Response
from proxysim.policies.filters.base import AnswerCondition, Condition

__all__ = ["ACTIONS", "Action", "Filters", "Rule", "Verdict"]

Action = Literal["allow", "deny", "redirect", "log"]
ACTIONS: tuple[Action, ...] = ("allow", "deny", "redirect", "log")


@dataclass(frozen=True, slots=True)
class Rule:
    """What is to happen to that which meets all the conditions.

    *because* is what the denied are told; *to* is where the redirected are sent.
    """

    action: Action
    conditions: Sequence[Condition]
    because: str = ""
    answer_conditions: Sequence[AnswerCondition] = ()
    to: str = ""

    def matches(self, request: Request, now: float) -> bool:
        """Whether *request* meets the conditions that look at requests."""
        return all(condition.matches(request, now) for condition in self.conditions)

    def holds(self, request: Request, response: Response, now: float) -> bool:
        """Whether *request*, and *response* as the answer to it, meet all conditions."""
        looked_for = (condition.holds(response) for condition in self.answer_conditions)
        return all(looked_for) and self.matches(request, now)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is denied, why, and by which rule (counted from 0; -1: by none).

    What is redirected is denied, and told where *to* go instead. *pending* are the rules, by
    number, that the answer to what may pass has yet to be held against.
    """

    denied: bool
    because: str = ""
    rule: int = -1
    to: str = ""
    pending: tuple[int, ...] = ()

    def response(self, request: Request) -> tuple[Response, Content]:
        """What the denied are answered: 302 to another page, or 403 with a page that says why.

        Who asks for a tunnel is never redirected, for nobody follows that (RFC 9110, 9.3.6).
        """
        return _page(self.because, "" if request.method == "CONNECT" else self.to)


class Filters:
    """The rules of a proxy, in order: the first that matches decides; what none matches may pass.

    A rule that only logs decides nothing. Rules that look at answers are left aside until there is
    one: a request is judged by the others, and, where it may pass, its answer by those that look at
    answers and stand before the rule that let it pass; again the first that matches decides.
    ``counts`` tells how often each rule has matched. O(rules) a request.

    Source: Squid ``http_access`` and ``http_reply_access``, but for the default.
    """

    __slots__ = ("_steps", "_unmatched", "_verdicts", "counts", "rules")

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self.counts = [0] * len(self.rules)
        self._verdicts: list[Verdict | None] = []  # None: it only logs
        self._steps: list[tuple[int, tuple[Condition, ...]]] = []
        looking: list[int] = []
        for number, rule in enumerate(self.rules):
            denied = rule.action in ("deny", "redirect")
            pending = () if denied else tuple(looking)
            verdict = Verdict(denied, rule.because, number, rule.to, pending)
            self._verdicts.append(None if rule.action == "log" else verdict)
            if rule.answer_conditions:
                looking.append(number)
            else:
                self._steps.append((number, tuple(rule.conditions)))
        self._unmatched = Verdict(False, pending=tuple(looking))

    def judge(self, request: Request, now: float) -> Verdict:
        """What is to become of *request*."""
        for number, conditions in self._steps:
            for condition in conditions:
                if not condition.matches(request, now):
                    break
            else:
                self.counts[number] += 1
                verdict = self._verdicts[number]
                if verdict is not None:
                    return verdict
        return self._unmatched

    def judge_answer(
        self, verdict: Verdict, request: Request, response: Response, now: float
    ) -> Verdict:
        """What is to become of the answer to *request*, on which *verdict* was that it may pass."""
        for number in verdict.pending:
            if self.rules[number].holds(request, response, now):
                self.counts[number] += 1
                found = self._verdicts[number]
                if found is not None:
                    return found
        return verdict


@lru_cache(256)
def _page(because: str, to: str) -> tuple[Response, Content]:
    reason = escape(because or "It is not allowed here.")
    where = f'\n<p>See <a href="{escape(to)}">{escape(to)}</a>.</p>' if to else ""
    page = Content(_PAGE.format(reason=reason, where=where).encode())
    headers = Headers(
        (
            ("content-type", "text/html; charset=utf-8"),
            ("content-length", str(page.length)),
            ("cache-control", "no-store"),
            *((("location", to),) if to else ()),
        )
    )
    return Response(302 if to else 403, headers), page


_PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Blocked</title></head>
<body>
<h1>This request was blocked</h1>
<p>The proxy on the way did not let it pass. Reason: {reason}</p>{where}
</body>
</html>
"""
