"""A proxy's cache: capacity, eviction, admission, freshness, and who is already fetching what.

It keeps handles of bodies, never bytes; the world makes the copies and hands them over by a
:class:`~proxysim.proxies.entries.Ticket`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any

from proxysim.messages import Body, Headers, Request, Response
from proxysim.policies.admission import Admission
from proxysim.policies.caching import freshness
from proxysim.policies.caching.freshness import RFC_HEURISTIC, Heuristic
from proxysim.policies.caching.invalidation import Target, obsolete, target
from proxysim.policies.caching.selection import selection
from proxysim.policies.caching.status import with_status
from proxysim.policies.caching.storing import head_size, storable, stored_fields
from proxysim.policies.caching.validation import confirms, describes, updated
from proxysim.policies.eviction.base import Eviction
from proxysim.policies.http_date import written
from proxysim.proxies.entries import Fill, Stored, Ticket
from proxysim.proxies.uncacheable import Uncacheable

__all__ = ["Cache"]

UNLIMITED = 2**63

#: Most answers kept for one target; beyond that the oldest goes. Each look-up reads through them.
VARIANTS = 64

#: Of how many targets that were changed last it is known when.
CHANGES = 1000


class Cache:
    """What a proxy keeps of the answers that pass.

    *eviction* decides what stays within its capacity, in bytes of heads and bodies or, with
    *by_object*, in answers; *admission* what enters at all; bodies over *max_object* bytes do not.
    With *collapse*, concurrent misses share one fetch, except of what could not be kept within the
    last *hit_for_miss* seconds. *stale_while_revalidate* and
    *stale_if_error* (seconds) are granted to answers that do not say for themselves; *heuristic* is
    for those that do not say how long they are fresh. *epoch* is what *clock* read as 0, in seconds
    since 1970: an answer without a Date is then given one (RFC 9110, section 6.6.1). None is for a
    world without a calendar, whose answers' dates are compared only with one another. With *named*,
    answers tell by Cache-Status what this cache made of the request.

    A look-up is O(answers kept for its target), at most :data:`VARIANTS`, mostly one.
    """

    def __init__(
        self,
        eviction: Eviction,
        clock: Callable[[], float],
        *,
        by_object: bool = False,
        admission: Admission | None = None,
        max_object: int | None = None,
        collapse: bool = False,
        hit_for_miss: float = 120.0,
        stale_while_revalidate: float = 0.0,
        stale_if_error: float = 0.0,
        heuristic: Heuristic = RFC_HEURISTIC,
        epoch: float | None = None,
        named: str = "",
    ) -> None:
        self.eviction = eviction
        self.clock = clock
        self.by_object = by_object
        self.admission = admission
        self.max_object = max_object if max_object is not None else UNLIMITED
        self.collapse = collapse
        self.stale_while_revalidate = stale_while_revalidate
        self.stale_if_error = stale_if_error
        self.heuristic = heuristic
        self.epoch = epoch
        self.named = named
        self.fills: dict[tuple[Target, str | None], Fill] = {}
        self.uncacheable = Uncacheable(hit_for_miss)
        self.refreshing: set[Hashable] = set()
        self._kept: dict[Target, list[Stored]] = {}
        self._by_key: dict[Hashable, Stored] = {}
        self._changed: dict[Target, float] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    # Looking up.

    def find(self, request: Request, codings: tuple[str | None, ...] = (None,)) -> Stored | None:
        """The answer kept for *request*, fresh or not; a request counts as a touch.

        Of several the one in the best of *codings*, the first preferred; of equals the newest.
        """
        kept = self._kept.get((request.scheme, request.host, request.port, request.path))
        if kept is None:
            return None
        found, place = None, len(codings)
        for stored in kept:
            if stored.answers(request, codings):
                coding = stored.coding
                rank = codings.index(coding) if coding in codings else len(codings)
                if rank <= place:
                    found, place = stored, rank
        if found is not None:
            key = found.key
            self.eviction.touch(key)
            if self.admission is not None:
                self.admission.touch(key)
        return found

    def shares(self, request: Request, stored: Stored | None, now: float) -> bool:
        """Whether the fetch for *request*, which *stored* does not answer, is for all who come.

        Not of a part, nor of what lately could not be kept; what is *stored* could be.
        """
        if request.method != "GET" or "range" in request.headers.fields:
            return False
        return stored is not None or not self.uncacheable.knows(request, now)

    # Keeping.

    def ticket(
        self,
        request: Request,
        said: Response,
        response: Response,
        coding: str | None,
        asked: float,
    ) -> Ticket | None:
        """The right to store *response* to *request*, or None where it may not be kept.

        The origin *said* it so, and was *asked* at that time of the clock; *coding* is how this
        proxy has coded it since, None if it has not.
        """
        if not storable(request, said):
            if self.collapse:
                self.uncacheable.note(request, said, self.clock())
            return None
        return self._ticket(self._made(request, said, response, coding, asked))

    def recoded(self, stored: Stored, response: Response, coding: str) -> Ticket:
        """The right to keep what is *stored* a second time: *response*, coded as *coding* here."""
        again = replace(stored, response=response, coding=coding, coded_here=True)
        return self._ticket(again)

    def keep(self, stored: Stored, body: Body | None) -> None:
        """Store an answer that has come whole, in the place of any older one.

        Not one that was asked for before its target was changed: it may tell of what was before.
        """
        if self._changed and stored.asked < self._changed.get(stored.target, stored.asked):
            return
        key = stored.key
        before = self._by_key.get(key)
        length = (body.length or 0) if body is not None else 0
        size = 1 if self.by_object else length + head_size(stored.response.headers)
        if length > self.max_object or size > self.eviction.capacity:
            if before is not None:
                self.discard(before)
            return
        if before is None and not self._admits(key, length, size):
            return
        for gone in self.eviction.insert(key, size):
            self._forget(gone)
        if key not in self.eviction:
            return
        if before is not None and before.selection is not None and stored.selection is not None:
            stored.selection = stored.selection.joined(before.selection)
        self._forget(key)
        stored.body = body
        kept = self._kept.setdefault(stored.target, [])
        kept.append(stored)
        self._by_key[key] = stored
        self.uncacheable.forget(stored.target)
        if len(kept) > VARIANTS:
            self.discard(kept[0])

    def outgrown(self, stored: Stored) -> None:
        """*stored* proves too large to be kept: what it was to replace is old all the same."""
        before = self._by_key.get(stored.key)
        if before is not None and before.asked <= stored.asked:
            self.discard(before)

    def _admits(self, key: Hashable, length: int, size: int) -> bool:
        guard = self.admission
        return guard is None or guard.admits(key, length, self.eviction.victim(size))

    def confirm(self, stored: Stored, said: Response, new: Headers, asked: float) -> Stored | None:
        """*stored* brought up to date by a 304 that the origin *said* (RFC 9111, section 4.3.4).

        *new* are its fields as this proxy passes them on. None where the 304 is about another
        answer. The updated answer takes the stored one's place, if that is still kept.
        """
        if not confirms(said.headers, stored.tag, stored.response.headers.get("last-modified")):
            return None
        return self._renewed(stored, said, new, asked)

    def freshen(self, stored: Stored, said: Response, new: Headers, asked: float) -> None:
        """HEAD was answered 200: *stored* is updated by it, or forgotten (RFC 9111, 4.3.5)."""
        length = stored.body.length if stored.body is not None else 0
        if stored.coded_here or not describes(said.headers, stored.response, stored.tag, length):
            self.discard(stored)
        else:
            self._renewed(stored, said, new, asked)

    def _renewed(self, stored: Stored, said: Response, new: Headers, asked: float) -> Stored:
        headers = stored_fields(updated(stored.response.headers, self._with_date(new)))
        response = Response(stored.response.status, headers)
        tag = said.headers.get("etag") or stored.tag
        fresh = self._dated(replace(stored, response=response, tag=tag), response, asked)
        if self._by_key.get(stored.key) is stored:
            self._by_key[stored.key] = fresh
            kept = self._kept[stored.target]
            kept.remove(stored)
            kept.append(fresh)  # the newest now
        return fresh

    # Forgetting.

    def discard(self, stored: Stored) -> None:
        """Forget *stored*, if it is still kept."""
        if self._by_key.get(stored.key) is stored:
            self.eviction.discard(stored.key)
            self._forget(stored.key)

    def invalidate(self, request: Request, response: Response) -> None:
        """Forget what an unsafe *request*, so answered, has made obsolete (RFC 9111, 4.4).

        Nobody else joins a fetch of it that is under way, nor is its answer kept.
        """
        gone = obsolete(request, response)
        for where in gone:
            self._changed.pop(where, None)
            self._changed[where] = self.clock()
            for stored in tuple(self._kept.get(where, ())):
                self.discard(stored)
        while len(self._changed) > CHANGES:
            del self._changed[next(iter(self._changed))]
        for fill in [fill for fill in self.fills.values() if fill.key[0] in gone]:
            self.unlist(fill)

    def unlist(self, fill: Fill) -> None:
        """Let nobody else join *fill*."""
        if self.fills.get(fill.key) is fill:
            del self.fills[fill.key]

    def flush(self) -> None:
        """Forget everything."""
        for key in self._by_key:
            self.eviction.discard(key)
        self._by_key.clear()
        self._kept.clear()
        self.uncacheable.clear()

    def _forget(self, key: Hashable) -> None:
        stored = self._by_key.pop(key, None)
        if stored is not None:
            kept = self._kept[stored.target]
            kept.remove(stored)
            if not kept:
                del self._kept[stored.target]

    # What it tells of itself, where it is named (RFC 9211).

    def told(self, response: Response, **said: Any) -> Response:
        """*response* with what this cache says of itself: arguments of ``with_status``."""
        return Response(response.status, with_status(response.headers, self.named, **said))

    def forwarded(
        self,
        request: Request,
        response: Response,
        stored: Stored | None,
        status: int,
        ticket: Ticket | None,
    ) -> Response:
        """*response*, which a backend gave with *status*, and why it was asked."""
        if stored is None:
            why = "vary-miss" if target(request) in self._kept else "uri-miss"
        else:
            why = "stale" if stored.age(self.clock()) >= stored.lifetime else "request"
        return self.told(response, fwd=why, fwd_status=status, stored=ticket is not None)

    # Making entries.

    def _ticket(self, stored: Stored) -> Ticket:
        limit = self.max_object
        return Ticket(self, stored, limit if self.by_object else min(limit, self.eviction.capacity))

    def _made(
        self,
        request: Request,
        said: Response,
        response: Response,
        coding: str | None,
        asked: float,
    ) -> Stored:
        headers = self._with_date(stored_fields(response.headers))
        kept = response if headers is response.headers else Response(response.status, headers)
        stored = Stored(
            target(request),
            kept,
            coding or headers.get("content-encoding").strip().lower() or None,
            coding is not None,
            selection(request, said),
            said.headers.get("etag"),
        )
        return self._dated(stored, said, asked)

    def _with_date(self, headers: Headers) -> Headers:
        """*headers* with a Date, if there is a calendar: now, where the origin gave none."""
        if self.epoch is None or "date" in headers.fields:
            return headers
        return headers.set("date", written(self.epoch + self.clock()))

    def _dated(self, stored: Stored, said: Response, asked: float) -> Stored:
        """*stored*, whose origin *said* so just now, with its age and all its times."""
        now = self.clock()
        received = None if self.epoch is None else self.epoch + now
        terms = freshness.terms(said.headers.fields.get("cache-control", ""))
        stored.asked = asked
        stored.received = now
        stored.initial_age = freshness.age_on_receipt(said, received, now - asked)
        stored.lifetime = (
            freshness.lifetime(said, received, self.heuristic)
            if terms.lifetime is None
            else terms.lifetime
        )
        stored.strict = terms.strict
        stored.window = self.stale_while_revalidate if terms.window is None else terms.window
        stored.error_window = (
            self.stale_if_error if terms.error_window is None else terms.error_window
        )
        return stored
