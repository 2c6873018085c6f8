"""The stage of a calibration: origins and proxies in processes of their own, and who asks them.

What a process has spent is asked of itself, as processor time: what the asker, the origin and the
rest of the machine do is not in it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from multiprocessing.connection import Connection
from typing import Any

from proxysim.errors import RunError
from proxysim.messages import Headers
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.round_robin import RoundRobin
from proxysim.policies.eviction.lru import Lru
from proxysim.policies.identity import Anonymous, ReverseIdentity
from proxysim.proxies.cache import Cache
from proxysim.proxies.forward import ForwardProxy
from proxysim.proxies.reverse import ReverseProxy
from proxysim.sockets.origin import Origin, Page
from proxysim.sockets.serve import Served, serve
from proxysim.sockets.tls import Certificates
from proxysim.sockets.upstream import Upstreams

__all__ = ["LARGE", "SITE", "SMALL", "Asker", "Stage", "staged"]

SITE = "calibration.example"
SMALL = 1_000  # bytes
LARGE = 1_000_000
HOST = "127.0.0.1"
START_SECONDS = 60.0
ANSWER_SECONDS = 60.0
END_SECONDS = 5.0

Ports = dict[str, int]
Serve = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """The proxies' process: the ``ports`` of its proxies, and the ``authority`` that they show."""

    ports: Mapping[str, int]
    authority: bytes
    loop: str
    _control: Connection

    def spent(self) -> float:
        """Processor seconds that the proxies' process has spent so far."""
        return _asked(self._control, "the proxies")


class Asker:
    """One connection to a port, by which one request after another is sent; blocking."""

    def __init__(
        self, port: int, tls: ssl.SSLContext | None = None, session: ssl.SSLSession | None = None
    ) -> None:
        plain = socket.create_connection((HOST, port), timeout=ANSWER_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket: Any = plain
        if tls is not None:
            try:
                self.socket = tls.wrap_socket(plain, server_hostname=SITE, session=session)
            except BaseException:
                plain.close()
                raise

    def get(self, target: str) -> int:
        """Ask for *target* and read the answer; the length of its body. Raises OSError."""
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: {SITE}\r\n\r\n".encode())
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._read()
        head = data[:end].lower()
        if not head.startswith(b"http/1.1 200"):
            raise ConnectionError(f"answered {head.splitlines()[0].decode(errors='replace')}")
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        left = length - (len(data) - end - 4)
        while left > 0:
            left -= len(self._read())
        return length

    def _read(self) -> bytes:
        data: bytes = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the connection was closed")
        return data

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


@contextmanager
def staged() -> Iterator[Stage]:
    """Origins and proxies on free ports of the loopback, until the end.

    Raises RunError where they do not start.
    """
    with _process(_origins, "the origins") as (_, origin):
        with _process(_proxies, "the proxies", origin) as (control, found):
            yield Stage(found["ports"], found["authority"], found["loop"], control)


@contextmanager
def _process(
    target: Callable[..., None], what: str, *given: object
) -> Iterator[tuple[Connection, dict[str, Any]]]:
    """A process that runs *target*, and what it says when it serves; it ends with the block."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *given), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(START_SECONDS):
            raise RunError(f"{what} have not started in {START_SECONDS:.0f} s")
        try:
            found = ours.recv()
        except EOFError:
            raise RunError(f"{what} could not be started on the loopback") from None
        yield ours, found
    finally:
        ours.close()  # by which it knows that it is over
        process.join(END_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()


def _asked(control: Connection, what: str) -> float:
    try:
        control.send(None)
        if control.poll(ANSWER_SECONDS):
            return float(control.recv())
    except (EOFError, OSError):
        pass
    raise RunError(f"{what} have stopped answering")


# In the processes.


def _origins(control: Connection) -> None:
    _run(_serve_origins, control)


def _proxies(control: Connection, origin: dict[str, Any]) -> None:
    _run(_serve_proxies, control, origin)


def _run(main: Callable[..., Any], control: Connection, *given: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the asker ends it
    try:
        import uvloop
    except ImportError:
        asyncio.run(main(control, "asyncio", *given))
    else:
        uvloop.run(main(control, f"uvloop {version('uvloop')}", *given))


async def _serve_origins(control: Connection, loop: str) -> None:
    kept = Headers([("content-type", "application/octet-stream"), ("cache-control", "max-age=600")])
    pages = {"/small": Page(bytes(SMALL), kept), "/large": Page(bytes(LARGE), kept)}
    certificates = Certificates([SITE])
    async with AsyncExitStack() as stack:
        plain = await stack.enter_async_context(await serve(Origin(pages), HOST))
        secure = await stack.enter_async_context(
            await serve(Origin(pages), HOST, tls=certificates.server_context())
        )
        ports = {"plain": plain.port, "secure": secure.port}
        await _until_told(control, {"ports": ports, "authority": certificates.authority})


async def _serve_proxies(control: Connection, loop: str, origin: dict[str, Any]) -> None:
    certificates = Certificates([SITE])
    trusting = ssl.create_default_context(cadata=origin["authority"].decode())
    server_side = certificates.server_context()
    ports: Ports = {}
    async with AsyncExitStack() as stack:

        async def stand(
            name: str, proxy: Served, upstreams: Upstreams, tls: ssl.SSLContext | None = None
        ) -> None:
            server = await serve(proxy, HOST, upstreams=upstreams, tls=tls)
            ports[name] = (await stack.enter_async_context(server)).port

        where = {SITE: (HOST, origin["ports"]["plain"])}
        where_secure = {SITE: ("localhost", origin["ports"]["secure"])}
        to_tls = partial(Upstreams, where_secure, tls=trusting, secure=[SITE])
        fresh, fresh_secure = Upstreams(where), to_tls()
        for upstreams in (fresh, fresh_secure):
            upstreams.retire()  # a new connection for every request
        await stand("forward", ForwardProxy("calibrated", _clock(), Anonymous()), Upstreams(where))
        await stand("reverse", _reverse(), Upstreams(where))
        await stand("reverse, fresh", _reverse(), fresh)
        await stand("reverse to tls", _reverse(), to_tls())
        await stand("reverse to tls, fresh", _reverse(), fresh_secure)
        await stand("cache", _reverse(cached=True), Upstreams(where))
        await stand("tls cache", _reverse(cached=True), Upstreams(where), server_side)
        found = {"ports": ports, "authority": certificates.authority, "loop": loop}
        await _until_told(control, found)


def _clock() -> Callable[[], float]:
    return asyncio.get_running_loop().time


def _reverse(*, cached: bool = False) -> ReverseProxy:
    clock = _clock()
    cache = Cache(Lru(100 * LARGE), clock) if cached else None
    backend = Backend(SITE, SITE)
    return ReverseProxy(
        "calibrated", clock, ReverseIdentity(), RoundRobin(), [backend], cache=cache
    )


async def _until_told(control: Connection, found: dict[str, Any]) -> None:
    """Say what is served, tell the time spent whenever asked, end when nobody can ask any more."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked() -> None:
        try:
            control.recv()
            control.send(time.process_time())
        except (EOFError, OSError):
            loop.remove_reader(control.fileno())
            over.set()

    loop.add_reader(control.fileno(), asked)
    control.send(found)
    with suppress(asyncio.CancelledError):
        await over.wait()
