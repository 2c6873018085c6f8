"""An origin server on its socket: real bytes, and demands kept to absolute times."""

from __future__ import annotations

import ssl
import time
from collections import Counter
from math import inf, isnan, prod
from typing import Any

from proxysim.loopback.alarm import Alarm, Entry
from proxysim.loopback.bodies import content
from proxysim.loopback.desk import Desk, Job
from proxysim.loopback.door import Door
from proxysim.loopback.records import Served
from proxysim.loopback.sessions import handshake_of
from proxysim.loopback.tags import Tag, tag_of
from proxysim.loopback.telling import Teller
from proxysim.loopback.ways import end_of
from proxysim.messages import Headers, Request, Response
from proxysim.scenario import nodes as said
from proxysim.sockets.heads import Refused, read_target
from proxysim.sockets.limits import Limits
from proxysim.sockets.reading import Incoming, Message, RequestReader
from proxysim.sockets.wire import Wire
from proxysim.sockets.writing import bodiless, date_line, field_lines, status_line
from proxysim.workload.content import Asset, Library
from proxysim.workload.distributions import Distribution
from proxysim.workload.streams import Chance

__all__ = ["Origin"]

FULL = Response(503, Headers((("retry-after", "1"), ("content-length", "0"))))
ERROR = Response(500, Headers((("content-length", "0"),)))
MISSING = Response(404, Headers((("content-length", "0"),)))
LIMITS = Limits(target=64 * 1024)
#: How much longer than said an idle connection is kept: whoever asks is to close it first.
GRACE = 2.0
NOBODY = Tag(0, 0.0)


