"""One HTTP/1.1 connection to a backend: a request goes, an answer comes, and so again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from proxysim.messages import Body, Connection, Content, Failure, Request, Response
from proxysim.proxies.effects import Head, Switched
from proxysim.sockets.bodies import BodyError, Stream, read_body
from proxysim.sockets.heads import Refused
from proxysim.sockets.limits import Limits
from proxysim.sockets.reading import Incoming, Message, ResponseReader
from proxysim.sockets.wire import WINDOW, Wire
from proxysim.sockets.writing import (
    bodiless,
    chunk,
    field_lines,
    last_chunk,
    request_line,
)

__all__ = ["Link"]

logger = logging.getLogger("proxysim.sockets")

#: What an answer may have for a head; a body may be as long as it likes.
ANSWERS = Limits(header_bytes=64 * 1024, headers=200)
#: They are passed on however slowly the client takes them, so there may not be more of them.
MOST_INTERIM = 100
#: Methods whose requests say how long their body is even where there is none (RFC 9110, 8.6).
SIZED = frozenset({"POST", "PUT", "PATCH"})
RESET = Failure("reset", sent=True, retry_safe=False)
LATE = Failure("timeout", sent=True, retry_safe=False)


class Link:
    """A connection to a backend; *free* is told when it can take another request.

    ``used``: how many requests it has carried. ``heard``: something has come in answer to the last.
    """

    def __init__(self, wire: Wire, free: Callable[[Link], Any]) -> None:
        self.wire = wire
        self.used = 0
        self.heard = False
        self.since = 0.0
        self._free = free
        self._reader = ResponseReader(self._began, ANSWERS)
        self._request: Request | None = None
        self._tell: Callable[[Head | Failure], Any] | None = None
        self._hint: Callable[[Response], Any] | None = None
        self._head: Message | None = None
        self._told = False
        self._unsent: asyncio.Task[None] | None = None
        self._timer: asyncio.Handle | None = None
        self._stale = False  # the reader cannot be used again
        self._spoiled = False  # nor can the connection
        self._switched = False
        self._came = 0  # bytes
        self._interim = 0  # answers, of the request under way
        self._progress = (0, 0)

    @property
    def resting(self) -> bool:
        """Whether it is free."""
        return self._request is None

    def ask(
        self,
        request: Request,
        deadline: float | None,
        tell: Callable[[Head | Failure], Any],
        *,
        hint: Callable[[Response], Any] | None = None,
        absolute: bool = False,
    ) -> None:
        """Send *request*; *tell* is told the head of the answer, or why there is none, once.

        *deadline*: how many seconds until the head. *hint* is told of interim answers before it.
        *absolute*: the whole target is named, as for a proxy.
        """
        self.used += 1
        self.heard = self._told = False
        self._head = None
        self._interim = 0
        self._request, self._tell, self._hint = request, tell, hint
        if self._stale:
            self._reader, self._stale = ResponseReader(self._began, ANSWERS), False
        if deadline is not None:
            self._timer = asyncio.get_running_loop().call_later(deadline, self._late)
        if request.method == "CONNECT":
            target = _authority(request)
        else:
            target = request.url if absolute else request.path or "/"
        self._send(request, target)

    def _send(self, request: Request, target: str) -> None:
        body = request.body
        headers = request.headers
        line = request_line(request, target)
        if body is None:
            lines = field_lines(headers, sized=True)
            if request.method in SIZED and "content-length" not in headers.fields:
                lines += b"content-length: 0\r\n"
            self.wire.write(line + lines + b"\r\n")
            return
        lines = field_lines(headers, sized=False)
        if body.length is None:
            framing = b"transfer-encoding: chunked\r\n\r\n"
        else:
            framing = b"content-length: %d\r\n\r\n" % body.length
        head = line + lines + framing
        if isinstance(body, Content) and body.length <= WINDOW:
            self.wire.write(head + body.data)
            return
        self.wire.write(head)
        self._unsent = asyncio.get_running_loop().create_task(self._send_body(body))
        self._unsent.add_done_callback(_noticed)

    async def _send_body(self, body: Body) -> None:
        reader = read_body(body)
        chunked = body.length is None
        try:
            while piece := await reader.read():
                self.wire.write(chunk(piece) if chunked else piece)
                await self.wire.drained()
            if chunked:
                self.wire.write(last_chunk(body.trailers if isinstance(body, Stream) else ()))
            self._unsent = None
            if self._head is not None and self._head.over:
                self._rest()
        except (BodyError, OSError):
            self._unsent = None
            self._broken()
        finally:
            reader.close()

    def watch(self, now: float, stall: float) -> None:
        """See whether the backend has stood still for *stall* seconds; called now and then.

        How long its head may take is for the proxy's deadlines to say.
        """
        progress = (self._came, self.wire.unsent)
        body_due = self._told and self._head is not None and not self._head.over
        waiting = (body_due and not self.wire.held) or progress[1] > 0
        if not waiting or self.resting or progress != self._progress:
            self._progress, self.since = progress, now
        elif now - self.since > stall:
            logger.warning("%s: it has stood still for %g s", self.wire.peer, stall)
            self._late()

    def abort(self) -> None:
        """Break off."""
        self._tell = None
        self._settle()
        if self._unsent is not None:
            self._unsent.cancel()
            self._unsent = None
        self.wire.abort()

    # What the wire tells.

    def received(self, data: bytes) -> None:
        self.heard = True
        self._came += len(data)
        if self._switched:
            self.wire.early += data
            return
        if self._request is None:
            self.abort()  # nobody has asked
            return
        try:
            rest = self._reader.feed(data)
        except Refused:
            self._spoiled = True
            if self._head is None or not self._head.over:
                self._broken()
                return
            rest = None  # what follows a whole answer is nobody's
        if rest:
            self.wire.early = rest
        self._report()

    def ended(self) -> None:
        head = self._head
        if self._switched:
            return
        if head is not None and head.body is not None and _until_closed(head):
            head.body.finish()
            self._report()
            self.abort()
        else:
            self._broken()

    def lost(self) -> None:
        if self._unsent is not None:
            self._unsent.cancel()
        if not self._switched:
            self._broken()

    def _broken(self) -> None:
        """The answer, or the rest of it, will not come."""
        head = self._head
        if head is not None and head.body is not None:
            head.body.fail("the backend broke off")
        self.wire.abort()
        self._fail(RESET)

    def _late(self) -> None:
        self._timer = None
        if self._head is not None and self._head.body is not None:
            self._head.body.fail("the backend stood still")
        self.wire.abort()
        self._fail(LATE)

    # The answer.

    def _began(self, message: Message) -> Incoming | None:
        """The head of an answer is here."""
        request = self._request
        status = message.line
        if request is None or self._head is not None:
            raise Refused(502, "An answer that nobody asked for.")
        if status < 200 and status != 101:
            self._interim += 1
            if self._interim > MOST_INTERIM:
                raise Refused(502, "There are interim answers without end.")
            if self._hint is not None:
                self._hint(Response(status, message.fields.headers))
            return None
        if status == 101 and "upgrade" not in request.headers:
            raise Refused(502, "A change of protocol that nobody asked for.")
        tunnel = request.method == "CONNECT" and status < 300
        if tunnel and not _until_closed(message):
            raise Refused(502, "A tunnel has no length.")
        self._head = message
        # The reader takes an answer to HEAD for one whose body is to come.
        self._stale = request.method == "HEAD"
        if tunnel:
            return Incoming(self.wire, _nothing, self.abort)
        if bodiless(request.method, status):
            return None
        if message.fields.length == 0:
            return None
        return Incoming(self.wire, _nothing, self.abort)

    def _report(self) -> None:
        """Tell of the head, once it is here; what of the body has come with it goes along."""
        head = self._head
        if head is None:
            return
        if self._told:
            if head.over:
                self._rest()
            return
        self._told = True
        self._settle()
        tell, self._tell = self._tell, None
        status, incoming = head.line, head.body
        body: Body | None = None
        request = self._request
        if request is not None and request.method == "CONNECT" and status < 300:
            self._switch(incoming)
        elif status == 101:
            self._switch(None)
            body = Switched(Connection(self.wire.peer, world=self.wire))
        elif incoming is not None:
            whole = incoming.whole()
            body = Content(whole) if whole is not None else Stream(incoming, head.fields.length)
        response = Response(status, head.fields.headers)
        if head.over and not self._switched:
            self._rest()
        if tell is not None:
            tell(Head(response, body))

    def _switch(self, early: Incoming | None) -> None:
        """From here on the connection is no longer HTTP."""
        self._switched = True
        self._request = None
        if early is not None:
            self.wire.early = early.take()

    def _rest(self) -> None:
        """The answer is whole: the connection is free, or has served its time."""
        head, wire = self._head, self.wire
        if self._request is None or head is None:
            return
        reusable = head.keep_alive and not self._spoiled and not wire.gone and not wire.at_end
        if head.body is None and bodiless(self._request.method, head.line):
            # The reader knows nothing of the method: it judges by a length that is not there.
            reusable = reusable or _says_keep_alive(head)
        self._request = None
        if reusable and self._unsent is None:
            self._free(self)
        else:
            self.abort()

    def _fail(self, failure: Failure) -> None:
        self._settle()
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(failure)

    def _settle(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Tunnels.

    async def tunnel(self, ask: Request) -> Connection | Failure:
        """Send the CONNECT *ask*; the connection, where the proxy there has granted it."""
        told: asyncio.Future[Head | Failure] = asyncio.get_running_loop().create_future()
        self.ask(ask, None, lambda reply: None if told.done() else told.set_result(reply))
        reply = await told
        if isinstance(reply, Failure):
            return reply
        if not 200 <= reply.response.status < 300:
            self.abort()
            return Failure("denied" if reply.response.status == 403 else "refused", sent=True)
        return Connection(self.wire.peer, world=self.wire)


def _says_keep_alive(head: Message) -> bool:
    said = head.fields.headers.get("connection").lower()
    return "close" not in said and (head.version == "1.1" or "keep-alive" in said)


def _until_closed(head: Message) -> bool:
    """Whether the body ends with the connection."""
    return not head.fields.chunked and head.fields.length is None


def _authority(request: Request) -> str:
    host = f"[{request.host}]" if ":" in request.host else request.host
    return f"{host}:{request.port}"


def _noticed(task: asyncio.Task[None]) -> None:
    """An error while sending a body is a mistake of ours: let the loop tell of it."""
    if not task.cancelled() and (error := task.exception()) is not None:
        context = {"message": "A request's body could not be sent", "exception": error}
        task.get_loop().call_exception_handler(context)


def _nothing() -> None:
    pass
