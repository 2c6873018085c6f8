"""More than asking once: what a proxy does that retries, hedges, waits its turn or keeps to a time.

An exchange then is a few generators. ``_try`` asks one backend; ``_hedged`` runs two of those as a
race; ``_answer`` goes on until there is an answer worth having; ``exchange`` gives all that its
time and delivers what came of it. What they hold, :class:`Claims` gives back, however they end.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any

from proxysim.messages import Failure, Request, value
from proxysim.policies.backend import Backend
from proxysim.policies.hedging import Hedging
from proxysim.policies.retry import SAFE, Retry, replayable, retry_after
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


class Claims:
    """What one exchange holds until its answer has gone: leases, and its place in a budget.

    The generators that take part in an exchange may end, or be closed, in any order; whatever they
    have not given back by then is given back with this.
    """

    __slots__ = ("_leases", "retry")

    def __init__(self) -> None:
        self._leases: list[Backend] = []
        self.retry: Retry | None = None

    def take(self, backend: Backend) -> None:
        """Hold a lease of *backend*."""
        backend.__enter__()
        self._leases.append(backend)

    def give_back(self, backend: Backend) -> None:
        """Hold no lease of *backend* any more; nothing happens where none is held."""
        if backend in self._leases:
            self._leases.remove(backend)
            backend.__exit__()

    def __enter__(self) -> Claims:
        return self

    def __exit__(self, *failure: object) -> None:
        while self._leases:
            self.give_back(self._leases[-1])
        if self.retry is not None:
            self.retry.__exit__(None, None, None)


class Pair:
    """A request and its hedge: whether there is one, and how many may still bring an answer."""

    __slots__ = ("hedged", "running")

    def __init__(self) -> None:
        self.hedged = False
        self.running = 0


class Attempts:
    """Asks the backends of *proxy* until one has answered well, by the policies that it is given.

    With *hedging* an attempt that takes long is doubled; with *retry* one that came to nothing is
    followed by another.
    """

    def __init__(
        self, proxy: Proxy, *, retry: Retry | None = None, hedging: Hedging | None = None
    ) -> None:
        self.proxy = proxy
        self.retry = retry
        self.hedging = hedging
        self._backing_off = 0

    def exchange(self, request: Request, deliver: Deliver | None) -> Handling:
        """Ask until there is an answer, or no more may be done; *deliver* what came."""
        with Claims() as claims:
            answer = yield from self._answer(request, claims)
            yield from self.proxy.conclude(request, answer.backend, answer.reply, deliver)

    def _answer(self, request: Request, claims: Claims) -> Attempt:
        """Try, and try again while that is allowed."""
        retry, sendings = self.retry, 1
        asked: list[Backend] = []
        while True:
            if self.hedging is None:
                answer = yield from self._try(request, asked, claims)
            else:
                answer = yield from self._hedged(request, asked, claims, self.hedging)
            if retry is None or answer.backend is None:
                return answer
            reply = answer.reply
            came = reply if isinstance(reply, Failure) else reply.response.status
            if not retry.may_retry(request, came, sendings, self._under_way()):
                return answer
            pause = retry.pause(sendings, self._asked_to_wait(request, reply, asked))
            if pause is None:
                return answer
            if claims.retry is None:
                claims.retry = retry.__enter__()
            claims.give_back(answer.backend)
            if isinstance(reply, Head) and reply.body is not None:
                yield Discard(reply.body)
            if pause:
                yield from self._back_off(pause)
            sendings += 1

    def _try(self, request: Request, asked: list[Backend], claims: Claims) -> Attempt:
        """Ask one backend, none of those *asked* before where there are others."""
        proxy = self.proxy
        pool = proxy.pool(request, asked)
        if not pool:
            return Answer(None, Failure("overload"))
        backend = proxy.choose(request, pool)
        asked.append(backend)
        claims.take(backend)
        began = proxy.clock()
        try:
            reply = yield Fetch(backend, proxy.identity.rewrite(request), proxy.deadlines)
        except GeneratorExit:
            claims.give_back(backend)
            raise
        proxy.learn(backend, began, isinstance(reply, Head) and reply.response.status < 500)
        return Answer(backend, reply)

    # Twice at a time.

    def _hedged(
        self, request: Request, asked: list[Backend], claims: Claims, hedging: Hedging
    ) -> Attempt:
        """One attempt, and a second beside it when it takes long."""
        hedging.earn()
        delay = hedging.delay()
        pair = Pair()
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
        if not pair.running or not self._others(request, asked) or not self.hedging.spend():
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

    def _others(self, request: Request, asked: list[Backend]) -> bool:
        """Whether there is anybody left who has not been asked."""
        return any(backend not in asked for backend in self.proxy.pool(request, asked))

    def _asked_to_wait(
        self, request: Request, reply: Head | Failure, asked: list[Backend]
    ) -> float:
        """Seconds for which the only backend there is has asked to be left alone."""
        if isinstance(reply, Failure) or self._others(request, asked):
            return 0.0
        return retry_after(reply.response.headers.get("retry-after"))
