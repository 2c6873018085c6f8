"""A proxy's generators, watched: what they ask of the world, and how long the world takes.

A watched generator asks for the same effects, and is sent the same replies, as without. Only what
concerns the run itself is added on the way: the tag of a request, and where a name leads.
"""

from __future__ import annotations

from collections.abc import Generator
from contextvars import ContextVar
from dataclasses import replace
from math import nan
from typing import TYPE_CHECKING, Any

from proxysim.loopback.records import Fetched, Handled
from proxysim.loopback.tags import Tag, tagged
from proxysim.loopback.ways import end_of
from proxysim.messages import Failure, Request
from proxysim.policies.backend import Backend
from proxysim.proxies.effects import (
    Connect,
    Fetch,
    Head,
    Race,
    Relay,
    Send,
    Sleep,
    Spawn,
    Wait,
)
from proxysim.workload.numbers import APART

if TYPE_CHECKING:
    from proxysim.loopback.proxy_node import ProxyNode

__all__ = ["ASKING", "Watch"]

#: The request for which something is being asked: connections are opened in its context.
ASKING: ContextVar[int] = ContextVar("asking", default=-1)
NO_PEER = ("", 0)


class Watch:
    """What one request, or something begun for it, does at the proxy *node*."""

    __slots__ = (
        "attempt",
        "attempts",
        "began",
        "blocked",
        "cache",
        "child",
        "child_attempt",
        "ended",
        "fetches",
        "head_sent",
        "heard",
        "node",
        "peer",
        "request",
        "sent",
        "shared",
        "spawned",
        "status",
        "tag",
        "upstream",
        "wait",
    )

    def __init__(self, node: ProxyNode, tag: Tag | None, request: Request | None) -> None:
        self.node = node
        self.tag = tag
        self.request = request
        self.began = node.alarm.time
        self.ended = self.head_sent = 0.0
        self.attempt = 0  # the last fetch's number
        self.attempts = 0
        self.child, self.child_attempt = "", 0
        self.heard = False
        self.fetches: list[Fetched] = []
        self.shared = ("", 0, 0)
        self.wait = self.upstream = 0.0
        self.spawned: Watch | None = None
        self.status, self.cache, self.blocked, self.sent = 0, "none", False, 0
        self.peer = NO_PEER if request is None else (request.peer, 0)

    def watched(self, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """*generator*, watched."""
        node, alarm = self.node, self.node.alarm
        reply: Any = None
        try:
            while True:
                try:
                    effect = generator.send(reply)
                except StopIteration as end:
                    return end.value
                kind = type(effect)
                if kind is Fetch:
                    reply = yield from self._fetch(effect)
                elif kind is Send:
                    self._sending(effect)
                    reply = yield effect
                    self.sent = reply.bytes
                elif kind is Wait or kind is Sleep:
                    began = alarm.time
                    reply = yield effect
                    self._waited(began)
                elif kind is Spawn:
                    self.spawned = Watch(node, self.tag, self.request)
                    reply = yield Spawn(self.spawned.watched(effect.generator))
                elif kind is Race:
                    reply = yield from self._race(effect)
                elif kind is Connect:
                    reply = yield from self._connect(effect)
                elif kind is Relay and self.tag is not None:
                    with node.relaying():
                        reply = yield effect
                else:
                    reply = yield effect
        finally:
            generator.close()
            self.ended = alarm.time

    @property
    def cpu(self) -> float:
        """Seconds that the proxy itself took until it answered."""
        until = self.head_sent or self.ended
        return max(0.0, until - self.began - self.upstream - self.wait)

    def handled(self) -> Handled:
        """What there is to tell."""
        request, tag = self.request, self.tag
        assert request is not None
        assert tag is not None
        fields = request.headers.fields
        return Handled(
            tag.id,
            tag.attempt,
            self.peer,
            request.scheme == "https" and request.method != "CONNECT",
            fields.get("x-forwarded-for") or fields.get("forwarded", ""),
            request.host,
            request.method,
            self.began,
            self.head_sent or self.ended,
            self.ended or self.node.alarm.time,
            self.status,
            self.cache,
            self.blocked,
            self.attempts,
            self.child,
            self.child_attempt,
            self.heard,
            tuple(self.fetches),
            self.shared,
            self.wait,
            self.cpu,
            self.sent,
        )

    def _fetch(self, effect: Fetch) -> Generator[Any, Any, Any]:
        node, alarm, request = self.node, self.node.alarm, effect.request
        self.attempts += 1
        tag = self.tag
        if tag is None:
            tag = node.probe_tag(effect.backend.name)
            request = request.with_headers(tagged(request.headers, tag))
        else:
            self.attempt += 1
            if tag.attempt != self.attempt or "proxysim-request" not in request.headers.fields:
                tag = tag._replace(attempt=self.attempt)
                request = request.with_headers(tagged(request.headers, tag))
        backend, lookup = node.found(effect.backend, request.host, tag.id)
        if lookup:
            yield Sleep(lookup)
        self.child, self.child_attempt = backend.name, self.attempt
        ASKING.set(tag.id)
        if node.drag.on:
            node.drag.pull()
        began = alarm.time
        reply = yield Fetch(backend, request, effect.deadlines)
        took = alarm.time - began
        self.heard = isinstance(reply, Head)
        if self.tag is None:
            head = began + took if self.heard else nan
            node.probed.append((tag.id, backend.name, began, head))
        self.fetches.append((backend.name, self.attempt, began, began + took))
        if self.heard:
            if node.teller is not None:
                node.teller.response(
                    node.name,
                    tag.id,
                    self.attempt,
                    backend.name,
                    reply.response,
                    secure=node.secure and request.scheme == "https",
                )
            self.upstream += took
            node.fetched[request.url] = (backend.name, tag.id, self.attempt)
        else:
            self.wait += took
        return reply

    def _connect(self, effect: Connect) -> Generator[Any, Any, Any]:
        node, request = self.node, self.request
        host = effect.backend.name if request is None else request.host
        number = -1 if self.tag is None else self.tag.id
        backend, lookup = node.found(effect.backend, host, number)
        if lookup:
            yield Sleep(lookup)
        ASKING.set(number)
        if node.drag.on:
            node.drag.pull()
        began = node.alarm.time
        reply = yield Connect(backend, effect.deadline, effect.ask)
        self.upstream += node.alarm.time - began
        if not isinstance(reply, Failure):
            self.child = backend.name
            port = end_of(reply.world, "sockname")[1]
            node.tunnels[port] = self
        return reply

    def _race(self, effect: Race) -> Generator[Any, Any, Any]:
        """Watch both racers apart: the winner's story is told on."""
        alarm = self.node.alarm
        began = alarm.time
        racers = [self._racer(self.attempt)]

        def second() -> Generator[Any, Any, Any]:
            racers.append(self._racer(self.attempt + APART))
            return racers[-1].watched(effect.second())

        won = yield Race(racers[0].watched(effect.first), effect.after, second)
        winner = racers[won.who]
        self.attempts += sum(racer.attempts for racer in racers)
        self.attempt = max([self.attempt, *(racer.attempt for racer in racers)])
        self._take(winner)
        self.wait += winner.began - began + winner.wait
        self.upstream += winner.upstream
        return won

    def _take(self, other: Watch) -> None:
        """Go on with what *other* fetched."""
        self.child, self.child_attempt = other.child, other.child_attempt
        self.heard = other.heard
        self.fetches += other.fetches

    def _racer(self, attempt: int) -> Watch:
        racer = Watch(self.node, self.tag, self.request)
        racer.attempt = attempt
        return racer

    def _waited(self, began: float) -> None:
        """Book the time since *began*: as waiting, unless for a fetch of its own."""
        took = self.node.alarm.time - began
        spawned, self.spawned = self.spawned, None
        if spawned is not None and spawned.child:
            self.attempts += spawned.attempts
            self._take(spawned)
            self.upstream += took
        else:
            self.wait += took

    def _sending(self, effect: Send) -> None:
        if self.node.drag.on:
            self.node.drag.pull()
        self.head_sent = self.node.alarm.time
        self.status = effect.response.status
        self.cache, self.blocked = effect.cache, effect.blocked
        if effect.cache == "coalesced" and self.request is not None:
            self.shared = self.node.fetched.get(self.request.url, self.shared)
        size = effect.body.length if effect.body is not None else 0
        self.node.count(effect.cache, size or 0)


def bearing(request: Request, watch: Watch) -> Request:
    """*request* with *watch* as its world's luggage."""
    return replace(request, world=watch)


def leading(backend: Backend, member: str) -> Backend:
    """*backend* as it is to be dialled: at *member*."""
    return Backend(member, member, backend.port)
