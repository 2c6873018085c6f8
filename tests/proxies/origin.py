"""A proxy with a cache between a client and a scripted origin, in a world played by hand.

What the public suite of http-tests/cache-tests asks of a cache is asked here in our own words, and
more: each rule is played through a whole reverse proxy.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from proxysim.messages import Content, Failure, Headers, Request, Response
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.round_robin import RoundRobin
from proxysim.policies.eviction.lru import Lru
from proxysim.proxies.cache import Cache
from proxysim.proxies.effects import (
    Cut,
    Discard,
    Drain,
    Encode,
    Fetch,
    Head,
    Send,
    Sent,
    Spawn,
    Wait,
)
from proxysim.proxies.reverse import ReverseProxy
from tests.proxies.parts import AsIs

#: Clock zero, in seconds since 1970: noon of some day.
EPOCH = 1_431_864_000.0


def date(seconds: float = 0.0) -> str:
    """What a date field says for *seconds* after clock zero."""
    return formatdate(EPOCH + seconds, usegmt=True)


def headers(fields: dict[str, Any]) -> Headers:
    """Fields by keyword: ``_`` for ``-``; a list for several lines."""
    pairs = []
    for name, text in fields.items():
        for line in text if isinstance(text, list) else [text]:
            pairs.append((name.replace("_", "-"), str(line)))
    return Headers(pairs)


def get(path: str = "/", method: str = "GET", host: str = "a.example", **fields: Any) -> Request:
    return Request(method, "http", host, 80, path, headers(fields), "10.0.0.7")


def said(status: int = 200, body: bytes | None = b"0123456789", **fields: Any) -> Head:
    """An answer of the origin."""
    return Head(Response(status, headers(fields)), Content(body) if body is not None else None)


@dataclass
class Got:
    """What a client got, and what the origin was asked on its behalf."""

    status: int
    headers: Headers
    body: bytes
    cache: str
    asked: list[Request] = field(default_factory=list)

    @property
    def from_cache(self) -> bool:
        return not self.asked

    def __getitem__(self, name: str) -> str:
        return self.headers.get(name)


class Site:
    """One origin, a proxy before it, and a clock; answers wait in ``script``."""

    def __init__(
        self,
        *script: Head | Failure,
        epoch: float | None = EPOCH,
        delay: float = 0.0,
        capacity: int = 10**6,
        identity: Any = None,
        proxy: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.now = 0.0
        self.delay = delay
        self.script: list[Head | Failure] = list(script)
        self.cache = Cache(Lru(capacity), self.clock, epoch=epoch, **options)
        self.discarded: list[Any] = []
        self.server = Backend("origin")
        self.proxy = ReverseProxy(
            "edge",
            self.clock,
            identity or AsIs(),
            RoundRobin(),
            [self.server],
            cache=self.cache,
            **(proxy or {}),
        )

    def clock(self) -> float:
        return self.now

    def after(self, seconds: float) -> Site:
        """Let time pass."""
        self.now += seconds
        return self

    def says(self, *answers: Head | Failure) -> Site:
        """What the origin will answer next."""
        self.script.extend(answers)
        return self

    def ask(self, request: Request | None = None, /, **fields: Any) -> Got:
        """Play a request to its end."""
        handling = self.proxy.handle(request if request is not None else get(**fields))
        asked: list[Request] = []
        before = self.server.in_flight
        got = self._play(handling, asked)
        assert got is not None
        assert self.server.in_flight == before
        got.asked = asked
        return got

    def _play(self, handling: Any, asked: list[Request]) -> Got | None:
        got, reply = None, None
        beside: list[Any] = []
        while True:
            try:
                effect = handling.send(reply)
            except StopIteration:
                break
            reply = None
            if isinstance(effect, Fetch):
                asked.append(effect.request)
                self.now += self.delay
                reply = self.script.pop(0) if self.script else Failure("refused")
            elif isinstance(effect, Send):
                whole = effect.body.data if effect.body is not None else b""
                got = Got(effect.response.status, effect.response.headers, whole, effect.cache)
                if effect.store is not None:
                    effect.store.commit(Content(whole))
                reply = Sent(len(whole))
            elif isinstance(effect, Drain):
                if effect.store is not None:
                    effect.store.commit(effect.body or Content(b""))
                reply = Sent(0)
            elif isinstance(effect, Cut):
                reply = Content(effect.body.data[effect.first : effect.last + 1])
            elif isinstance(effect, Encode):
                reply = Content(b"<" + effect.coding.encode() + b">" + effect.body.data)
            elif isinstance(effect, Spawn):
                beside.append(effect.generator)
                if self.cache.collapse:
                    self._play(effect.generator, asked)
            elif isinstance(effect, Wait):
                if not effect.signal.is_set:
                    return got  # a fill that waits for its readers
                reply = effect.signal.value
            else:
                assert isinstance(effect, Discard), effect
                self.discarded.append(effect.body)
        for generator in beside:
            if not self.cache.collapse:
                self._play(generator, asked)
        return got


HOUR = {"cache_control": "max-age=3600"}
DATED = {"date": date(), "last_modified": date(-3600)}


def reused(*script, between=3.0, first=None, second=None, **options) -> bool:
    """Whether the second request is answered from what the first has brought."""
    site = Site(*script, **options)
    site.ask(first or get())
    site.says(said(body=b"newer"))
    return site.after(between).ask(second or get()).from_cache


def play_two(site, first, second, answer):
    """Two at a time: what the first is sent, and what the second asks or is sent."""
    one, two = site.proxy.handle(first), site.proxy.handle(second)
    fill = next(one).generator
    next(fill)
    wait = one.send(None)
    next(two)
    with suppress(StopIteration):
        fill.send(answer)
    return one.send(wait.signal.value), two.send(wait.signal.value)
