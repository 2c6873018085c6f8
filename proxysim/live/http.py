"""HTTP/1.1 on a wire, by h11: the client's side of a proxy, and what both sides share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import h11

from proxysim.live.bodies import BodyError, Stream
from proxysim.live.wire import Wire
from proxysim.messages import Body, Headers, Request, Response

__all__ = ["Client", "Incoming", "bodiless", "content_length", "fields", "framed", "next_event"]

DEFAULT_PORTS = {"http": 80, "https": 443}
LINGER_BYTES = 256 * 1024
LINGER_SECONDS = 1.0


async def next_event(http: h11.Connection, wire: Wire) -> Any:
    """The next event that *http* makes of what comes by *wire*.

    Raises OSError, or ``h11.RemoteProtocolError`` for bytes that are no HTTP. Nothing is lost when
    it is cancelled.
    """
    while (event := http.next_event()) is h11.NEED_DATA:
        http.receive_data(await wire.read())
    return event


def fields(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The fields that h11 read, as ours; how the body was framed is no longer of interest."""
    return Headers(
        (name.decode("ascii"), text.decode("latin-1"))
        for name, text in headers
        if name != b"transfer-encoding"
    )


def framed(headers: Headers, body: Body | None, *, empty: bool) -> list[tuple[str, str]]:
    """Our fields for h11, which frames a body of unknown length in chunks.

    *empty*: where there is no body, its length is to be said all the same.
    """
    pairs = [pair for pair in headers if pair[0] != "transfer-encoding"]
    if "content-length" not in headers:
        length = body.length if body is not None else 0 if empty else None
        if length is not None:
            pairs.append(("content-length", str(length)))
    return pairs


def bodiless(method: str, status: int) -> bool:
    """Whether an answer has no body whatever its fields say (RFC 9112, section 6.3)."""
    return (
        method == "HEAD"
        or status < 200
        or status in (204, 304)
        or (method == "CONNECT" and status < 300)
    )


def content_length(headers: Headers) -> int | None:
    """The body's length in bytes where *headers* give it; h11 has seen that it is a number."""
    text = headers.get("content-length")
    return int(text.split(",")[0]) if text else None


class Incoming:
    """The source of a body that comes by *wire*; *ended* and *aborted* are told how it went."""

    def __init__(
        self,
        http: h11.Connection,
        wire: Wire,
        ended: Callable[[], Any],
        aborted: Callable[[], Any],
    ) -> None:
        self._http = http
        self._wire = wire
        self._ended = ended
        self._aborted = aborted

    async def read(self) -> bytes:
        while True:
            try:
                if self._http.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    await self._wire.write(self._http.send(go_on) or b"")
                event = await next_event(self._http, self._wire)
            except (h11.ProtocolError, OSError) as error:
                raise BodyError(str(error)) from error
            if isinstance(event, h11.EndOfMessage):
                self._ended()
                return b""
            if not isinstance(event, h11.Data):
                raise BodyError("the body broke off")
            if event.data:
                return bytes(event.data)

    def abort(self) -> None:
        self._aborted()


class Client:
    """A client as the proxy's end of its connection sees it: requests come, answers go."""

    def __init__(self, wire: Wire, scheme: str = "http") -> None:
        self.wire = wire
        self._scheme = scheme
        self._http = h11.Connection(h11.SERVER)
        self._method = "GET"
        self._body: Stream | None = None
        self._was_not_asked = False

    async def request(self) -> Request | None:
        """The next request, its body still to be read; None when there is none to come.

        What is no HTTP is answered here, with 400 or what h11 suggests, and ends the connection.
        """
        try:
            event = await next_event(self._http, self.wire)
            if not isinstance(event, h11.Request):
                return None
            request = self._request(event)
            if request.body is None:
                await next_event(self._http, self.wire)  # its end, which comes with it
            return request
        except h11.RemoteProtocolError as error:
            await self._refuse(error.error_status_hint)
        except ValueError:
            await self._refuse(400)
        except OSError:
            pass
        return None

    def _request(self, event: h11.Request) -> Request:
        headers = fields(event.headers)
        self._method = method = event.method.decode("ascii")
        target = event.target.decode("ascii")
        scheme, host, port, path = _aim(method, target, headers.get("host"), self._scheme)
        self._body = None
        length = content_length(headers)
        chunked = any(name == b"transfer-encoding" for name, _ in event.headers)
        if length or chunked:
            self._body = Stream(Incoming(self._http, self.wire, _nothing, _nothing), length)
        return Request(method, scheme, host, port, path, headers, self.wire.peer, self._body)

    async def begin(self, response: Response, body: Body | None) -> bool:
        """Send the head of *response*; whether *body* is to follow. Raises OSError."""
        bare = bodiless(self._method, response.status)
        pairs = framed(response.headers, None if bare else body, empty=not bare)
        self._was_not_asked = self._http.they_are_waiting_for_100_continue
        kind = h11.InformationalResponse if response.status < 200 else h11.Response
        head = kind(status_code=response.status, headers=pairs, reason=_reason(response.status))
        await self.wire.write(self._http.send(head) or b"")
        return not bare

    async def data(self, chunk: bytes) -> None:
        """Send a piece of the body; waits for a slow client. Raises OSError."""
        await self.wire.write(self._http.send(h11.Data(chunk)) or b"")

    async def end(self) -> None:
        """The answer is whole. Raises OSError, or ``h11.LocalProtocolError`` where it is not."""
        await self.wire.write(self._http.send(h11.EndOfMessage()) or b"")

    def switched(self) -> None:
        """From here on the connection is no longer HTTP: what came early is read again as bytes."""
        early, _ = self._http.trailing_data
        self.wire.unread(early)

    async def again(self) -> bool:
        """Make ready for the next request on this connection; False where it has to end."""
        if not await self._finish_request():
            return False
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            return True
        return False

    async def _finish_request(self) -> bool:
        """Read what nobody wanted of the request's body, within reason."""
        body = self._body
        if body is None or body.complete:
            return True
        if self._was_not_asked or self._http.our_state is not h11.DONE:
            return False
        limit = body.size + LINGER_BYTES
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while not body.over and body.size < limit:
                    await body.advance()
        except (BodyError, TimeoutError):
            return False
        return body.complete

    async def _refuse(self, status: int) -> None:
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        try:
            self._method = "GET"
            await self.begin(Response(status, Headers([("connection", "close")])), None)
            await self.end()
        except OSError:
            pass


def _aim(method: str, target: str, host: str, scheme: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and path that a request line means (RFC 9112, section 3.2)."""
    path = ""
    if method == "CONNECT":
        host = target
    elif target.startswith("/") or target == "*":
        path = target
    else:
        split = urlsplit(target)
        if split.scheme not in DEFAULT_PORTS or split.fragment:
            raise ValueError(f"no target of ours: {target!r}")
        scheme, host = split.scheme, split.netloc
        path = (split.path or "/") + (f"?{split.query}" if split.query else "")
    authority = urlsplit(f"//{host}")
    if "@" in host or authority.path or (method == "CONNECT" and authority.port is None):
        raise ValueError(f"no host of ours: {host!r}")
    return scheme, authority.hostname or "", authority.port or DEFAULT_PORTS[scheme], path


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _nothing() -> None:
    pass
