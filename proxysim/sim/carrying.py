"""How a proxy's exchanges are carried out in simulated time: fetch, send, tunnel, work."""

from __future__ import annotations

from typing import Any

from proxysim.messages import Response
from proxysim.proxies.effects import (
    Closed,
    Connect,
    Cut,
    Discard,
    Drain,
    Encode,
    Fetch,
    Relay,
    Send,
    Sent,
    Work,
)
from proxysim.results.columns import CACHE_STATES, CODINGS
from proxysim.sim.bodies import Body, whole
from proxysim.sim.channels import Channel
from proxysim.sim.exchange import Exchange
from proxysim.sim.probes import PROBING
from proxysim.sim.tasks import PENDING, Task, carries

_finish, _break_off = Body.finish, Body.break_off  # looked up once

CUT_SHORT = Sent(0, source_complete=False)
STATES = {name: code for code, name in enumerate(CACHE_STATES)}
CODING_CODES = {name: code for code, name in enumerate(CODINGS)}
COALESCED = STATES["coalesced"]
ANSWERED_BY_CACHE = frozenset(STATES[name] for name in ("hit", "stale", "revalidated", "coalesced"))


@carries(Fetch)
def fetch(task: Task, effect: Fetch) -> Any:
    """Send the request upstream; the reply is its answer's head."""
    node, request = task.node, effect.request
    task.account.attempts += 1
    if request.world is None:
        request = node.probes.equip(request, effect.backend.name)
        task.attempt = PROBING
    else:
        task.attempt += 1
    child = Exchange(request.world, request, task, task.attempt, node.env.time)
    task.child = child
    node.fetch(task, child, effect)
    return PENDING


@carries(Send)
def send(task: Task, effect: Send) -> Any:
    """Answer the client; the reply comes when the last byte has left."""
    exchange, node = task.exchange, task.node
    channel = None if exchange is None else exchange.channel
    if exchange is None or channel is None:
        return Sent(0, False, True)
    account, body = task.account, effect.body
    if body is None:
        body = whole(0, node.code)
    elif not isinstance(body, Body):
        body = whole(body.length or 0, node.code, True)
    state = STATES[effect.cache]
    if state:
        node.count(state, body.length)
        if state in ANSWERED_BY_CACHE:
            account.cache, account.backend = state, 0
            account.served_by = body.origin if state == COALESCED else node.code
        elif not account.cache:
            account.cache = state
    if not account.served_by:
        account.served_by = node.code
    coding = effect.response.headers.fields.get("content-encoding")
    account.coding = CODING_CODES.get(coding, 0) if coding else 0
    if effect.blocked:
        exchange.blocked = True
    if effect.store is not None:
        _keep(task, body, effect.store)
    encryption = node.costs.encrypt * body.length if channel.secure else 0.0
    # What it did not ask anybody for it has answered itself.
    seconds = encryption if account.attempts else encryption + node.costs.hit
    if not body.complete:
        body.when_broken(_cut_short, task)
    if seconds:
        ready = (task, effect.response, body, encryption / seconds)
        node.cores.run(seconds, _ready, ready)
        return PENDING
    node.sent_bytes += body.length
    left = channel.answer(exchange, effect.response, body, task.sent)
    return Sent(body.length) if left else PENDING


def _ready(ready: tuple[Task, Response, Body, float], waited: float, took: float) -> None:
    task, response, body, tls_share = ready
    exchange = task.exchange
    task.node.tls_seconds += took * tls_share
    task.account.cpu += took
    task.account.wait += waited
    if task.over or exchange is None or exchange.channel is None:
        return
    task.node.sent_bytes += body.length
    if exchange.channel.answer(exchange, response, body, task.sent):
        task.reply(Sent(body.length))


