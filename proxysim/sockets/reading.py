"""Messages read off a wire by httptools, with what it lets pass judged by ``heads``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httptools

from proxysim.sockets.bodies import BodyError
from proxysim.sockets.heads import Fields, Refused, read_fields, read_trailers
from proxysim.sockets.limits import DEFAULT_LIMITS, Limits
from proxysim.sockets.wire import WINDOW, Wire

__all__ = ["Incoming", "Message", "RequestReader", "ResponseReader"]

#: Most bytes that may come between two pieces of a body: sizes of chunks and their extensions.
BARREN = WINDOW + 16 * 1024
#: Most bytes of a body that nobody wants which are read all the same, to keep the connection.
SKIPPED = 256 * 1024


class Incoming:
    """The source of a body that comes by *wire*; what is not read yet holds its sender up.

    *wanted* is told when somebody begins to read, *aborted* when nobody wants the rest. ``over``:
    nothing more will come; ``begun``: somebody has begun to read.
    """

    def __init__(self, wire: Wire, wanted: Callable[[], Any], aborted: Callable[[], Any]) -> None:
        self.over = False
        self.begun = False
        self.trailers: tuple[tuple[str, str], ...] = ()
        self._wire = wire
        self._wanted = wanted
        self._aborted = aborted
        self._chunks: list[bytes] = []
        self._size = 0
        self._why = ""
        self._news: asyncio.Future[None] | None = None
        self._skipped: Callable[[bool], Any] | None = None

    @property
    def held(self) -> int:
        """Bytes that have come and nobody has read."""
        return self._size

    def skip(self, done: Callable[[bool], Any]) -> None:
        """Throw away what comes, within reason; *done* is told whether that was all."""
        self._chunks.clear()
        self._size = 0
        self._skipped = done
        self._wire.flow("body")

    def feed(self, chunk: bytes) -> None:
        """A piece has come."""
        if self._skipped is not None:
            self._size += len(chunk)
            if self._size > SKIPPED:
                self._skipped(False)
            return
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size >= WINDOW:
            self._wire.hold("body")
        self._wake()

    def finish(self, trailers: tuple[tuple[str, str], ...] = ()) -> None:
        """The end has come; what the wire brings next is somebody else's."""
        self.trailers = trailers
        self.over = True
        self._wire.flow("body")
        self._wake()
        if self._skipped is not None:
            self._skipped(True)

    def fail(self, why: str) -> None:
        """The end will not come."""
        if not self.over:
            self.over, self._why = True, why
            self._wake()

    def whole(self) -> bytes | None:
        """The body, where all of it is here, and nothing comes behind it."""
        if not self.over or self._why or self.trailers:
            return None
        return self.take()

    def take(self) -> bytes:
        """What has come so far and nobody has read."""
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._chunks = []
        if self._size >= WINDOW and not self.over:
            self._wire.flow("body")
        self._size = 0
        return data

    async def read(self) -> bytes:
        """The next piece, empty at the end; raises BodyError. Nothing is lost when cancelled."""
        if not self.begun:
            self.begun = True
            self._wanted()
        while not self._chunks:
            if self._why:
                raise BodyError(self._why)
            if self.over:
                return b""
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        return self.take()

    def abort(self) -> None:
        """Nobody wants the rest; where nothing more will come, the wire may serve others by now."""
        self._chunks.clear()
        self._size = 0
        if not self.over:
            self._aborted()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


class Message:
    """A message as it comes: its head, then its body.

    ``line`` is method and target, or the status. ``switches``: it asks for, or is, the beginning of
    something other than HTTP.
    """

    __slots__ = ("body", "fields", "keep_alive", "line", "switches", "version")

    def __init__(
        self, line: Any, version: str, keep_alive: bool, fields: Fields, switches: bool
    ) -> None:
        self.line = line
        self.version = version
        self.keep_alive = keep_alive
        self.fields = fields
        self.switches = switches
        self.body: Incoming | None = None

    @property
    def over(self) -> bool:
        """Whether all of it has come."""
        return self.body is None or self.body.over

    @property
    def uninvited(self) -> bool:
        """Whether its sender waits for leave to send the body, and was not given it."""
        body = self.body
        return self.fields.expects and body is not None and not body.over and not body.begun


