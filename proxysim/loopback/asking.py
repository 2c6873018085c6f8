"""A client's connection on a socket: a request goes, an answer comes, and is counted."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import httptools

from proxysim.messages import Headers
from proxysim.sockets.wire import Wire

__all__ = ["Answer", "Line"]


class Answer:
    """What came of a request: ``status`` 0 where no answer did.

    ``first_byte`` is when the first byte of it came, ``length`` how long its body was. ``failure``
    says why there is none.
    """

    __slots__ = ("failure", "fields", "first_byte", "length", "status")

    def __init__(self) -> None:
        self.status = 0
        self.first_byte: float | None = None
        self.length = 0
        self.fields: list[tuple[str, str]] = []
        self.failure = ""

    @property
    def headers(self) -> Headers:
        """The fields of its head."""
        return Headers(self.fields)


class Line:
    """The owner of a client's *wire*; *clock* gives the run's seconds, *gone* is told of its end.

    ``place`` is the address and port of the client's end, ``kept`` how many seconds it may be idle.
    One request at a time.
    """

    def __init__(self, wire: Wire, clock: Callable[[], float], gone: Callable[[Line], Any]) -> None:
        self.wire = wire
        self.key: Any = None
        self.used = 0
        self.since = 0.0
        self.kept = inf
        self.place = ("", 0)
        self._clock = clock
        self._gone = gone
        self._tell: Callable[[Answer], Any] | None = None
        self._answer = Answer()
        self._method = ""
        self._parser: Any = None
        self._keep = False
        self._early = False  # the last answer was over before the parser thought so

    @property
    def busy(self) -> bool:
        """Whether a request waits for its answer."""
        return self._tell is not None

    @property
    def usable(self) -> bool:
        """Whether another request can be sent."""
        return not (self.busy or self.wire.gone or self.wire.at_end) and (
            not self.used or self._keep
        )

    def ask(self, method: str, data: bytes, tell: Callable[[Answer], Any]) -> None:
        """Send a request, *data*; *tell* is told what came of it, once."""
        self.used += 1
        self._answer, self._tell, self._method = Answer(), tell, method
        if self._parser is None or self._early:
            self._parser, self._early = httptools.HttpResponseParser(self), False
        if self.wire.gone:
            self._over("reset")
        else:
            self.wire.write(data)

    def drop(self) -> None:
        """Nobody waits any more: break off."""
        self._tell = None
        self.wire.abort()

    # What the wire tells.

    def received(self, data: bytes) -> None:
        if self._tell is None:
            self.wire.abort()
            return
        if self._answer.first_byte is None:
            self._answer.first_byte = self._clock()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # CONNECT was granted
        except httptools.HttpParserError:
            if self._tell is not None:
                self.wire.abort()
                self._over("broken")

    def ended(self) -> None:
        self.wire.close()
        if self._tell is not None:
            self._over("reset")

    def lost(self) -> None:
        if self._tell is not None:
            self._over("reset")
        self._gone(self)

    # What the parser tells.

    def on_header(self, name: bytes, text: bytes) -> None:
        self._answer.fields.append((name.decode("latin-1").lower(), text.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self._answer.status = self._parser.get_status_code()
        self._keep = self._parser.should_keep_alive()
        if self._method == "HEAD" or (self._method == "CONNECT" and self._answer.status < 300):
            self._early = True
            self._keep = self._keep or self._method == "HEAD"
            self._over("")

    def on_body(self, data: bytes) -> None:
        self._answer.length += len(data)

    def on_message_complete(self) -> None:
        if self._tell is not None:
            self._over("")

    def _over(self, failure: str) -> None:
        answer, tell, self._tell = self._answer, self._tell, None
        if failure:
            answer.failure = failure
            answer.status = 0
            self._keep = False
        self.since = self._clock()
        if tell is not None:
            tell(answer)
