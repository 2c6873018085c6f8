"""The proxy's other side: connections to backends, kept alive and used again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

import h11

from proxysim.live.bodies import BodyError, Stream, read_body
from proxysim.live.http import Incoming, bodiless, content_length, fields, framed, next_event
from proxysim.live.wire import Wire, on_loopback, open_wire
from proxysim.messages import Body, Connection, Failure, Request, Response
from proxysim.policies.backend import Backend
from proxysim.proxies.effects import Deadlines, Head

__all__ = ["Address", "Upstreams"]

Address = tuple[str, int]
KEPT_PER_ADDRESS = 32


class Upstreams:
    """Where backends are, and the connections to them.

    *names* gives the addresses of hosts, as ``"news.example"`` or ``"news.example:8080"``; a host
    that is not among them must be an address of the loopback. *proxies* are the names of the
    backends that are forward proxies themselves, and so want the target in absolute form.
    """

    def __init__(
        self, names: Mapping[str, Address] | None = None, proxies: Collection[str] = ()
    ) -> None:
        self.opened = 0
        self._names = dict(names or {})
        self._proxies = frozenset(proxies)
        self._idle: dict[Address, list[_Link]] = {}
        self._wires: set[Wire] = set()

    async def fetch(
        self, backend: Backend, request: Request, deadlines: Deadlines
    ) -> Head | Failure:
        """Send *request*; the answer's head at its first byte, or why there is none."""
        address = self._find(backend)
        if address is None:
            return Failure("unresolved")
        link = self._kept(address)
        if link is None:
            wire = await self._open(address, deadlines.connect)
            if isinstance(wire, Failure):
                return wire
            link = _Link(wire, lambda link: self._keep(address, link))
        try:
            async with asyncio.timeout(deadlines.first_byte):
                return await link.ask(request, absolute=backend.name in self._proxies)
        except TimeoutError:
            link.abort()
            return Failure("timeout", sent=True, retry_safe=False)
        except (BodyError, h11.RemoteProtocolError, OSError):
            link.abort()
            return Failure("reset", sent=True, retry_safe=False)
        except BaseException:
            link.abort()
            raise

    async def connect(
        self, backend: Backend, deadline: float | None, ask: Request | None
    ) -> Connection | Failure:
        """A connection for a tunnel; through a further proxy where *ask* is its CONNECT."""
        address = self._find(backend)
        if address is None:
            return Failure("unresolved")
        wire = await self._open(address, deadline)
        if isinstance(wire, Failure) or ask is None:
            return wire if isinstance(wire, Failure) else Connection(wire.peer, world=wire)
        link = _Link(wire, lambda link: link.abort())
        try:
            async with asyncio.timeout(deadline):
                if await link.tunnel(ask):
                    return Connection(wire.peer, world=wire)
        except TimeoutError:
            link.abort()
            return Failure("timeout", sent=True)
        except (BodyError, h11.RemoteProtocolError, OSError):
            link.abort()
            return Failure("reset", sent=True)
        except BaseException:
            link.abort()
            raise
        link.abort()
        return Failure("refused", sent=True)

    async def close(self) -> None:
        """Break off every connection, and wait until they are gone."""
        for wire in tuple(self._wires):
            wire.abort()
            await wire.closed()

    def _find(self, backend: Backend) -> Address | None:
        host, port = backend.host, backend.port
        found = self._names.get(f"{host}:{port}") or self._names.get(host)
        host, port = found or (host, port)
        if host == "localhost":
            host = "127.0.0.1"
        return (host, port) if on_loopback(host) else None

    async def _open(self, address: Address, deadline: float | None) -> Wire | Failure:
        try:
            async with asyncio.timeout(deadline):
                wire = await open_wire(*address, self._wires.discard)
        except TimeoutError:
            return Failure("timeout")
        except OSError:
            return Failure("refused")
        self.opened += 1
        self._wires.add(wire)
        return wire

    def _kept(self, address: Address) -> _Link | None:
        """The connection to *address* that was used last, of those that are free."""
        idle = self._idle.get(address)
        if not idle:
            return None
        link = idle.pop()
        link.wire.on_gone = None
        return link

    def _keep(self, address: Address, link: _Link) -> None:
        idle = self._idle.setdefault(address, [])
        if len(idle) >= KEPT_PER_ADDRESS:
            link.abort()
            return

        def leave() -> None:
            idle.remove(link)
            link.abort()

        link.wire.on_gone = leave
        idle.append(link)


class _Link:
    """One HTTP/1.1 connection to a backend; *done* is told when it is free for another request."""

    def __init__(self, wire: Wire, done: Callable[[_Link], None]) -> None:
        self.wire = wire
        self._http = h11.Connection(h11.CLIENT)
        self._done = done
        self._sending: asyncio.Task[None] | None = None

    async def ask(self, request: Request, *, absolute: bool = False) -> Head:
        """Send *request*, its body beside; the head of the answer.

        Raises BodyError, OSError or ``h11.RemoteProtocolError``.
        """
        target = request.url if absolute else request.path or "/"
        await self._send_head(request, target)
        if request.body is None:
            await self.wire.write(self._http.send(h11.EndOfMessage()) or b"")
        else:
            self._sending = asyncio.create_task(self._send_body(request.body))
        response = await self._head()
        length = content_length(response.headers)
        incoming = Incoming(self._http, self.wire, self._ended, self.abort)
        if bodiless(request.method, response.status) or length == 0:
            await incoming.read()
            return Head(response)
        return Head(response, Stream(incoming, length))

    async def tunnel(self, ask: Request) -> bool:
        """Send the CONNECT *ask*; whether the proxy there has granted it."""
        await self._send_head(ask, f"{ask.host}:{ask.port}")
        await self.wire.write(self._http.send(h11.EndOfMessage()) or b"")
        response = await self._head()
        if not 200 <= response.status < 300:
            return False
        early, _ = self._http.trailing_data
        self.wire.unread(early)
        return True

    def abort(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
        self.wire.abort()

    async def _send_head(self, request: Request, target: str) -> None:
        pairs = framed(request.headers, request.body, empty=False)
        if "host" not in request.headers:
            pairs.insert(0, ("host", _host(request)))
        if request.body is not None and request.body.length is None:
            pairs.append(("transfer-encoding", "chunked"))
        head = h11.Request(method=request.method, target=target, headers=pairs)
        await self.wire.write(self._http.send(head) or b"")

    async def _send_body(self, body: Body) -> None:
        reader = read_body(body)
        try:
            while chunk := await reader.read():
                await self.wire.write(self._http.send(h11.Data(chunk)) or b"")
            await self.wire.write(self._http.send(h11.EndOfMessage()) or b"")
        except (BodyError, OSError, h11.LocalProtocolError):
            self.wire.abort()
        finally:
            reader.close()

    async def _head(self) -> Response:
        while True:
            event = await next_event(self._http, self.wire)
            if isinstance(event, h11.Response):
                return Response(event.status_code, fields(event.headers))
            if not isinstance(event, h11.InformationalResponse):
                raise BodyError("closed before an answer")

    def _ended(self) -> None:
        """The answer is whole: the connection is free, or has served its time."""
        http = self._http
        if http.our_state is h11.DONE and http.their_state is h11.DONE and not self.wire.gone:
            http.start_next_cycle()
            self._sending = None
            self._done(self)
        else:
            self.abort()


def _host(request: Request) -> str:
    default = 443 if request.scheme == "https" else 80
    name = f"[{request.host}]" if ":" in request.host else request.host
    return name if request.port == default else f"{name}:{request.port}"
