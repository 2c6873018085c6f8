"""One request of a client on sockets: from wanting it to its last byte."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING, Any

from proxysim.loopback.alarm import Alarm, Entry
from proxysim.loopback.asking import Answer, Line
from proxysim.loopback.records import Asked
from proxysim.loopback.tags import FIELD, Tag
from proxysim.loopback.ways import end_of, secured
from proxysim.messages import Failure, Headers, Response
from proxysim.policies.cookies import remembered
from proxysim.policies.retry import IDEMPOTENT
from proxysim.scenario.build_clients import UPLOADING
from proxysim.sockets.wire import Wire
from proxysim.workload.draws import Draw

if TYPE_CHECKING:
    from proxysim.loopback.group import Clients

__all__ = ["Errand", "Road"]


@dataclass(frozen=True, slots=True)
class Road:
    """How a group reaches a site: one of *fronts*, over TLS if *secure*, by CONNECT if *tunnel*.

    *forward*: the front is a forward proxy, and is told the whole address. Idle connections are
    kept for *kept* seconds.
    """

    fronts: tuple[str, ...]
    host: str
    secure: bool
    tunnel: bool
    forward: bool
    upload: int
    headers: Headers
    kept: float


class Errand:
    """One request of a client, from wanting it to its last byte."""

    __slots__ = (
        "asset",
        "at",
        "clients",
        "data",
        "draw",
        "entry",
        "finished",
        "key",
        "line",
        "road",
        "sent",
        "taken",
        "task",
        "then",
        "uploaded",
        "waited",
    )

    def __init__(
        self, clients: Clients, draw: Draw, at: float, then: Callable[[], Any] | None
    ) -> None:
        self.clients = clients
        self.draw = draw
        self.at = at
        self.then = then
        self.road = clients.roads[draw.site]
        self.asset = clients.libraries[draw.site][draw.object]
        self.line: Line | None = None
        self.task: asyncio.Task[None] | None = None
        self.entry: Entry | None = None
        self.taken = clients.alarm.time
        self.sent = nan
        self.waited = 0.0
        self.uploaded = 0
        self.finished = False
        self.key: Any = None
        self.data = b""

    @property
    def front(self) -> str:
        fronts = self.road.fronts
        return fronts[self.draw.member % len(fronts)]

    def begin(self) -> None:
        clients, road = self.clients, self.road
        if clients.patience is not None:
            self.entry = clients.alarm.at(self.at + clients.patience, self._impatient)
        by_host = road.tunnel or road.secure
        self.key = (self.draw.member, road.host if by_host else self.front)
        pool = clients.pool
        line = pool.idle(self.key)
        if line is not None:
            self._ask(line)
        elif pool.full(self.key):
            began = clients.alarm.time
            pool.wait(self.key, lambda line: self._freed(line, began))
        else:
            self._dial()

    def _freed(self, line: Line | None, began: float) -> bool:
        if self.finished:
            return False
        self.waited += self.clients.alarm.time - began
        if line is not None:
            self._ask(line)
        else:
            self._dial()
        return True

    # A new connection.

    def _dial(self) -> None:
        self.clients.pool.reserve(self.key)
        self.task = self.clients.beside(self._opened())

    async def _opened(self) -> None:
        clients, road, member = self.clients, self.road, self.draw.member
        lines: list[Line] = []

        def made(wire: Wire) -> Line:
            if not lines:
                lines.append(Line(wire, lambda: clients.alarm.time, clients.pool.gone))
                lines[0].key, lines[0].kept = self.key, road.kept
            return lines[0]

        if clients.lookup is not None:
            wait = clients.lookup(member, road.host, self.draw.id)
            if wait:
                await asyncio.sleep(wait)
        wire = Wire(made, _nothing)
        opened = False
        try:
            failure = await self._reach(wire, lines)
            opened = failure is None and not wire.gone
        finally:
            self.task = None
            if not opened:
                clients.pool.unreserve(self.key)
                if lines:
                    lines[0].drop()
        if isinstance(failure, Answer):
            self._answered(failure)
        elif failure is not None:
            self._fail("timeout" if failure.kind == "timeout" else "reset")
        elif wire.gone:
            self._fail("reset")
        else:
            clients.pool.adopt(lines[0])
            if self.finished:
                clients.pool.release(lines[0])
            else:
                self._ask(lines[0])

    async def _reach(self, wire: Wire, lines: list[Line]) -> Failure | Answer | None:
        """Connect, ask for a tunnel where one is needed, and shake hands."""
        clients, road, member = self.clients, self.road, self.draw.member
        source = clients.address(member) if clients.sources else ""
        tls = None
        if road.secure and clients.sessions is not None:
            tls = clients.sessions.context(self._visited)
        failure = await clients.ways.dial(
            wire,
            clients.name,
            self.front,
            member=clients.code + member,
            source=source,
            request=self.draw.id,
            tls=None if road.tunnel else tls,
            server_name=road.host,
            told=self._stepped,
        )
        if failure is not None:
            return failure
        lines[0].place = end_of(wire, "sockname")
        if not road.tunnel or tls is None:
            return None
        refused = await self._tunnel(lines[0])
        if refused is not None:
            return refused
        began = clients.alarm.time
        failure = await secured(wire.transport, wire, tls, road.host)
        if failure is None:
            self._stepped("tls", began, 0)
        return failure

    @property
    def _visited(self) -> tuple[int, str]:
        """Who asks, and which host: under this, sessions are kept."""
        return self.draw.member, self.road.host

    def _stepped(self, step: str, began: float, _: int) -> None:
        clients = self.clients
        clients.handshakes.append((self.draw.id, step, began, clients.alarm.time))

    async def _tunnel(self, line: Line) -> Answer | None:
        """Send CONNECT; the answer, where it is a refusal."""
        told: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        host = f"{self.road.host}:443"
        tag = Tag.of(self.draw).text
        lines = "".join(f"{name}: {text}\r\n" for name, text in self.clients.connect)
        data = f"CONNECT {host} HTTP/1.1\r\nhost: {host}\r\n{FIELD}: {tag}\r\n{lines}\r\n"
        line.ask("CONNECT", data.encode("latin-1"), told.set_result)
        answer = await told
        line.used = 0
        if answer.status < 300:
            self._tell(answer, self.front, secure=False)
        return None if 200 <= answer.status < 300 else answer

    # The request itself.

    def _ask(self, line: Line) -> None:
        clients = self.clients
        self.line = line
        if not self.data:
            self.data = self._written()
        self.sent = clients.alarm.time
        crossing = clients.ways.crossings.get(line.wire)
        if crossing is not None:
            crossing.expect(self.draw.id, 1)  # what TLS hides cannot be read off the wire
        line.ask(self.draw.method, self.data, self._answered)

    def _written(self) -> bytes:
        draw, road, asset = self.draw, self.road, self.asset
        headers = self.clients.jar.get(self._visited, road.headers)
        if draw.recorded is not None:
            headers = asset.asked(headers, draw.recorded)
        body = b""
        if road.upload and draw.method in UPLOADING:
            body = b"x" * road.upload
            self.uploaded = len(body)
            headers = headers.set("content-length", str(len(body)))
        scheme = "" if road.tunnel or not road.forward else f"http://{road.host}"
        lines = "".join(f"{name}: {text}\r\n" for name, text in headers)
        head = (
            f"{draw.method} {scheme}{asset.path} HTTP/1.1\r\nhost: {road.host}\r\n"
            f"{FIELD}: {Tag.of(draw).text}\r\n{lines}\r\n"
        )
        return head.encode("latin-1") + body

    def _answered(self, answer: Answer) -> None:
        if self.finished:
            return
        line, clients = self.line, self.clients
        if answer.failure:
            stale = line is not None and line.used > 1 and answer.first_byte is None
            if stale and self.draw.method in IDEMPOTENT:
                # A kept connection that proves to be closed is no failure: RFC 9112, 9.3.1.
                self.line = None
                self.begin_again()
                return
            self._fail("reset")
            return
        end = clients.alarm.time
        if line is not None and line.used == 1 and clients.sessions and self.road.secure:
            clients.sessions.keep(self._visited, line.wire)
        headers = answer.headers
        if "set-cookie" in headers.fields:
            key = self._visited
            clients.jar[key] = remembered(
                clients.jar.get(key) or self.road.headers, Response(answer.status, headers)
            )
        self._end(answer, end, "")
        if line is not None:
            clients.pool.release(line)

    def begin_again(self) -> None:
        """Ask by another connection."""
        if self.entry is not None:
            Alarm.cancel(self.entry)
        self.begin()

    def _tell(self, answer: Answer, sender: str, *, secure: bool) -> None:
        """Tell of the head of *answer*, where somebody wants to know."""
        clients, draw = self.clients, self.draw
        if clients.teller is not None and answer.status:
            name = f"{clients.name}-{draw.member + 1}"
            response = Response(answer.status, answer.headers)
            clients.teller.response(name, draw.id, 1, sender, response, secure=secure)

    def _fail(self, why: str) -> None:
        if not self.finished:
            self._end(None, self.clients.alarm.time, why)

    def _impatient(self, _: Any) -> None:
        if not self.finished:
            self._fail("patience")
            self._give_up()

    def _give_up(self) -> None:
        if self.task is not None:
            self.task.cancel()
        if self.line is not None:
            self.line.drop()

    def leave(self) -> None:
        """The run is over before the request."""
        self._end(None, nan, "")
        self._give_up()

    def _end(self, answer: Answer | None, end: float, failure: str) -> None:
        self.finished = True
        if self.entry is not None:
            Alarm.cancel(self.entry)
        if answer is not None:
            self._tell(answer, "", secure=self.road.secure and self.line is not None)
        draw, line = self.draw, self.line
        coding = "" if answer is None else answer.headers.get("content-encoding")
        first = nan if answer is None or answer.first_byte is None else answer.first_byte
        fields = self.road.headers.fields
        self.clients.over(
            self,
            Asked(
                draw.id,
                draw.member,
                draw.site,
                draw.object,
                draw.method,
                self.at,
                self.taken,
                self.sent,
                first,
                end,
                0 if answer is None else answer.status,
                0 if answer is None else answer.length,
                self.uploaded,
                coding,
                self.road.secure and line is not None,
                self.waited,
                self.front,
                ("", 0) if line is None else line.place,
                failure,
                not isnan(end),
                fields.get("x-forwarded-for") or fields.get("forwarded", ""),
            ),
        )


def _nothing(wire: Wire) -> None:
    pass
