"""The proxy's other side: connections to backends, kept alive and used again."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any

from proxysim.messages import Connection, Failure, Request, Response
from proxysim.policies.backend import Backend
from proxysim.policies.reach import LOOPBACK
from proxysim.policies.retry import IDEMPOTENT
from proxysim.proxies.effects import Fetch, Head
from proxysim.sockets.dialling import Address, Bounds, Dialler
from proxysim.sockets.link import Link
from proxysim.sockets.wire import Wire

__all__ = ["Address", "Upstreams"]

KEPT_PER_BACKEND = 64
#: Shorter than what servers commonly keep an idle connection for, so that they are not the first.
KEPT_SECONDS = 4.0

Key = tuple[str, int, str]
Tell = Callable[[Head | Failure], Any]
Hint = Callable[[Response], Any]


class _Passive:
    """The owner of a connection that becomes a tunnel: it keeps what comes too early."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def received(self, data: bytes) -> None:
        self._wire.early += data

    def ended(self) -> None:
        pass

    def lost(self) -> None:
        pass


class Upstreams:
    """Where backends are, and the connections to them.

    *names* and *bounds* are the :class:`Dialler`'s. *proxies* are the names of the backends that
    are forward proxies themselves, and so want the target in absolute form. *tls* is spoken to the
    backends in *secure*, which vouch for their own names; with *by_scheme*, whenever a request is
    for https, to hosts that vouch for theirs. Of the connections to a backend that are free, *most*
    are kept, for *kept* seconds each.
    """

    def __init__(
        self,
        names: Mapping[str, Address] | None = None,
        proxies: Collection[str] = (),
        *,
        bounds: Bounds = LOOPBACK,
        tls: ssl.SSLContext | None = None,
        secure: Collection[str] = (),
        by_scheme: bool = False,
        kept: float = KEPT_SECONDS,
        most: int = KEPT_PER_BACKEND,
    ) -> None:
        self.dialler = Dialler(names, bounds)
        self.proxies = frozenset(proxies)
        self._tls = tls
        self._secure = frozenset(secure)
        self._by_scheme = by_scheme
        self._kept = kept
        self._most = most
        self._idle: dict[Key, list[Link]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._retired = False

    @property
    def opened(self) -> int:
        """How many connections have been opened."""
        return self.dialler.opened

    def fetch(self, effect: Fetch, tell: Tell, hint: Hint | None = None) -> Callable[[], Any]:
        """Send a request; *tell* is told the answer's head at its first byte, or why there is none.

        *hint* is told of interim answers before. What is returned ends it.
        """
        exchange = _Exchange(self, effect, tell, hint)
        exchange.begin()
        return exchange.stop

    async def connect(
        self, backend: Backend, deadline: float | None, ask: Request | None
    ) -> Connection | Failure:
        """A connection for a tunnel; through a further proxy where *ask* is its CONNECT."""
        links: list[Link] = []

        def opened(wire: Wire) -> Link | _Passive:
            if ask is None:
                return _Passive(wire)
            links.append(Link(wire, _nothing))
            return links[-1]

        wire = await self.dialler.dial(backend.host, backend.port, deadline, opened)
        if isinstance(wire, Failure):
            return wire
        if ask is None:
            return Connection(wire.peer, world=wire)
        try:
            async with asyncio.timeout(deadline):
                return await links[-1].tunnel(ask)
        except TimeoutError:
            links[-1].abort()
            return Failure("timeout", sent=True)
        except asyncio.CancelledError:
            links[-1].abort()
            raise

    def sweep(self, now: float, stall: float) -> None:
        """Close what has been idle for too long, or has stood still for *stall* seconds.

        Called now and then, with a clock's *now*.
        """
        for wire in tuple(self.dialler.wires):
            if isinstance(wire.owner, Link) and not wire.owner.resting:
                wire.owner.watch(now, stall)
        for key, idle in tuple(self._idle.items()):
            while idle and idle[0].since and now - idle[0].since > self._kept:
                idle.pop(0).abort()
            for link in idle:
                link.since = link.since or now
            if not idle:
                del self._idle[key]

    @property
    def in_use(self) -> bool:
        """Whether any connection is open, or being opened."""
        return bool(self.dialler.wires or self._tasks)

    def retire(self) -> None:
        """Keep no connection that is free, now or later."""
        self._retired = True
        for idle in self._idle.values():
            for link in idle:
                link.abort()
        self._idle.clear()

    async def close(self) -> None:
        """Break off every connection, and wait until they are gone."""
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.dialler.close()

    # For exchanges.

    def key(self, backend: Backend, request: Request) -> Key:
        """What connections that *request* may go by have in common."""
        return (backend.host, backend.port, self._server_name(backend, request))

    def kept(self, key: Key) -> Link | None:
        """The connection that was used last, of those that are free."""
        idle = self._idle.get(key)
        while idle:
            link = idle.pop()
            if link.resting and not link.wire.gone and not link.wire.at_end:
                return link
        return None

    async def dial(
        self, key: Key, backend: Backend, deadline: float | None, server_name: str
    ) -> Link | Failure:
        """A new connection, which is kept once it is free."""
        links: list[Link] = []

        def opened(wire: Wire) -> Link:
            links.append(Link(wire, lambda link: self._keep(key, link)))
            return links[-1]

        tls = self._tls if server_name else None
        wire = await self.dialler.dial(
            backend.host, backend.port, deadline, opened, tls, server_name
        )
        return wire if isinstance(wire, Failure) else links[-1]

    def beside(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let *coroutine* run until it ends or all is closed."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_reported)
        return task

    def _server_name(self, backend: Backend, request: Request) -> str:
        """The name that is asked for over TLS; empty where it is not spoken."""
        if self._tls is None:
            return ""
        if self._by_scheme:
            plain = request.scheme != "https" or backend.name in self.proxies
            return "" if plain else request.host
        if backend.name not in self._secure:
            return ""
        return self.dialler.found(backend.host, backend.port)[0]

    def _keep(self, key: Key, link: Link) -> None:
        idle = self._idle.get(key)
        if idle is None:
            idle = self._idle[key] = []
        if self._retired or len(idle) >= self._most:
            link.abort()
        else:
            link.since = 0.0
            idle.append(link)


class _Exchange:
    """One request on its way to a backend, by a kept connection or a new one.

    A kept connection that proves to be closed is no failure: a request that may be repeated goes
    by a new one (RFC 9112, section 9.3.1).
    """

    __slots__ = ("_effect", "_hint", "_key", "_link", "_task", "_tell", "_upstreams")

    def __init__(self, upstreams: Upstreams, effect: Fetch, tell: Tell, hint: Hint | None) -> None:
        self._upstreams = upstreams
        self._effect = effect
        self._tell = tell
        self._hint = hint
        self._key = upstreams.key(effect.backend, effect.request)
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        link = self._upstreams.kept(self._key)
        if link is None:
            self._renew()
        else:
            self._ask(link, self._told)

    def stop(self) -> None:
        if self._link is not None:
            self._link.abort()
        elif self._task is not None:
            self._task.cancel()

    def _ask(self, link: Link, tell: Tell) -> None:
        self._link = link
        effect = self._effect
        absolute = effect.backend.name in self._upstreams.proxies
        patience = effect.deadlines.first_byte
        link.ask(effect.request, patience, tell, hint=self._hint, absolute=absolute)

    def _told(self, reply: Head | Failure) -> None:
        """What came of a kept connection."""
        link, request = self._link, self._effect.request
        body = request.body
        closed = isinstance(reply, Failure) and reply.kind == "reset"
        repeatable = request.method in IDEMPOTENT and (body is None or body.replayable)
        if closed and repeatable and link is not None and not link.heard:
            self._link = None
            self._renew()
        else:
            self._tell(reply)

    def _renew(self) -> None:
        self._task = self._upstreams.beside(self._dial())

    async def _dial(self) -> None:
        backend = self._effect.backend
        secure = self._key[2]
        dialled = await self._upstreams.dial(
            self._key, backend, self._effect.deadlines.connect, secure
        )
        if isinstance(dialled, Failure):
            self._tell(dialled)
        else:
            self._ask(dialled, self._tell)


def _reported(task: asyncio.Task[None]) -> None:
    """A failure here is a mistake of ours: let the loop tell of it."""
    if not task.cancelled() and (error := task.exception()) is not None:
        context = {"message": "A backend could not be asked", "exception": error}
        task.get_loop().call_exception_handler(context)


def _nothing(link: Link) -> None:
    pass
