"""A proxy's cache: capacity, eviction, admission, freshness, and who is already fetching what.

It keeps handles of bodies, never bytes; the world makes the copies and hands them over by a
:class:`Ticket`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from types import TracebackType

from proxysim.messages import Body, Failure, Headers, Request, Response
from proxysim.policies import freshness
from proxysim.policies.eviction.base import Eviction
from proxysim.proxies.effects import Head, Running, Signal

__all__ = ["Cache", "Fill", "Stored", "Ticket"]

Key = tuple[str, str, str, str | None]
UNLIMITED = 2**63


@dataclass(slots=True)
class Stored:
    """An answer that a cache keeps: head, body, and until when it may be used.

    ``received`` is the cache's clock when the answer came; ``initial_age`` what the answer said
    of its age then (RFC 9111, section 4.2.3). It is fresh up to the age ``lifetime``; for
    ``window`` seconds more it may be served while a newer one is fetched (RFC 5861, section 3).
    """

    response: Response
    body: Body | None
    received: float
    initial_age: float
    lifetime: float
    window: float
    _head: tuple[int, Response] | None = None

    def age(self, now: float) -> float:
        """Seconds since the origin made or confirmed the answer."""
        return self.initial_age + now - self.received

    def head(self, now: float) -> Response:
        """The answer's head with its current ``Age``."""
        age = int(self.age(now))
        if self._head is None or self._head[0] != age:
            headers = self.response.headers.set("age", str(age))
            self._head = (age, Response(self.response.status, headers))
        return self._head[1]


class Ticket:
    """The right to store one answer's body once it has come whole.

    ``given_up`` is called when it turns out that it will not be stored.
    """

    __slots__ = ("_cache", "_key", "_response", "given_up", "limit")

    def __init__(self, cache: Cache, key: Key, response: Response, limit: int) -> None:
        self._cache = cache
        self._key = key
        self._response = response
        self.limit = limit
        self.given_up: Callable[[], None] | None = None

    def commit(self, copy: Body) -> None:
        """Store the answer with *copy* as its body."""
        self._cache.keep(self._key, self._response, copy)

    def abandon(self) -> None:
        """The body did not come whole, or is too large; nothing is stored."""
        if self.given_up is not None:
            self.given_up()


@dataclass(slots=True, eq=False)
class Fill:
    """A fetch that several requests wait for; it belongs to the cache entry, not to any of them.

    ``ready`` is set with the Head or Failure that all may share, or with None: to each its own
    fetch, but for the first, who takes the ``private`` answer. Each reader enters the fill as a
    context. When the last one leaves before the body has come, the fetch is closed.
    """

    key: Key
    ready: Signal = field(default_factory=Signal)
    private: Head | None = None
    readers: int = 0
    running: Running | None = None
    done: bool = False

    def share(self, answer: Head | Failure | None) -> None:
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


class Cache:
    """What a proxy keeps of the answers that pass.

    *eviction* decides what stays within its capacity in bytes, *max_object* (bytes) what is not
    stored at all. With *collapse*, concurrent misses share one fetch. *stale_while_revalidate*
    (seconds) is granted to answers that do not say for themselves.
    """

    def __init__(
        self,
        eviction: Eviction,
        clock: Callable[[], float],
        *,
        max_object: int | None = None,
        collapse: bool = False,
        stale_while_revalidate: float = 0.0,
    ) -> None:
        self.eviction = eviction
        self.clock = clock
        self.max_object = max_object if max_object is not None else UNLIMITED
        self.collapse = collapse
        self.stale_while_revalidate = stale_while_revalidate
        self.fills: dict[Key, Fill] = {}
        self.refreshing: set[Key] = set()
        self._stored: dict[Hashable, Stored] = {}
        self._codings: dict[str | None, None] = {None: None}  # all that answers were kept in

    def __len__(self) -> int:
        return len(self._stored)

    def key(self, request: Request, coding: str | None = None) -> Key:
        """Under what an answer to *request* is kept, in one content *coding*."""
        return (request.scheme, request.host, request.path, coding)

    def find(
        self, request: Request, codings: Iterable[str | None] = (None,)
    ) -> tuple[Key, Stored] | None:
        """The first answer kept in one of *codings*, fresh or not; a request counts as a touch."""
        for coding in codings:
            key = self.key(request, coding)
            stored = self._stored.get(key)
            if stored is not None:
                self.eviction.touch(key)
                return key, stored
        return None

    def ticket(
        self, request: Request, response: Response, coding: str | None = None
    ) -> Ticket | None:
        """The right to store *response* to *request*, or None where it may not be kept."""
        if not freshness.storable(request, response):
            return None
        coding = coding or response.headers.get("content-encoding") or None
        limit = min(self.max_object, self.eviction.capacity)
        return Ticket(self, self.key(request, coding), response, limit)

    def keep(self, key: Key, response: Response, body: Body | None) -> None:
        """Store an answer that has come whole, in the place of any older one."""
        size = (body.length or 0) if body is not None else 0
        if size > self.max_object:
            return
        for gone in self.eviction.insert(key, size):
            self._stored.pop(gone, None)
        if key in self.eviction:
            self._stored[key] = self._entry(response, body)
            self._codings[key[3]] = None

    def confirm(self, key: Key, not_modified: Headers) -> Stored | None:
        """A 304 came for *key*: its fields take over, its age starts again (RFC 9111, 4.3.4)."""
        stored = self._stored.get(key)
        if stored is None:
            return None
        headers = freshness.updated(stored.response.headers, not_modified)
        fresh = self._entry(replace(stored.response, headers=headers), stored.body)
        self._stored[key] = fresh
        return fresh

    def invalidate(self, request: Request) -> None:
        """An unsafe request succeeded: forget what is kept of its target (RFC 9111, 4.4)."""
        for coding in self._codings:
            key = self.key(request, coding)
            self.eviction.discard(key)
            self._stored.pop(key, None)

    def unlist(self, fill: Fill) -> None:
        """Let nobody else join *fill*."""
        if self.fills.get(fill.key) is fill:
            del self.fills[fill.key]

    def flush(self) -> None:
        """Forget everything."""
        for key in self._stored:
            self.eviction.discard(key)
        self._stored.clear()

    def _entry(self, response: Response, body: Body | None) -> Stored:
        window = freshness.stale_window(response)
        return Stored(
            response,
            body,
            self.clock(),
            freshness.age_on_receipt(response),
            freshness.lifetime(response),
            self.stale_while_revalidate if window is None else window,
        )
