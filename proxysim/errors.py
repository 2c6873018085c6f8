"""What can be wrong, said so that it can be mended.

Every error names the *place* (a file and line, a field's dotted path, a node), what was *found*
there, and the *mend*. The command line prints the message and leaves with ``exit_status``; a
traceback is a bug of proxysim's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "ProxysimError",
    "ResultError",
    "RunError",
    "ScenarioError",
    "TopologyError",
    "TraceError",
    "UnitError",
    "did_you_mean",
]


class ProxysimError(Exception):
    """The family of all errors that proxysim raises on purpose."""

    exit_status = 2

    def __init__(self, problem: str, *, place: str = "", mend: str = "") -> None:
        self.problem = problem
        self.place = place
        self.mend = mend
        super().__init__(problem)

    def __str__(self) -> str:
        text = f"{self.place}: {self.problem}" if self.place else self.problem
        return f"{text.rstrip('.')}. {self.mend}" if self.mend else text


class ScenarioError(ProxysimError):
    """A scenario, or something that it names, cannot be used as it stands."""


class UnitError(ScenarioError, ValueError):
    """A quantity that cannot be read: no number, no such unit, or out of range."""


class TopologyError(ScenarioError):
    """Nodes and links that do not make a network: who cannot reach whom, and why."""


class TraceError(ScenarioError):
    """An access log that cannot be replayed: missing, unreadable, or without a single request."""


class ResultError(ProxysimError):
    """A question that a run's results cannot answer, or a place they cannot be written to."""


class RunError(ProxysimError):
    """A run that broke one of its own laws, such as the conservation of requests."""

    exit_status = 1


#: What is shorter begins too many names to be a hint at one.
SHORTEST_BEGINNING = 3


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The mend for an unknown *word*: the nearest of the *known* ones, then all of them."""
    names = list(known)
    small = {name.lower(): name for name in names}
    asked = str(word).lower()[:100]
    near = get_close_matches(asked, small, n=1, cutoff=0.6)
    if not near and len(asked) >= SHORTEST_BEGINNING:
        near = sorted(name for name in small if name.startswith(asked))
    hint = f"Did you mean {small[near[0]]!r}? " if near else ""
    return f"{hint}Known: {', '.join(sorted(names)) or 'none'}"
