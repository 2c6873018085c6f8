"""A stand-alone proxy: it listens until it is told to stop, and can be told to read its setup anew.

SIGTERM and SIGINT drain it, a second one ends it at once; SIGHUP reads the setup again. What has
begun is finished by what began it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from proxysim.errors import ProxysimError, ScenarioError
from proxysim.policies.reach import Reach
from proxysim.proxies.forward import ForwardProxy
from proxysim.proxies.reverse import ReverseProxy
from proxysim.sockets.access_log import AccessLog
from proxysim.sockets.client import Client
from proxysim.sockets.driver import Driver
from proxysim.sockets.limits import DEFAULT_LIMITS, Limits
from proxysim.sockets.metrics import Admin, Metrics
from proxysim.sockets.serve import Server
from proxysim.sockets.tls import succeed
from proxysim.sockets.upstream import Upstreams

__all__ = ["Place", "Setup", "stand"]

logger = logging.getLogger("proxysim.sockets")

Place = tuple[str, int]
FLUSH_SECONDS = 0.5


@dataclass(slots=True)
class Setup:
    """Everything that a stand-alone proxy is made of.

    *everywhere*: it may listen beyond the loopback. *reach* is told where it listens. *drain* is
    how long, in seconds, what is under way may take when it stops. *kept* says by what a cache was
    set up: it outlives a reload that leaves this as it is.
    """

    proxy: ForwardProxy | ReverseProxy
    listen: Place
    upstreams: Upstreams
    everywhere: bool = False
    tls: ssl.SSLContext | None = None
    proxy_protocol: bool = False
    reach: Reach | None = None
    limits: Limits = DEFAULT_LIMITS
    access_log: Path | None = None
    admin: Place | None = None
    drain: float = 30.0
    kept: object = None
    notes: list[str] = field(default_factory=list)

    @property
    def listening(self) -> str:
        """How it listens, in words."""
        words = [f"{'http' if self.tls is None else 'https'}://{_written(self.listen)}"]
        if self.proxy_protocol:
            words.append("with PROXY lines")
        if self.admin is not None:
            words.append(f"and {_written(self.admin)}")
        return " ".join(words)


async def stand(build: Callable[[], Setup], say: Callable[[str], None]) -> None:
    """Serve what *build* sets up until told to stop; *say* is told what a person wants to know.

    *build* is called again at each SIGHUP; when it raises ProxysimError then, all stays as it was.
    Raises ProxysimError where it cannot be begun.
    """
    standing = _Standing(build, say)
    await standing.begin()
    try:
        await standing.stopped.wait()
    finally:
        await standing.end()


class _Standing:
    """A stand-alone proxy under way."""

    def __init__(self, build: Callable[[], Setup], say: Callable[[str], None]) -> None:
        loop = asyncio.get_running_loop()
        self.stopped = asyncio.Event()
        self._build = build
        self._say = say
        self._setup = setup = build()
        self._listening_tls = setup.tls
        self._log: AccessLog | None = _log_of(setup)
        self._metrics = Metrics(loop.time)
        self._server = Server(
            setup.proxy, Driver(setup.upstreams), setup.limits, setup.tls, self._answered
        )
        self._admin: Server | None = None
        self._ending: asyncio.Task[None] | None = None
        self._flushing: asyncio.Handle | None = None

    def _answered(self, client: Client) -> None:
        self._metrics(client)
        if self._log is not None:
            self._log(client)

    async def begin(self) -> None:
        setup, server = self._setup, self._server
        await _listen(server, setup.listen, setup.everywhere, proxy_protocol=setup.proxy_protocol)
        self._own(server)
        if setup.admin is not None:
            self._admin = Server(Admin(server, self._metrics), Driver(Upstreams()))
            try:
                await _listen(self._admin, setup.admin, everywhere=False)
            except ProxysimError:
                await server.close()
                raise
            self._own(self._admin)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        kind = "forward proxy" if server.forward else "reverse proxy"
        self._say(f"{kind} on {server.scheme}://{_written((server.host, server.port))}")
        if self._admin is not None:
            place = _written((self._admin.host, self._admin.port))
            self._say(f"metrics on http://{place}/metrics, health on http://{place}/healthz")
        for note in setup.notes:
            self._say(note)
        self._flush()

    def _own(self, server: Server) -> None:
        if self._setup.reach is not None:
            self._setup.reach.owns(server.host, server.port)

    def _flush(self) -> None:
        if self._log is not None:
            self._log.flush()
        self._flushing = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._flush)

    def _stop(self) -> None:
        if self._ending is not None:
            self.stopped.set()
            return
        under_way = sum(not client.idle for client in self._server.clients.values())
        self._say(f"stopping; {under_way} requests under way")
        self._ending = asyncio.get_running_loop().create_task(self._drain())

    async def _drain(self) -> None:
        await self._server.drain(self._setup.drain)
        self.stopped.set()

    async def end(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            await asyncio.gather(self._ending, return_exceptions=True)
        await self._server.close()
        if self._admin is not None:
            await self._admin.close()
        if self._flushing is not None:
            self._flushing.cancel()
        if self._log is not None:
            self._log.close()

    def _reload(self) -> None:
        """Read the setup anew; what cannot be read leaves all as it was."""
        if self._ending is not None:
            return
        before = self._setup
        try:
            setup = self._build()
            if setup.listening != before.listening:
                raise ScenarioError(
                    f"found {setup.listening} where it was {before.listening}",
                    mend="How it listens cannot change while it runs: stop it, and start anew.",
                )
            log = _log_of(setup)
        except ProxysimError as error:
            self._say(f"not reloaded: {error}")
            return
        self._setup = setup
        if self._log is not None:
            self._log.close()
        self._log = log
        if setup.kept == before.kept and before.proxy.cache is not None:
            setup.proxy.cache = before.proxy.cache
        if self._listening_tls is not None and setup.tls is not None:
            succeed(self._listening_tls, setup.tls)
        self._own(self._server)
        if self._admin is not None:
            self._own(self._admin)
        self._server.bound(setup.limits)
        self._server.replace(setup.proxy)
        self._server.driver.renew(setup.upstreams)
        self._say("reloaded")


def _log_of(setup: Setup) -> AccessLog | None:
    if setup.access_log is None:
        return None
    proxy = setup.proxy
    user = None
    if isinstance(proxy, ForwardProxy) and proxy.authentication is not None:
        user = proxy.authentication.user_of
    return AccessLog(setup.access_log, forward=isinstance(proxy, ForwardProxy), user=user)


async def _listen(
    server: Server, place: Place, everywhere: bool, *, proxy_protocol: bool = False
) -> None:
    try:
        await server.start(*place, everywhere=everywhere, proxy_protocol=proxy_protocol)
    except OSError as error:
        await server.close()
        raise ScenarioError(
            f"it cannot be listened on: {os.strerror(error.errno) if error.errno else error}",
            place=_written(place),
            mend="Choose another address or port; port 0 takes any that is free.",
        ) from None


def _written(place: Place) -> str:
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
