"""What a cache keeps of an answer, the right to keep it, and the fetch that many wait for."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING

from proxysim.messages import Body, Failure, Request, Response
from proxysim.policies.caching import freshness
from proxysim.policies.caching.invalidation import Target
from proxysim.policies.caching.selection import Selection
from proxysim.proxies.effects import Head, Running, Signal

if TYPE_CHECKING:
    from proxysim.proxies.cache import Cache

__all__ = ["Fill", "Stored", "Ticket"]


@dataclass(slots=True, eq=False)
class Stored:
    """An answer that a cache keeps: head, body, for whom, and until when it may be used.

    ``coding`` is how its body is coded, ``coded_here`` whether this proxy did that. ``selection``
    says which requests it answers, None for all. ``tag`` is its entity tag as the origin gave it.
    ``key`` is what the replacement policy knows it by: target, coding and selected fields.

    ``asked`` is the cache's clock when the origin was asked for it, ``received`` when the head
    came, ``initial_age`` how old it was then (RFC 9111, section 4.2.3). It is fresh up to the age
    ``lifetime``; for ``window`` seconds more it may be served while a newer one is fetched, for
    ``error_window`` seconds more in place of an error (RFC 5861); and to clients that take it stale
    unless it is ``strict``.
    """

    target: Target
    response: Response
    coding: str | None
    coded_here: bool
    selection: Selection | None
    tag: str
    asked: float = 0.0
    received: float = 0.0
    initial_age: float = 0.0
    lifetime: float = 0.0
    window: float = 0.0
    error_window: float = 0.0
    strict: bool = False
    body: Body | None = None
    key: Hashable = field(init=False)
    _head: tuple[int, Response] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        selected = () if self.selection is None else self.selection.fields
        self.key = (*self.target, self.coding, selected)

    def age(self, now: float) -> float:
        """Seconds since the origin made or confirmed the answer."""
        return self.initial_age + now - self.received

    def is_fresh(self) -> bool:
        """Whether it was fresh when it came, or may be served stale for a while."""
        return self.initial_age < self.lifetime + self.window

    def head(self, now: float) -> Response:
        """The answer's head with its current ``Age`` (RFC 9111, section 5.1)."""
        age = int(self.age(now))
        if self._head is None or self._head[0] != age:
            headers = self.response.headers.set("age", str(age))
            self._head = (age, Response(self.response.status, headers))
        return self._head[1]

    def answers(self, request: Request, codings: tuple[str | None, ...]) -> bool:
        """Whether it is an answer to *request*, whose client takes these *codings*.

        What the origin has coded is the origin's choice, which its ``Vary`` tells; what was coded
        here must be taken.
        """
        if self.coded_here and self.coding not in codings:
            return False
        return self.selection is None or self.selection.fits(request, self.coding)

    def stands_in(self, request: Request, now: float) -> bool:
        """Whether it may be sent in the place of an error of the origin (RFC 5861, section 4)."""
        return freshness.takes_on_error(
            request, self.age(now), self.lifetime, self.error_window, strict=self.strict
        )

    def may_be_shared(self, request: Request, codings: tuple[str | None, ...]) -> bool:
        """Whether, having just come, it also answers *request*, which waited for it."""
        return self.answers(request, codings) and freshness.usable_meanwhile(
            request, self.initial_age, self.lifetime, self.window
        )


class Ticket:
    """The right to store one answer's body once it has come whole.

    ``given_up`` is called when it turns out that it will not be stored.
    """

    __slots__ = ("_cache", "given_up", "limit", "stored")

    def __init__(self, cache: Cache, stored: Stored, limit: int) -> None:
        self._cache = cache
        self.stored = stored
        self.limit = limit
        self.given_up: Callable[[], None] | None = None

    def commit(self, copy: Body) -> None:
        """Store the answer with *copy* as its body."""
        self._cache.keep(self.stored, copy)

    def abandon(self, size: int = 0) -> None:
        """The body did not come whole, or is too large, of *size* and more; nothing is stored."""
        if size > self.limit:
            self._cache.outgrown(self.stored)
        if self.given_up is not None:
            self.given_up()


@dataclass(slots=True, eq=False)
class Fill:
    """A fetch that several requests wait for; it belongs to the cache entry, not to any of them.

    ``ready`` is set with what is there for all: the Head of an answer that is coming, which is kept
    as ``stored`` and is for those whom that answers; an answer that is Stored already, and
    ``state``, what it is to the first who asked; or a Failure. With None everybody makes a fetch of
    their own, but for the first where there is a ``private`` answer, with its ``ticket``.

    Each reader enters the fill as a context. When the last one leaves before the body has come, the
    fetch is closed.
    """

    key: tuple[Target, str | None]
    state: str = "miss"
    ready: Signal = field(default_factory=Signal)
    stored: Stored | None = None
    private: Head | None = None
    ticket: Ticket | None = None
    readers: int = 0
    running: Running | None = None
    done: bool = False

    def share(self, answer: Head | Stored | Failure | None) -> None:
        """Let every reader go on with *answer*."""
        self.ready.set(answer)

    def __enter__(self) -> Fill:
        self.readers += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.readers -= 1
        if not self.readers and not self.done and self.running is not None:
            self.running.close()
