"""What a balancer is, and what it may be besides."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any, Protocol

from proxysim.messages import Request, Response
from proxysim.policies.backend import Backend

__all__ = ["Balancer", "Learner", "Marker", "Namer", "forget_the_gone"]

#: Members that are away and yet remembered, beside as many again as are in the pool.
_AWAY = 64


class Balancer(Protocol):
    """Chooses a backend for a request.

    *pool* holds the backends that may be chosen now, healthy and of weight above zero, in the
    order of the scenario; it is never empty, and the same list object as long as nothing changed.
    A balancer that learns from answers is a :class:`Learner` too, one that leaves word in them a
    :class:`Marker`, one that knows backends by name a :class:`Namer`: it has the method, or not.
    One that looks at no weights has ``weighted``, False.
    """

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend: ...

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        """What :meth:`choose`, asked now instead, would go by, as plain data; changes nothing.

        ``candidates`` names the backends among which chance decides: one where it decides nothing.
        The other keys are what the rule looks at. To be asked before the choice, of which it costs
        several times as much.
        """
        ...


class Learner(Protocol):
    """Learns from what became of its choices."""

    def observe(self, backend: Backend, seconds: float, ok: bool, now: float) -> None:
        """*backend* answered *seconds* after it was asked, at *now*; or failed, where not *ok*.

        An answer counts at its first byte. *now* is of the clock given at birth.
        """
        ...


class Marker(Protocol):
    """Leaves word in an answer, by which the client is known when it comes again."""

    def mark(self, request: Request, response: Response, backend: Backend) -> Response:
        """The *response* of *backend* to *request* as this client, and no other, is to get it.

        It goes to the client who asked, and says so: no cache keeps it for others.
        """
        ...


class Namer(Protocol):
    """Was told names of backends."""

    def check(self, backends: Sequence[Backend]) -> None:
        """Raise ScenarioError where a name is that of none of *backends*, all there may ever be."""
        ...


def forget_the_gone(learned: MutableMapping[Backend, Any], pool: Sequence[Backend]) -> None:
    """Drop what was *learned* of members that are not in *pool*, once they have become many.

    Who is away for a choice, as in a retry, or while it is ejected, is remembered for its return.
    """
    if len(learned) > 2 * len(pool) + _AWAY:
        members = set(pool)
        for backend in [known for known in learned if known not in members]:
            del learned[backend]
