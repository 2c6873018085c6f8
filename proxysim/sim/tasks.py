"""Generators in simulated time: each effect is carried out, and its reply sent back.

One task runs one generator. A reply may come inside the call that asks for it (a server with
nothing to do, a wire without latency); then the generator goes on in the same turn.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from proxysim.messages import Failure, Response
from proxysim.proxies.effects import Closed, Head, Sent
from proxysim.sim.bodies import Body
from proxysim.sim.channels import Channel
from proxysim.sim.dialling import Dial
from proxysim.sim.exchange import Account, Call, Exchange

if TYPE_CHECKING:
    from proxysim.sim.proxies import ProxyNode

__all__ = ["PENDING", "Task", "carries"]


class _Pending:
    """Stands for a reply that will come later."""


PENDING = _Pending()
#: How each effect is carried out: by a function of the task and the effect that returns the reply,
#: or PENDING and sends it later. Filled by :func:`carries`.
CARRY_OUT: dict[type, Callable[[Task, Any], Any]] = {}


def carries(effect: type) -> Callable[[Callable[[Task, Any], Any]], Callable[[Task, Any], Any]]:
    """Say of a function that it carries out *effect*."""

    def register(function: Callable[[Task, Any], Any]) -> Callable[[Task, Any], Any]:
        CARRY_OUT[effect] = function
        return function

    return register


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
        "incoming",
        "node",
        "opening",
        "over",
        "racers",
        "send",
        "spawned",
        "store",
        "tunnel",
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
        self.send = generator.send
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
        self.incoming: Exchange | None = None  # the fetch whose body is still coming
        self.tunnel: Channel | None = None  # which it relays
        self.racers: tuple[Task, ...] = ()
        self._busy = False
        self._early: Any = PENDING

    # Running.

    def start(self, _: Any = None) -> None:
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
        send = self.send
        self._busy = True
        try:
            while True:
                effect = send(reply)
                reply = CARRY_OUT[type(effect)](self, effect)
                if reply is PENDING:
                    reply = self._early
                    if reply is PENDING:
                        break
                    self._early = PENDING
        except StopIteration as end:
            self.over = True
            if self.exchange is not None:
                self.exchange.held = None  # no cycle is left for the collector
                self.node.left(self.exchange)
            else:
                self.node.beside.pop(self, None)
            if self.ended is not None:
                self.ended(end.value)
        finally:
            self._busy = False

    def close(self) -> None:
        """End it now: its client has gone, or nobody needs it any more."""
        if self.over:
            return
        self.over = True
        self.node.beside.pop(self, None)
        child, self.child = self.child, None  # no cycle is left for the collector
        if child is not None:
            child.cancel()
        if self.incoming is not None:
            self.incoming.cancel()
        if self.tunnel is not None:
            self.tunnel.break_off()
        if self.dial is not None:
            self.dial.cancel()
        if self.store is not None:
            store, self.store = self.store, None
            store.abandon()
        for racer in self.racers:
            racer.close()
        if self._busy:
            # A generator that is running cannot be closed under its own feet.
            self.node.env.soon(lambda _: self.generator.close())
        else:
            self.generator.close()

    # What comes from upstream.

    def on_head(self, exchange: Exchange, response: Response, body: Body) -> None:
        """The first byte from upstream."""
        if exchange.deadline is not None:
            exchange.deadline.meet()
        channel = exchange.channel
        if channel is not None:
            if body.complete:
                self.node.pool.release(channel)
            else:
                self.incoming = exchange
                body.follow(_arrived, _broken, (self, channel))
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
        if exchange.blocked and self.exchange is not None:
            self.exchange.blocked = True
        head = Head(response, body if body.length or not body.complete else None)
        if self._busy:
            self._early = head
        else:
            self.run(head)

    def inherit(self, other: Task) -> None:
        """Go on where *other* has ended: with what it found out, and the answer still coming."""
        account, found = self.account, other.account
        account.add_times(found)
        account.cache, account.coding = found.cache, found.coding
        account.backend, account.served_by = found.backend, found.served_by
        exchange = other.incoming
        if exchange is not None and exchange.arriving is not None:
            self.incoming = exchange
            exchange.arriving.when_complete(_complete, self)

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

    # What becomes of the answer.

    def sent(self, exchange: Exchange) -> None:
        """The last byte has left."""
        arriving = exchange.arriving
        self.reply(Sent(arriving.length if arriving is not None else 0))

    def relay_closed(self, channel: Channel) -> None:
        """The connection that it relays is gone."""
        if not self.over:
            self.node.env.soon(self.reply, Closed(0, channel.warm, "client"))


# What becomes of the body that a task waits for; functions, as those that the clock calls.


def _complete(task: Task) -> None:
    """All of it is here."""
    task.incoming = None


def _arrived(coming: tuple[Task, Channel]) -> None:
    """All of it is here, and the connection that it came on is free."""
    task, channel = coming
    task.incoming = None
    task.node.pool.release(channel)


def _broken(coming: tuple[Task, Channel]) -> None:
    """The rest will never come, nor anything else on this connection."""
    coming[1].close()
