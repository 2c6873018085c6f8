"""Answers as a client's connection carries them: heads, and how the bodies behind them end."""

from __future__ import annotations

import time

from proxysim.messages import Request, Response
from proxysim.proxies.effects import Send
from proxysim.sockets.reading import Message
from proxysim.sockets.wire import Wire
from proxysim.sockets.writing import (
    bodiless,
    chunk,
    date_line,
    field_lines,
    last_chunk,
    status_line,
)

__all__ = ["Answering"]


class Answering:
    """The answering half of a client's connection.

    ``request`` is the one being answered, which came as ``message``; both are None where what came
    was no request. ``status``, ``sent`` (bytes of body), ``cache`` and ``blocked`` tell of the
    answer, ``begun`` whether its head has gone. ``keep``: the connection goes on after it.
    ``dated``: an answer that does not say when it came is told so.
    """

    dated = True

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.request: Request | None = None
        self.message: Message | None = None
        self.status = 0
        self.sent = 0
        self.cache = ""
        self.blocked = False
        self.begun = False
        self.keep = True
        self._chunked = False

    @property
    def method(self) -> str:
        """Of the request; what was none is answered as GET is."""
        return self.request.method if self.request is not None else "GET"

    @property
    def version(self) -> str:
        """Of the protocol that the request came in."""
        return self.message.version if self.message is not None else "1.1"

    def head(self, response: Response, length: int | None) -> bytes:
        """The head of an answer whose body has *length* bytes, None: not known yet."""
        status, headers = response.status, response.headers
        method = self.method
        self.status = status
        self.begun = True
        self._chunked = False
        message = self.message
        version = message.version if message is not None else "1.1"
        parts = [status_line(status)]
        if bodiless(method, status):
            parts.append(field_lines(headers, sized=status != 204 and status >= 200))
            if method == "HEAD" and length and "content-length" not in headers.fields:
                parts.append(b"content-length: %d\r\n" % length)
        else:
            parts.append(field_lines(headers, sized=False))
            if length is not None:
                parts.append(b"content-length: %d\r\n" % length)
            elif version == "1.1":
                self._chunked = True
                parts.append(b"transfer-encoding: chunked\r\n")
            else:
                self.keep = False
        if status >= 200 and not (method == "CONNECT" and status < 300):
            if message is not None and message.uninvited:
                self.keep = False
            if self.dated and "date" not in headers.fields:
                parts.append(date_line(int(time.time())))
            if not self.keep:
                parts.append(b"connection: close\r\n")
            elif version == "1.0":
                parts.append(b"connection: keep-alive\r\n")
        parts.append(b"\r\n")
        return b"".join(parts)

    def interim(self, response: Response) -> None:
        """Tell the client of an interim answer, where it can understand one."""
        if self.message is not None and self.version != "1.0" and not self.begun:
            lines = field_lines(response.headers, sized=False)
            self.wire.write(b"%b%b\r\n" % (status_line(response.status), lines))

    def bare(self, response: Response) -> bool:
        """Whether the answer to the request has no body, whatever there is."""
        return bodiless(self.method, response.status)

    def send(self, effect: Send, data: bytes, *, bare: bool) -> int:
        """Answer with a body that is all here; how many bytes of it were sent."""
        self.cache, self.blocked = effect.cache, effect.blocked
        head = self.head(effect.response, len(data))
        if bare or not data:
            self.wire.write(head)
            return 0
        self.wire.write(head + data)
        self.sent = len(data)
        return self.sent

    def begin(self, effect: Send, length: int | None) -> None:
        """Send the head of an answer whose body follows, piece by piece."""
        self.cache, self.blocked = effect.cache, effect.blocked
        self.wire.write(self.head(effect.response, length))

    def data(self, piece: bytes) -> None:
        """Send a piece of the body."""
        self.sent += len(piece)
        self.wire.write(chunk(piece) if self._chunked else piece)

    def end(self, trailers: tuple[tuple[str, str], ...] = ()) -> None:
        """The body is whole."""
        if self._chunked:
            message = self.message
            takes = message is not None and message.fields.trailers
            self.wire.write(last_chunk(trailers if takes else ()))
