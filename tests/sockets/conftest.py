"""The stage of the live tests: servers and clients on the loopback; nothing of it may be left."""

from __future__ import annotations

import asyncio
import http.client
import inspect
import socket
import struct
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from proxysim.policies.backend import Backend
from proxysim.policies.balancers.round_robin import RoundRobin
from proxysim.policies.eviction.lru import Lru
from proxysim.policies.identity import Anonymous, ReverseIdentity
from proxysim.proxies.cache import Cache
from proxysim.proxies.forward import ForwardProxy
from proxysim.proxies.reverse import ReverseProxy
from proxysim.sockets.limits import DEFAULT_LIMITS
from proxysim.sockets.origin import Origin
from proxysim.sockets.serve import serve
from proxysim.sockets.upstream import Upstreams

SECONDS = 60  # a test that takes longer hangs
SETTLING = 20  # what is under way in other threads and in the system's buffers comes to its end


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run coroutine tests on a loop of their own; no task, socket or mistake may be left."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    given = {name: pyfuncitem.funcargs[name] for name in names}
    seconds = getattr(pyfuncitem.module, "SECONDS", SECONDS)
    asyncio.run(_whole(pyfuncitem.obj, given, seconds))
    return True


async def _whole(test, given, seconds):
    stage, before, mistakes = given.get("stage"), sockets(), []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: mistakes.append(context))
    try:
        async with asyncio.timeout(seconds):
            await test(**given)
    finally:
        if stage is not None:
            await stage.stack.aclose()
    until = loop.time() + SETTLING
    while (left := _left(before)) and loop.time() < until:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.001)
    assert mistakes == []
    assert not left


def _left(before):
    """Tasks, and sockets beyond those *before*."""
    tasks = [*asyncio.all_tasks() - {asyncio.current_task()}]
    return tasks + ["a socket"] * (sockets() - before)


def sockets():
    """How many sockets this process has open, where the system tells."""
    descriptors = Path("/proc/self/fd")
    found = 0
    for descriptor in descriptors.iterdir() if descriptors.exists() else ():
        try:
            found += descriptor.readlink().name.startswith("socket:")
        except FileNotFoundError:  # the one that listed the others
            pass
    return found


class Stage:
    """Proxies, origins and servers of the test's own, which stop together; and who asks them."""

    sockets = staticmethod(sockets)

    def __init__(self) -> None:
        self.stack = AsyncExitStack()

    async def serve(self, proxy, upstreams=None, **options):
        serving = await serve(proxy, upstreams=upstreams, **options)
        return await self.stack.enter_async_context(serving)

    async def origin(self, **pages):
        """An origin with *pages*, by their paths less the slash, and its backend."""
        origin = Origin({f"/{path}": page for path, page in pages.items()})
        server = await self.serve(origin)
        return origin, Backend(f"origin-{server.port}", server.host, server.port)

    async def raw(self, converse):
        """A server that does with each connection what the test says; its backend."""

        conversations = set()

        async def until_reset(reader, writer):
            conversations.add(asyncio.current_task())
            with suppress(ConnectionError):
                await converse(reader, writer)

        async def ended():
            await asyncio.gather(*conversations)

        self.stack.push_async_callback(ended)
        server = await asyncio.start_server(until_reset, "127.0.0.1", 0)
        await self.stack.enter_async_context(server)
        return Backend("raw", *server.sockets[0].getsockname())

    async def nobody(self):
        """A backend on whose port nobody listens; it is taken, so that nobody else will."""
        taken = self.stack.enter_context(socket.socket())
        taken.bind(("127.0.0.1", 0))
        return Backend("nobody", *taken.getsockname())

    async def reverse(self, *servers, limits=DEFAULT_LIMITS, tls=None, **options):
        clock = asyncio.get_running_loop().time
        proxy = ReverseProxy("edge", clock, ReverseIdentity(), RoundRobin(), servers, **options)
        return await self.serve(proxy, limits=limits, tls=tls)

    async def forward(self, names=None, proxies=(), **options):
        """A forward proxy to whom *names* are the given backends' addresses."""
        known = {name: (backend.host, backend.port) for name, backend in (names or {}).items()}
        clock = asyncio.get_running_loop().time
        proxy = ForwardProxy("gateway", clock, Anonymous(), **options)
        return await self.serve(proxy, Upstreams(known, proxies))

    def cache(self, **options):
        return Cache(Lru(10_000_000), asyncio.get_running_loop().time, **options)

    async def ask(self, server, path="/page", count=1, **options):
        """*count* requests on one connection, by the standard library's client; the last answer."""

        def blocking():
            connection = http.client.HTTPConnection(server.host, server.port, timeout=SECONDS)
            try:
                return [Answer(connection, path, **options) for _ in range(count)][-1]
            finally:
                connection.close()

        return await asyncio.to_thread(blocking)

    async def connect(self, server, text=b""):
        """A connection on which *text* has been said."""
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(text)
        return reader, writer

    async def get(self, server, path="/page"):
        """A connection on which *path* has been asked for, the answer yet to be read."""
        head = f"GET {path} HTTP/1.1\r\nHost: {server.host}:{server.port}\r\n\r\n"
        return await self.connect(server, head.encode())

    def reset(self, writer):
        """Break *writer*'s connection off: the other side sees a reset."""
        at_once = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        writer.transport.abort()

    async def until(self, condition):
        """Let the loop turn until *condition* holds; the test's time bounds it."""
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)


class Answer:
    def __init__(self, connection, path, method="GET", body=None, headers=None, **options) -> None:
        before = connection.sock
        connection.request(method, path, body=body, headers=headers or {}, **options)
        assert before is None or connection.sock is before, "the connection was not kept"
        answer = connection.getresponse()
        self.status = answer.status
        self.headers = {name.lower(): text for name, text in answer.getheaders()}
        self.body = answer.read()


@pytest.fixture
def stage():
    return Stage()
