"""More than asking once: what a proxy does that retries, hedges, waits its turn or keeps to a time.

An exchange then is a few generators. ``_try`` asks one backend; ``_hedged`` runs two of those as a
race; ``_answer`` goes on until there is an answer worth having; ``exchange`` gives all that its
time and delivers what came of it. What they hold, :class:`Claims` gives back, however they end.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from proxysim.messages import Failure, Request, value
from proxysim.policies.backend import Backend
from proxysim.policies.breaker import Breakers, Trip
from proxysim.policies.deadline import time_left, with_time
from proxysim.policies.hedging import Hedging
from proxysim.policies.retry import SAFE, Retry, replayable, retry_after
from proxysim.proxies.claims import Claims
from proxysim.proxies.effects import (
    Discard,
    Effect,
    Fetch,
    Handling,
    Head,
    Race,
    Signal,
    Sleep,
    Wait,
)
from proxysim.proxies.slots import Slots

if TYPE_CHECKING:
    from proxysim.proxies.proxy import Deliver, Proxy

__all__ = ["Attempts"]


@value
class Answer:
    """What came of an attempt, and whom it asked: None where nobody could be."""

    backend: Backend | None
    reply: Head | Failure

    @property
    def good(self) -> bool:
        return isinstance(self.reply, Head) and self.reply.response.status < 500


Attempt = Generator[Effect, Any, Answer]


LATE = Answer(None, Failure("timeout"))


def _late() -> Attempt:
    """What wins the race against an answer whose time is up."""
    return LATE
    yield


class Pair:
    """A request and its hedge: whether there is one, and how many may still bring an answer.

    Of its backends *before* had been asked earlier.
    """

    __slots__ = ("before", "hedged", "running")

    def __init__(self, before: int) -> None:
        self.before = before
        self.hedged = False
        self.running = 0


class Attempts:
    """Asks the backends of *proxy* until one has answered well, by the policies that it is given.

    With *hedging* an attempt that takes long is doubled; with *retry* one that came to nothing is
    followed by another. *breakers* say who is not to be asked, *slots* how many may be at a time.
    All that has *within* seconds until an answer's head is here, or less where who asked says so.
    """

    def __init__(
        self,
        proxy: Proxy,
        retry: Retry | None = None,
        hedging: Hedging | None = None,
        breakers: Breakers | None = None,
        slots: Slots[Backend] | None = None,
        within: float | None = None,
    ) -> None:
        self.proxy = proxy
        self.retry = retry
        self.hedging = hedging
        self.breakers = breakers
        self.slots = slots
        self.within = within
        #: Whether an answer of that status may be worth another try.
        self.doubtful = (frozenset() if retry is None else retry.on).__contains__
        self._backing_off = 0

    def exchange(self, request: Request, deliver: Deliver | None) -> Handling:
        """Ask until there is an answer, or no more may be done; *deliver* what came."""
        with Claims(self.slots) as claims:
            if self.within is None:
                answer = yield from self._answer(request, claims)
            else:
                answer = yield from self._in_time(request, claims, self.within)
            yield from self.proxy.conclude(request, answer.backend, answer.reply, deliver)

    def _in_time(self, request: Request, claims: Claims, within: float) -> Attempt:
        """Go on while somebody waits: *within* seconds, or as many as who asked has said."""
        left = min(within, time_left(request))
        if left <= 0:
            return LATE
        claims.until = self.proxy.clock() + left
        won = yield Race(self._answer(request, claims), left, _late)
        answer: Answer = won.value
        return answer

    def pause(self, request: Request, backend: Backend, reply: Head | Failure) -> float | None:
        """Seconds to wait before *request* is sent again, after *backend* has said *reply*.

        None: it is not to be.
        """
        if type(reply) is Head and not self.doubtful(reply.response.status):
            return None
        return self._pause(request, Answer(backend, reply), [backend], 1)

    def go_on(
        self,
        request: Request,
        deliver: Deliver | None,
        backend: Backend,
        reply: Head | Failure,
        pause: float,
    ) -> Handling:
        """Go on after *backend*, of which no lease is held any more, has said *reply*."""
        with Claims(self.slots) as claims:
            asked, answer = [backend], Answer(backend, reply)
            answer = yield from self._again(request, asked, claims, answer, pause)
            yield from self.proxy.conclude(request, answer.backend, answer.reply, deliver)

    def _answer(self, request: Request, claims: Claims) -> Attempt:
        """Try, and try again while that is allowed."""
        asked: list[Backend] = []
        answer = yield from self._ask(request, asked, claims)
        pause = self._pause(request, answer, asked, 1)
        if pause is None:
            return answer
        return (yield from self._again(request, asked, claims, answer, pause))

    def _again(
        self,
        request: Request,
        asked: list[Backend],
        claims: Claims,
        answer: Answer,
        pause: float | None,
    ) -> Attempt:
        """Try again, in *pause* seconds, and again; *answer* came of the first sending."""
        sendings = 1
        claims.insist(self.retry)
        while pause is not None:
            if answer.backend is not None:
                claims.give_back(answer.backend)
            if isinstance(answer.reply, Head) and answer.reply.body is not None:
                yield Discard(answer.reply.body)
            if pause:
                yield from self._back_off(pause)
            sendings += 1
            answer = yield from self._ask(request, asked, claims)
            pause = self._pause(request, answer, asked, sendings)
        return answer

    def _ask(self, request: Request, asked: list[Backend], claims: Claims) -> Attempt:
        if self.hedging is None:
            return self._try(request, asked, claims)
        return self._hedged(request, asked, claims, self.hedging)

    def _pause(
        self, request: Request, answer: Answer, asked: list[Backend], sendings: int
    ) -> float | None:
        """Seconds to wait before the next sending; None: there is none."""
        retry, reply = self.retry, answer.reply
        if retry is None or answer.backend is None:
            return None
        came = reply if isinstance(reply, Failure) else reply.response.status
        if not retry.may_retry(request, came, sendings, self._under_way()):
            return None
        candidates = self._candidates(request, asked)
        if not candidates:
            return None
        wish = 0.0
        if isinstance(reply, Head) and candidates[0] in asked:
            # There is nobody else, and it may have asked to be left alone for a while.
            wish = retry_after(reply.response.headers.get("retry-after"))
        return retry.pause(sendings, wish)

    def _try(self, request: Request, asked: list[Backend], claims: Claims) -> Attempt:
        """Ask one backend, none of those *asked* before where there are others."""
        proxy, breakers = self.proxy, self.breakers
        pool = self._candidates(request, asked)
        if not pool:
            return Answer(None, self._nobody(request))
        if self.slots is None:
            backend = proxy.choose(request, pool)
        else:
            found = yield from self._slot(request, asked, pool, self.slots)
            if found is None:
                return Answer(None, Failure("overload", wait=1.0))
            backend = found
        claims.take(backend)
        asked.append(backend)
        trip = None if breakers is None else breakers.ask(backend)
        began = proxy.clock()
        outgoing = proxy.identity.rewrite(request)
        if claims.until is not None:
            outgoing = with_time(outgoing, claims.until - began)
        try:
            reply = yield Fetch(backend, outgoing, proxy.deadlines)
        except GeneratorExit:
            claims.give_back(backend)
            if claims.late(proxy.clock()):
                self._learn(backend, trip, began, ok=False)
            elif breakers is not None:
                breakers.give_up(trip)
            raise
        answer = Answer(backend, reply)
        self._learn(backend, trip, began, ok=answer.good)
        return answer

    def _learn(self, backend: Backend, trip: Trip | None, began: float, *, ok: bool) -> None:
        self.proxy.learn(backend, began, ok)
        if self.breakers is not None:
            self.breakers.observe(backend, trip, ok, self.proxy.clock())

    def _candidates(self, request: Request, asked: list[Backend]) -> Sequence[Backend]:
        """Who may be asked now, less those *asked* where others are left."""
        pool = self.proxy.pool(request)
        if self.breakers is not None:
            pool = self.breakers.admitted(pool, self.proxy.clock())
        if asked:
            return [backend for backend in pool if backend not in asked] or pool
        return pool

    def _nobody(self, request: Request) -> Failure:
        """Why nobody may be asked, and for how long."""
        if self.breakers is None:
            return Failure("overload")
        wait = self.breakers.wait(self.proxy.pool(request), self.proxy.clock())
        return Failure("overload", wait=wait)

    def _slot(
        self,
        request: Request,
        asked: list[Backend],
        pool: Sequence[Backend],
        slots: Slots[Backend],
    ) -> Generator[Effect, Any, Backend | None]:
        """A slot at one of *pool*; the wait may be long, so who it is then may still be asked."""
        while pool:
            backend = yield from slots.claim(pool, partial(self.proxy.choose, request))
            if backend is None:
                return None
            pool = self._candidates(request, asked)
            if backend in pool:
                return backend
            slots.give_back(backend)
        return None

    # Twice at a time.

    def _hedged(
        self, request: Request, asked: list[Backend], claims: Claims, hedging: Hedging
    ) -> Attempt:
        """One attempt, and a second beside it when it takes long."""
        hedging.earn()
        delay = hedging.delay()
        pair = Pair(len(asked))
        first = self._first(request, asked, claims, pair)
        if delay is None or request.method not in SAFE or not replayable(request):
            return (yield from first)
        second = partial(self._second, request, asked, claims, pair)
        won = yield Race(first, delay, second)
        answer: Answer = won.value
        return answer

    def _first(self, request: Request, asked: list[Backend], claims: Claims, pair: Pair) -> Attempt:
        assert self.hedging is not None
        pair.running += 1
        began = self.proxy.clock()
        try:
            answer = yield from self._try(request, asked, claims)
        except GeneratorExit:
            if pair.hedged:
                self.hedging.observe(self.proxy.clock() - began)
            raise
        if isinstance(answer.reply, Head):
            self.hedging.observe(self.proxy.clock() - began)
        return (yield from self._end(answer, claims, pair))

    def _second(
        self, request: Request, asked: list[Backend], claims: Claims, pair: Pair
    ) -> Attempt:
        assert self.hedging is not None
        sent = pair.running and len(asked) > pair.before
        candidates = self._candidates(request, asked)
        others = candidates and candidates[0] not in asked
        if not sent or not others or not self.hedging.spend():
            yield Wait(Signal())  # for ever: the first goes on alone, and ends the race
        pair.hedged = True
        pair.running += 1
        answer = yield from self._try(request, asked, claims)
        return (yield from self._end(answer, claims, pair))

    def _end(self, answer: Answer, claims: Claims, pair: Pair) -> Attempt:
        """*answer* ends the race, unless it is a bad one and the other may bring a better."""
        pair.running -= 1
        if not answer.good and pair.running:
            if answer.backend is not None:
                claims.give_back(answer.backend)
            if isinstance(answer.reply, Head) and answer.reply.body is not None:
                yield Discard(answer.reply.body)
            yield Wait(Signal())  # until the race is over
        return answer

    # One after the other.

    def _back_off(self, seconds: float) -> Handling:
        self._backing_off += 1
        try:
            yield Sleep(seconds)
        finally:
            self._backing_off -= 1

    def _under_way(self) -> int:
        return self.proxy.in_flight() + self._backing_off
