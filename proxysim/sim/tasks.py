"""Generators in simulated time: each effect is carried out, and its reply sent back.

One task runs one generator. A reply may come inside the call that asks for it (a server with
nothing to do, a wire without latency); then the generator goes on in the same turn.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any

from proxysim.messages import Failure, Response
from proxysim.proxies.effects import (
    TIMED_OUT,
    Closed,
    Connect,
    Drain,
    Encode,
    Fetch,
    Head,
    Race,
    Relay,
    Send,
    Sent,
    Sleep,
    Spawn,
    Wait,
    Won,
    Work,
)
from proxysim.results.columns import CACHE_STATES, CODINGS
from proxysim.sim.clock import Timer
from proxysim.sim.connections import Channel, Dial
from proxysim.sim.exchange import Account, Call, Exchange
from proxysim.sim.paths import Body

if TYPE_CHECKING:
    from proxysim.sim.proxies import ProxyNode

__all__ = ["PENDING", "Task"]


class _Pending:
    """Stands for a reply that will come later."""


PENDING = _Pending()
STATES = {name: code for code, name in enumerate(CACHE_STATES)}
CODING_CODES = {name: code for code, name in enumerate(CODINGS)}
HIT, STALE, REVALIDATED, COALESCED = (
    STATES[name] for name in ("hit", "stale", "revalidated", "coalesced")
)
FROM_STORE = frozenset((HIT, STALE, REVALIDATED))
ANSWERED_BY_CACHE = frozenset((HIT, STALE, REVALIDATED, COALESCED))


class Task:
    """A generator of the proxy *node*, and what it waits for.

    *account* is charged with the time it spends; *exchange* is the client's, None for what runs
    beside requests. *call* is the request on whose behalf it runs.
    """

    __slots__ = (
        "_busy",
        "_early",
        "account",
        "attempt",
        "call",
        "child",
        "dial",
        "ended",
        "exchange",
        "generator",
        "node",
        "opening",
        "over",
        "racers",
        "spawned",
        "store",
        "turn",
    )

    wants_whole = False

    def __init__(
        self,
        node: ProxyNode,
        generator: Generator[Any, Any, Any],
        account: Account,
        call: Call | None,
        exchange: Exchange | None = None,
    ) -> None:
        self.node = node
        self.generator = generator
        self.account = account
        self.call = call
        self.exchange = exchange
        self.attempt = 0  # the last fetch's number
        self.turn = 0  # counts what it has waited for, so that late replies are known
        self.over = False
        self.ended: Callable[[Any], None] | None = None
        self.opening: Dial | None = None
        self.child: Exchange | None = None
        self.dial: Dial | None = None
        self.spawned: Account | None = None
        self.store: Any = None
        self.racers: tuple[Task, ...] = ()
        self._busy = False
        self._early: Any = PENDING

    # Running.

    def start(self) -> None:
        """Run until the first effect that takes time."""
        self.run(None)

    def reply(self, reply: Any) -> None:
        """Send the generator what it waits for."""
        if self.over:
            return
        if self._busy:
            self._early = reply
        else:
            self.run(reply)

    def run(self, reply: Any) -> None:
        """Send *reply* and go on until an effect takes time."""
        send = self.generator.send
        carry_out = CARRY_OUT
        self._busy = True
        try:
            while True:
                effect = send(reply)
                reply = carry_out[type(effect)](self, effect)
                if reply is PENDING:
                    if self._early is PENDING:
                        break
                    reply, self._early = self._early, PENDING
        except StopIteration as end:
            self.over = True
            if self.exchange is not None:
                self.exchange.held = None  # no cycle is left for the collector
                self.node.left(self.exchange)
            else:
                self.node.beside.pop(self, None)
            if self.ended is not None:
                self.ended(end.value)
        self._busy = False

    def close(self) -> None:
        """End it now: its client has gone, or nobody needs it any more."""
        if self.over:
            return
        self.over = True
        self.node.beside.pop(self, None)
        if self.child is not None:
            self.child.cancel()
        if self.dial is not None:
            self.dial.cancel()
        if self.store is not None:
            store, self.store = self.store, None
            store.abandon()
        for racer in self.racers:
            racer.close()
        if self._busy:
            # A generator that is running cannot be closed under its own feet.
            self.node.world.later(self.generator.close)
        else:
            self.generator.close()

    def _later(self, seconds: float, reply: Any) -> None:
        self.turn += 1
        turn = self.turn

        def wake(_: Any) -> None:
            if self.turn == turn:
                self.reply(reply)

        Timer(self.node.env, seconds, wake)

    # Fetch.

    def fetch(self, effect: Fetch) -> Any:
        node, request = self.node, effect.request
        self.account.attempts += 1
        self.attempt += 1
        child = Exchange(request.world, request, self, self.attempt, node.env.time)
        self.child = child
        node.fetch(self, child, effect)
        return PENDING

    def on_head(self, exchange: Exchange, response: Response, body: Body) -> None:
        """The first byte from upstream."""
        if exchange.deadline is not None:
            exchange.deadline.meet()
        channel = exchange.channel
        if channel is not None:
            if body.complete:
                self.node.pool.release(channel)
            else:
                body.when_complete(partial(self.node.pool.release, channel))
        if exchange is not self.child:
            return
        self.child = None
        account = self.account
        account.wait += exchange.wait
        account.service += exchange.service
        account.cpu += exchange.cpu
        if exchange.attempts > 1:
            account.attempts += exchange.attempts - 1
        account.cache = exchange.cache
        account.coding = exchange.coding
        account.backend = exchange.backend
        account.served_by = exchange.served_by
        head = Head(response, body if body.length or not body.complete else None)
        if self._busy:
            self._early = head
        else:
            self.run(head)

    def on_failure(self, exchange: Exchange, failure: Failure) -> None:
        """No answer from upstream."""
        if exchange is not self.child:
            return
        self.child = None
        account = self.account
        account.wait += self.node.env.time - exchange.began
        if exchange.backend:
            account.backend = exchange.backend
        self.reply(failure)

    # Send and Drain.

    def send(self, effect: Send) -> Any:
        exchange = self.exchange
        node = self.node
        if exchange is None or exchange.channel is None:
            return Sent(0, False, True)
        account = self.account
        state = STATES[effect.cache]
        body = effect.body
        if body is None:
            body = Body(0, node.code, complete=True)
        elif type(body) is not Body:
            body = Body(body.length or 0, node.code, complete=True, text=True)
        if state:
            node.count(state, body.length)
        if state in FROM_STORE:
            account.served_by, account.backend = node.code, 0
        elif state == COALESCED:
            account.served_by, account.backend = body.origin, 0
        elif not account.served_by:
            account.served_by = node.code
        if state in ANSWERED_BY_CACHE or (state and not account.cache):
            account.cache = state
        coding = effect.response.headers.fields.get("content-encoding")
        account.coding = CODING_CODES.get(coding, 0) if coding else 0
        if effect.blocked:
            exchange.blocked = True
        if effect.store is not None:
            self._keep(body, effect.store)
        channel = exchange.channel
        seconds = node.costs.encrypt * body.length if channel.secure else 0.0
        if seconds:
            node.tls_seconds += seconds
            account.cpu += seconds
            node.cores.run(seconds, partial(self._encrypted, effect.response, body))
            return PENDING
        node.sent_bytes += body.length
        sent = Sent(body.length)
        left = channel.answer(exchange, effect.response, body, partial(self.reply, sent))
        return sent if left else PENDING

    def _encrypted(self, response: Response, body: Body, waited: float) -> None:
        exchange = self.exchange
        self.account.wait += waited
        if self.over or exchange is None or exchange.channel is None:
            return
        self.node.sent_bytes += body.length
        sent = Sent(body.length)
        if exchange.channel.answer(exchange, response, body, partial(self.reply, sent)):
            self.reply(sent)

    def drain(self, effect: Drain) -> Any:
        body = effect.body
        if body is None:
            if effect.store is not None:
                effect.store.commit(Body(0, self.node.code, complete=True))
            return Sent(0)
        if effect.store is not None:
            self._keep(body, effect.store)
        if body.complete:  # type: ignore[attr-defined]
            return Sent(body.length or 0)
        body.when_complete(lambda: self.reply(Sent(body.length or 0)))  # type: ignore[attr-defined]
        return PENDING

    def _keep(self, body: Any, store: Any) -> None:
        """Let *store* have a copy when the body is whole; a task that is closed abandons it."""
        self.store = store

        def commit() -> None:
            if self.store is store:
                self.store = None
                store.commit(Body(body.length, self.node.code, complete=True, text=body.text))

        body.when_complete(commit)

    def encode(self, effect: Encode) -> Any:
        node, source, coding = self.node, effect.body, effect.coding
        length = source.length or 0
        origin = source.origin if type(source) is Body else node.code
        out = Body(node.costs.compressed(length, coding), origin, text=False)
        if type(source) is Body:
            source.when_complete(out.finish)
        else:
            out.finish()
        seconds = node.costs.work(f"compress:{coding}", length)
        if not seconds:
            return out
        return self._on_cores(seconds, out)

    def work(self, effect: Work) -> Any:
        seconds = self.node.costs.work(effect.task, effect.size)
        return self._on_cores(seconds, None) if seconds else None

    def _on_cores(self, seconds: float, reply: Any) -> Any:
        node = self.node
        began = node.env.time

        def done(waited: float) -> None:
            self.account.cpu += seconds
            self.account.wait += waited
            if node.world.hop is not None:
                node.span(self.call, "cpu", began)
            self.reply(reply)

        node.cores.run(seconds, done)
        return PENDING

    # Waiting, racing, running beside.

    def sleep(self, effect: Sleep) -> Any:
        self.account.wait += effect.seconds
        self._later(effect.seconds, None)
        return PENDING

    def wait(self, effect: Wait) -> Any:
        signal, node = effect.signal, self.node
        if signal.is_set:
            return signal.value
        self.turn += 1
        turn, began = self.turn, node.env.time
        deadline = None
        if effect.deadline is not None:
            deadline = node.world.deadlines.set(effect.deadline, lambda: resume(TIMED_OUT))

        def resume(value: Any) -> None:
            if self.over or self.turn != turn:
                return
            self.turn += 1
            if deadline is not None:
                deadline.meet()
            spawned, self.spawned = self.spawned, None
            if spawned is not None and spawned.served_by:
                # The fetch that it began itself: its time is this request's time.
                self.account.add_times(spawned)
                self.account.attempts += spawned.attempts
                self.account.cache = spawned.cache
                self.account.backend = spawned.backend
                self.account.served_by = spawned.served_by
            else:
                self.account.wait += node.env.time - began
            if node.world.hop is not None:
                node.span(self.call, "wait", began)
            self.reply(value)

        signal.waiters.append(lambda value: node.world.later(lambda: resume(value)))
        return PENDING

    def spawn(self, effect: Spawn) -> Any:
        account = Account()
        self.spawned = account
        task = Task(self.node, effect.generator, account, self.call)
        self.node.adopt(task)
        task.start()
        return task

    def race(self, effect: Race) -> Any:
        node = self.node
        over = False

        def ended(who: int) -> Callable[[Any], None]:
            def end(value: Any) -> None:
                nonlocal over
                if not over:
                    over = True
                    winner = self.racers[who]
                    for racer in self.racers:
                        if racer is not winner:
                            racer.close()
                    self.racers = ()
                    account = winner.account
                    self.account.add_times(account)
                    self.account.attempts += account.attempts
                    for field in ("cache", "coding", "backend", "served_by"):
                        setattr(self.account, field, getattr(account, field))
                    self.reply(Won(who, value))

            return end

        def second() -> None:
            if not over and not self.over:
                racer = Task(node, effect.second(), Account(), self.call)
                racer.ended, racer.attempt = ended(1), self.attempt + 100
                self.racers = (*self.racers, racer)
                racer.start()

        first = Task(node, effect.first, Account(), self.call)
        first.ended, first.attempt = ended(0), self.attempt
        self.racers = (first,)
        node.world.deadlines.set(effect.after, second)
        first.start()
        return PENDING

    # Tunnels.

    def connect(self, effect: Connect) -> Any:
        self.node.connect(self, effect)
        return PENDING

    def relay(self, effect: Relay) -> Any:
        channel: Channel = effect.connection.world
        dial = self.opening
        if dial is None and self.exchange is not None:
            dial = self.exchange.held
        if dial is None:
            return Closed(0, 0, "client")
        if effect.response is None or self.exchange is None or self.exchange.channel is None:
            dial.relayed(channel, self)
            return PENDING
        # The head that says yes crosses back to the client before anything else can.
        back = self.exchange.channel.down
        delay = back.delay(self.exchange.call.id, 3000)
        if delay:
            Timer(self.node.env, delay, lambda _: dial.relayed(channel, self))
        else:
            dial.relayed(channel, self)
        return PENDING

    def relay_closed(self, channel: Channel) -> None:
        """The connection that it relays is gone."""
        if not self.over:
            self.node.world.later(lambda: self.reply(Closed(0, channel.warm, "client")))


CARRY_OUT: dict[type, Callable[[Task, Any], Any]] = {
    Fetch: Task.fetch,
    Send: Task.send,
    Drain: Task.drain,
    Encode: Task.encode,
    Connect: Task.connect,
    Relay: Task.relay,
    Wait: Task.wait,
    Race: Task.race,
    Spawn: Task.spawn,
    Work: Task.work,
    Sleep: Task.sleep,
}