@carries(Drain)
def drain(task: Task, effect: Drain) -> Any:
    """Read a body to its end."""
    body = effect.body
    if body is None:
        if effect.store is not None:
            effect.store.commit(whole(0, task.node.code))
        return Sent(0)
    if effect.store is not None:
        _keep(task, body, effect.store)
    if body.complete:  # type: ignore[attr-defined]
        return Sent(body.length or 0)
    body.follow(  # type: ignore[attr-defined]
        lambda _: task.reply(Sent(body.length or 0)), lambda _: task.reply(CUT_SHORT)
    )
    return PENDING


def _cut_short(task: Task) -> None:
    """The rest of what is being sent will not come."""
    task.reply(CUT_SHORT)


@carries(Discard)
def discard(task: Task, effect: Discard) -> Any:
    """Break off the answer that is still coming."""
    if task.incoming is not None:
        task.incoming.cancel()
        task.incoming = None
    return None


def _keep(task: Task, body: Any, store: Any) -> None:
    """Let *store* have a copy when the body is whole; a task that is closed abandons it."""
    task.store = store

    def commit(_: Any) -> None:
        if task.store is store:
            task.store = None
            store.commit(whole(body.length, task.node.code, body.text))

    def abandon(_: Any) -> None:
        if task.store is store:
            task.store = None
            store.abandon()

    body.follow(commit, abandon)


@carries(Encode)
def encode(task: Task, effect: Encode) -> Any:
    """Spend the time that coding takes; the coded body is as far as its source."""
    node, source, coding = task.node, effect.body, effect.coding
    if effect.level is not None:
        coding = f"{coding}-{effect.level}"
    length = source.length or 0
    origin = source.origin if isinstance(source, Body) else node.code
    out = Body(node.costs.compressed(length, coding), origin)
    if isinstance(source, Body):
        source.follow(_finish, _break_off, out)
    else:
        out.finish()
    seconds = node.costs.work(f"compress:{coding}", length)
    if not seconds:
        return out
    return _on_cores(task, seconds, out)


@carries(Cut)
def cut(task: Task, effect: Cut) -> Any:
    """A part of a body is here when the body is."""
    source: Any = effect.body
    origin = source.origin if isinstance(source, Body) else task.node.code
    part = Body(effect.last - effect.first + 1, origin, complete=not isinstance(source, Body))
    if isinstance(source, Body):
        source.follow(_finish, _break_off, part)
    return part


@carries(Work)
def work(task: Task, effect: Work) -> Any:
    """Spend time on the cores."""
    seconds = task.node.costs.work(effect.task, effect.size)
    return _on_cores(task, seconds, None) if seconds else None


def _on_cores(task: Task, seconds: float, reply: Any) -> Any:
    node = task.node
    node.cores.run(seconds, _worked, (task, node.env.time, reply))
    return PENDING


def _worked(worked: tuple[Task, float, Any], waited: float, took: float) -> None:
    task, began, reply = worked
    task.account.cpu += took
    task.account.wait += waited
    node = task.node
    if node.world.hop is not None:
        node.span(task.call, "cpu", began)
    task.reply(reply)


@carries(Connect)
def connect(task: Task, effect: Connect) -> Any:
    """Open a connection for a tunnel."""
    task.node.connect(task, effect)
    return PENDING


@carries(Relay)
def relay(task: Task, effect: Relay) -> Any:
    """Join the client's connection to another; the reply comes when it is closed."""
    channel: Channel = effect.connection.world
    dial = task.opening
    if dial is None and task.exchange is not None:
        dial = task.exchange.held
    if dial is None:
        return Closed(0, 0, "client")
    if effect.response is None or task.exchange is None or task.exchange.channel is None:
        dial.relayed(channel, task)
        return PENDING
    teller = task.node.world.teller
    if teller is not None:
        teller.heard(task.exchange, task.exchange.channel, effect.response)
    # The head that says yes crosses back to the client before anything else can.
    back = task.exchange.channel.down
    delay = back.delay(task.exchange.call.id, 3000)
    if delay:
        task.node.env.after(delay, lambda _: dial.relayed(channel, task))
    else:
        dial.relayed(channel, task)
    return PENDING