class _Reader:
    """What reading requests and reading responses have in common."""

    def __init__(self, limits: Limits, began: Callable[[Message], Incoming | None]) -> None:
        self.limits = limits
        self.in_head = False
        self._parser: Any = None
        self._began = began
        self._message: Message | None = None
        self._last = False
        self._raw: list[tuple[bytes, bytes]] = []
        self._size = 0  # of the fields so far
        self._got = 0  # of the body
        self._barren = 0  # since the last piece of it

    def feed(self, data: bytes) -> bytes | None:
        """Read *data*. Bytes are what follows a message that switches to something else.

        Raises :class:`Refused`; nothing can be read after that.
        """
        began_in_head, began_in_body, got = self.in_head, self._message is not None, self._got
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return data[upgrade.args[0] :]
        except httptools.HttpParserCallbackError as error:
            if isinstance(error.__context__, Refused):
                raise error.__context__ from None
            raise
        except httptools.HttpParserError as error:
            if self._last and not self.in_head and self._message is None:
                return None  # what follows a message that was to be the last is nobody's
            raise Refused(400, "The message cannot be read.") from error
        if began_in_head and self.in_head:
            self._size += len(data)
            if self._size > self.limits.header_bytes + self.limits.target:
                raise Refused(431, "The fields are too long.")
        elif began_in_body and self._message is not None:
            self._barren += len(data) - (self._got - got)
            if self._barren > BARREN:
                raise Refused(400, "There is more about the body than body.")
        return None

    # What httptools calls.

    def on_message_begin(self) -> None:
        self.in_head = True
        self._raw = []
        self._size = self._got = self._barren = 0

    def on_header(self, name: bytes, text: bytes) -> None:
        self._raw.append((name, text))
        self._size += len(name) + len(text) + 4
        if self._size > self.limits.header_bytes or len(self._raw) > self.limits.headers:
            raise Refused(431, "The fields are too many or too long.")

    def on_body(self, data: bytes) -> None:
        body = self._message.body if self._message is not None else None
        if body is None:
            raise Refused(400, "There is a body where there can be none.")
        self._barren = 0
        self._got += len(data)
        if self.limits.body is not None and self._got > self.limits.body:
            raise Refused(413, "The body is too large.")
        body.feed(data)

    def on_message_complete(self) -> None:
        message, self._message = self._message, None
        if message is not None and message.body is not None:
            raw = tuple(self._raw)
            message.body.finish(read_trailers(raw, message.fields.headers) if raw else ())

    def _head(self, line: Any, version: str) -> Message:
        """The head is here; raises Refused."""
        self.in_head = False
        raw, self._raw = tuple(self._raw), []
        if version != "1.1" and version != "1.0":
            raise Refused(505, "Only HTTP/1.1 and 1.0 are spoken.")
        fields = read_fields(raw, self._size)
        if fields.chunked and version == "1.0":
            raise Refused(400, "HTTP/1.0 knows no chunks.")
        parser = self._parser
        keep_alive = parser.should_keep_alive()
        self._last = not keep_alive
        message = Message(line, version, keep_alive, fields, parser.should_upgrade())
        self._message = message
        message.body = self._began(message)
        return message


class RequestReader(_Reader):
    """Reads requests; *began* is told of each head, and gives the source for its body."""

    def __init__(
        self, began: Callable[[Message], Incoming | None], limits: Limits = DEFAULT_LIMITS
    ) -> None:
        super().__init__(limits, began)
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._primed = True

    def feed(self, data: bytes) -> bytes | None:
        """Read *data*. Bytes are what follows a request for something other than HTTP.

        That request may be refused: :meth:`restart`, and feed them again. One that brings a body is
        read as if it had not asked. Raises :class:`Refused`; nothing can be read after that.
        """
        rest = super().feed(data)
        if self.in_head and self._target and not self._raw and data.endswith(b"\n"):
            self._want_version()
        while rest is not None and self._message is not None:
            self._prime(self._message.fields)
            rest = super().feed(rest)
        return rest

    def _want_version(self) -> None:
        """Refuse a line that has ended without one (HTTP/0.9): its client waits for its answer."""
        if self._parser.get_http_version() == "0.0":
            raise Refused(505, "Only HTTP/1.1 and 1.0 are spoken.")

    def restart(self) -> None:
        """Read what follows as HTTP."""
        self._parser = httptools.HttpRequestParser(self)

    def _prime(self, fields: Fields) -> None:
        """httptools has left off before a body: tell a fresh parser of it by a head of our own."""
        framing = b"transfer-encoding: chunked"
        if not fields.chunked:
            framing = b"content-length: %d" % (fields.length or 0)
        self._primed = False
        self.restart()
        self._parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)
        self._primed = True

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._target = b""

    def on_url(self, data: bytes) -> None:
        self._target += data
        if len(self._target) > self.limits.target:
            raise Refused(414, "The target is too long.")

    def on_headers_complete(self) -> None:
        if not self._primed:
            self.in_head, self._raw = False, []
            return
        parser = self._parser
        if not self._target.isascii():
            raise Refused(400, "The target cannot be read.")
        line = (parser.get_method().decode("ascii"), self._target.decode("ascii"))
        message = self._head(line, parser.get_http_version())
        limit = self.limits.body
        if limit is not None and (message.fields.length or 0) > limit:
            raise Refused(413, "The body is too large.")

    def on_message_complete(self) -> None:
        message = self._message
        if message is not None and message.switches and message.body is not None:
            message.switches = False
            return  # its body is yet to come
        super().on_message_complete()


class ResponseReader(_Reader):
    """Reads responses, interim ones (1xx) too.

    *began* is told of each head, and gives the source for its body.
    """

    def __init__(self, began: Callable[[Message], Incoming | None], limits: Limits) -> None:
        super().__init__(limits, began)
        self._parser = httptools.HttpResponseParser(self)

    def on_headers_complete(self) -> None:
        parser = self._parser
        status = parser.get_status_code()
        if not 100 <= status <= 599:
            raise Refused(502, "The answer has no status.")
        self._head(status, parser.get_http_version())