class Origin:
    """One member of a group of servers: see :class:`proxysim.sim.servers.Server`.

    *libraries* hold the objects by host; *chance* and *luck* are the member's.
    """

    def __init__(
        self,
        alarm: Alarm,
        name: str,
        address: str,
        node: said.Server,
        speed: float,
        service: Distribution,
        libraries: dict[str, Library],
        chance: Chance,
        luck: Chance,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.alarm = alarm
        self.name = name
        self.node = node
        self.speed = speed
        self.service = service.of
        self.libraries = libraries
        self.chance = chance
        self.luck = luck
        self.desk = Desk(node.workers, node.queue, self._done)
        self.door = Door(address, self._plain, self._secure, tls)
        self.log: list[Served] = []
        self.teller: Teller | None = None  # where what it hears is to be told
        self.handshakes = Counter[str]()
        self.dated = False  # our proxies are told the time of the run, others that of the day
        self.visits: set[_Visit] = set()
        self.received = 0
        self.sent_bytes = 0
        self._downs = self._silences = 0
        self._slowdowns: list[float] = []
        self._failings: list[float] = []
        self._entry: Entry | None = None
        self._set_for = inf

    @property
    def idle(self) -> bool:
        """Whether it does nothing: there is nothing to do, or it is silent."""
        return self.desk.idle or self._silences > 0

    def _plain(self) -> Wire:
        return Wire(lambda wire: _Visit(self, wire, secure=False), _nothing)

    def _secure(self) -> Wire:
        return Wire(lambda wire: _Visit(self, wire, secure=True), _nothing)

    # Requests.

    def receive(self, ask: _Ask) -> None:
        """All of a request is here."""
        self.received += 1
        now = self.alarm.time
        tag = ask.tag
        failing = max(self._failings, default=0.0)
        if failing and not self._silences and self.luck(abs(tag.id), tag.attempt) < failing:
            self._decline(ask, ERROR, now)
            return
        job = ask.visit.job = Job(ask, ask.demand)
        if self.desk.arrive(job, now):
            self._set()
        else:
            ask.visit.job = None
            self._decline(ask, FULL, now)

    def demand(self, tag: Tag, size: int) -> float:
        """Seconds that a worker takes."""
        if tag.demand is not None:
            seconds = self.service(tag.u, 0) if isnan(tag.demand) else tag.demand
        elif tag.attempt == 1:
            seconds = self.service(tag.u, size)
        else:
            seconds = self.service(self.chance(tag.id, tag.attempt), size)
        return seconds / self.speed * prod(self._slowdowns)

    def _done(self, job: Job) -> None:
        ask: Any = job.owner
        ask.visit.job = None
        sent = 0 if job.gone else ask.answer()
        self.sent_bytes += sent
        self._note(ask, job.arrived, job.began, job.ends, sent)

    def _decline(self, ask: _Ask, response: Response, now: float) -> None:
        ask.visit.answer(response, b"")
        self._note(ask, now, now, now, 0)

    def _note(self, ask: _Ask, arrived: float, began: float, ended: float, sent: int) -> None:
        visit, fields = ask.visit, ask.request.headers.fields
        chain = fields.get("x-forwarded-for") or fields.get("forwarded", "")
        self.log.append(
            Served(
                ask.tag.id,
                ask.tag.attempt,
                visit.peer,
                visit.secure,
                chain,
                ask.request.host,
                arrived,
                began,
                ended,
                sent,
            )
        )

    def gone(self, job: Job) -> None:
        """Who asked has left."""
        job.gone = True
        if self.node.on_disconnect == "abort":
            self.desk.leave(job, self.alarm.time)
            self._set()

    def _set(self) -> None:
        """Have the alarm ring when the next job ends."""
        due = self.desk.due
        if due == self._set_for:
            return
        if self._entry is not None:
            self.alarm.cancel(self._entry)
        self._set_for = due
        self._entry = None if due == inf else self.alarm.at(due, self._rang)

    def _rang(self, _: Any) -> None:
        self._entry, self._set_for = None, inf
        self.desk.advance(self.alarm.time)
        self._set()

    # What befalls it.

    def go_down(self) -> None:
        """Refuse and reset everything until :meth:`come_up`."""
        self._downs += 1
        self.door.shut()
        now = self.alarm.time
        for job in self.desk.clear(now):
            ask: Any = job.owner
            ask.visit.job = None
            self._note(ask, job.arrived, now, now, 0)
        for visit in tuple(self.visits):
            visit.wire.abort()
        self._set()

    def come_up(self) -> None:
        """Take connections again, unless something else keeps it down."""
        self._downs -= 1
        if not self._downs:
            self.door.open()

    def go_silent(self) -> None:
        """Take what comes and answer nothing until :meth:`speak`."""
        self._silences += 1
        self.desk.hush(self.alarm.time)
        self._set()

    def speak(self) -> None:
        """Go on with all that came meanwhile, unless something else keeps it silent."""
        self._silences -= 1
        if not self._silences:
            self.desk.speak(self.alarm.time)
            self._set()

    def slow(self, factor: float) -> None:
        """Until :meth:`recover`, what begins takes *factor* times as long."""
        self._slowdowns.append(factor)

    def recover(self, factor: float) -> None:
        """Be *factor* times slow no longer."""
        self._slowdowns.remove(factor)

    def fail(self, share: float) -> None:
        """Until :meth:`heal`, answer that *share* of the requests 500; the largest share counts."""
        self._failings.append(share)

    def heal(self, share: float) -> None:
        """Fail that *share* no longer."""
        self._failings.remove(share)

    def sweep(self) -> None:
        """Close what has been idle for too long; called now and then."""
        now = self.alarm.time
        for visit in tuple(self.visits):
            if visit.job is None and now - visit.since > self.node.keep_alive + GRACE:
                visit.wire.close()

    def close(self) -> None:
        """Give everything up."""
        self.door.close()
        for visit in tuple(self.visits):
            visit.wire.abort()


class _Ask:
    """A request, and the connection that it came on."""

    __slots__ = ("asset", "origin", "request", "tag", "visit")

    def __init__(self, origin: Origin, visit: _Visit, request: Request) -> None:
        self.origin = origin
        self.visit = visit
        self.request = request
        self.tag = tag_of(request.headers) or NOBODY
        self.asset: Asset | None = None
        library = origin.libraries.get(request.host)
        number = None if library is None else library.catalogue.find(request.path)
        if self.tag.demand is not None:
            self.asset = Asset(request.host, request.path, 0, (0, 0), False, "no-store")
        elif library is not None and number is not None:
            self.asset = library[number]

    def demand(self) -> float:
        return self.origin.demand(self.tag, 0 if self.asset is None else self.asset.size)

    def answer(self) -> int:
        """Answer; how many bytes the body has."""
        asset = self.asset
        if asset is None:
            return self.visit.answer(MISSING, b"")
        response, length = asset.answer(self.request, self.tag.recorded)
        return self.visit.answer(response, content(asset.path, length, text=asset.text))


class _Visit:
    """A connection to a server: a request comes, is answered, and so again."""

    def __init__(self, origin: Origin, wire: Wire, *, secure: bool) -> None:
        self.origin = origin
        self.wire = wire
        self.secure = secure
        if secure:
            origin.handshakes[handshake_of(wire)] += 1
        self.peer = end_of(wire)
        self.job: Job | None = None
        self.since = origin.alarm.time
        self._method = "GET"
        self._keep = True
        self._reader = RequestReader(self._began, LIMITS)
        origin.visits.add(self)

    def received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
        except Refused:
            self.wire.abort()

    def ended(self) -> None:
        self.wire.close()

    def lost(self) -> None:
        self.origin.visits.discard(self)
        job, self.job = self.job, None
        if job is not None:
            self.origin.gone(job)

    def _began(self, message: Message) -> Incoming | None:
        """The head of a request is here."""
        method, line = message.line
        fields = message.fields
        scheme = "https" if self.secure else "http"
        target = read_target(method, line, fields.hosts, scheme)
        request = Request(
            method,
            scheme,
            target.host,
            target.port,
            target.path,
            fields.headers,
            self.peer[0],
        )
        self._method = method
        self._keep = message.keep_alive
        ask = _Ask(self.origin, self, request)
        if self.origin.teller is not None:
            self.origin.teller.request(self.origin.name, ask.tag, request, forward=False)
        if fields.chunked or fields.length:
            return _Upload(self.wire, lambda: self.origin.receive(ask))
        self.origin.receive(ask)
        return None

    def answer(self, response: Response, body: bytes) -> int:
        """Write an answer; how many bytes of body were sent."""
        self.since = self.origin.alarm.time
        bare = bodiless(self._method, response.status)
        lines = field_lines(response.headers, sized=True)
        end = b"\r\n" if self._keep else b"connection: close\r\n\r\n"
        if self.origin.dated:
            lines += date_line(int(time.time()))
        head = status_line(response.status) + lines + end
        self.wire.write(head if bare else head + body)
        if not self._keep:
            self.wire.close()
        return 0 if bare else len(body)


class _Upload(Incoming):
    """The body of a request: only that all of it has come matters."""

    def __init__(self, wire: Wire, whole: Any) -> None:
        super().__init__(wire, _nothing, _nothing)
        self._whole = whole

    def feed(self, chunk: bytes) -> None:
        """A piece has come."""

    def finish(self, trailers: tuple[tuple[str, str], ...] = ()) -> None:
        """The end has come."""
        super().finish(trailers)
        self._whole()


def _nothing(*_: Any) -> None:
    pass
