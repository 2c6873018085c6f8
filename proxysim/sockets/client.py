"""A client's connection, as the proxy's end sees it: requests come, answers go, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Protocol

from proxysim.messages import Connection, Headers, Request, Response
from proxysim.proxies.effects import Effect, Handling, Opening, Send
from proxysim.sockets.answering import Answering
from proxysim.sockets.arrival import Arrival
from proxysim.sockets.driver import Driver
from proxysim.sockets.heads import Refused, read_target
from proxysim.sockets.hello import is_hello, record_length, server_name
from proxysim.sockets.limits import Limits
from proxysim.sockets.reading import Incoming, Message, RequestReader
from proxysim.sockets.run import Run
from proxysim.sockets.wire import WINDOW, Wire

__all__ = ["Client", "House"]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
#: What the log has for a client that left before it was answered (as nginx has it).
CLIENT_LEFT = 499


class House(Protocol):
    """What clients are received by."""

    limits: Limits
    driver: Driver
    #: "http" or "https", as its clients speak.
    scheme: str
    #: Whether the requests are meant for others: targets in absolute form, tunnels.
    forward: bool
    #: Whether it takes no further requests.
    draining: bool
    #: Whether answers without a date are given one.
    dated: bool
    #: A coarse clock, in seconds.
    now: float
    #: How many tunnels are open.
    tunnels: int
    #: A fine one.
    time: Callable[[], float]

    def opened(self, connection: Connection) -> Generator[Effect, Any, Opening]: ...
    def handle(self, request: Request) -> Handling: ...
    def interim(self, response: Response) -> Response | None: ...
    def answered(self, client: Client) -> None: ...


class Client(Answering):
    """One client's connection; ``switched``: it speaks something other than HTTP by now."""

    def __init__(self, wire: Wire, house: House, sni: str = "", *, encrypted: bool = False) -> None:
        super().__init__(wire)
        self.house = house
        self.dated = house.dated
        self.began = 0.0
        self._sni = sni
        self._encrypted = encrypted
        self._reader = RequestReader(self._arrived, house.limits)
        self._queue: deque[Arrival] = deque()
        self._run: Run | None = None
        self._newest: Message | None = None  # the one that came last
        self._refusal: Refused | None = None
        self._open = False
        self._deaf = False
        self._ended = False
        self._switching = False  # it was asked for something other than HTTP
        self.switched = False
        self._proceeding = False
        self._since = self._heard = house.now
        self._unsent = 0

    @property
    def gone(self) -> bool:
        """Whether nobody is there to be answered."""
        return self.wire.gone

    @property
    def held(self) -> int:
        """Bytes that wait here, from the client or for it."""
        body = self._newest.body if self._newest is not None else None
        return self.wire.unsent + (0 if body is None else body.held)

    @property
    def idle(self) -> bool:
        """Whether no request is under way."""
        busy = self._deaf or self._queue or self._reader.in_head
        return self._run is None and not busy

    # What the wire tells.

    def received(self, data: bytes) -> None:
        if self._deaf or self._refusal is not None:
            self._heard = self.house.now
            return
        if not self._open:
            self._greet(data)
        elif self._switching:
            self.wire.early += data
            if len(self.wire.early) > WINDOW:
                self.wire.hold("switch")
        else:
            since, newest = self._since, self._newest
            if not self._reader.in_head:
                self._since = self.house.now
            self._read(data)
            if newest is self._newest and self.idle:
                self._since = since  # empty lines are no sign of life

    def ended(self) -> None:
        """The client says no more. What it has asked is still answered (a half-close)."""
        self._ended = True
        newest = self._newest
        if self.switched:
            return
        if newest is not None and not newest.over:
            self._break_off(newest)
        if self._deaf or (self._run is None and not self._queue):
            self.wire.close()

    def lost(self) -> None:
        self._queue.clear()
        if self._newest is not None and self._newest.body is not None:
            self._newest.body.fail("the client has gone")
        run = self._run
        if run is not None:
            if self.request is not None and not self.begun:
                self.status = CLIENT_LEFT
                self.house.answered(self)
            run.left()

    def watch(self) -> None:
        """See whether the client is too slow; called now and then."""
        limits, wire, now = self.house.limits, self.wire, self.house.now
        waited = now - self._since
        unsent = wire.unsent
        if unsent != self._unsent:
            self._unsent, self._since = unsent, now
        elif unsent:
            if waited > limits.stall:
                wire.abort()
        elif self._deaf:
            if waited > limits.linger or now - self._heard > limits.silence:
                wire.close()
        elif self.switched or self._run is not None or self._queue:
            message = self.message
            body = message.body if message is not None else None
            slow = body is not None and body.begun and not body.over and not wire.held
            if slow and waited > limits.stall:
                self._refuse_now(Refused(408, "The body did not come in time."))
        elif self._reader.in_head or not self._open:
            if waited > limits.header_time:
                self._refuse_now(Refused(408, "The request did not come in time."))
        elif waited > limits.idle:
            wire.close()

    # Requests, as they come.

    def _greet(self, data: bytes) -> None:
        """The first bytes: the proxy is asked what it makes of the connection, before they are."""
        wire = self.wire
        wire.early += data
        if self._run is not None:
            return
        early = wire.early
        plain_tls = not self._encrypted and is_hello(early)
        if plain_tls:
            length = record_length(early)
            if length is None or len(early) < length:
                return
            self._sni = server_name(early)
        wire.hold("greeting")
        connection = Connection(wire.peer, self._sni)

        def decided(run: Run) -> None:
            self._run = None
            # TLS that the proxy neither ends nor relays is of no use.
            if run.value is not Opening.ACCEPT or plain_tls:
                wire.close()
                return
            self._open = True
            data, wire.early = wire.early, b""
            wire.flow("greeting")
            self._read(data)

        self._run = Run(self.house.driver, self.house.opened(connection), self, decided)
        self._run.start()

    def _read(self, data: bytes) -> None:
        try:
            rest = self._reader.feed(data)
        except Refused as refusal:
            self._stop_at(refusal)
        else:
            if rest is not None:
                self._switching = True
                self.wire.early = rest
        self._proceed()

    def _arrived(self, message: Message) -> Incoming | None:
        """The head of a request is here; raises Refused."""
        method, line = message.line
        fields = message.fields
        house = self.house
        if not fields.hosts and message.version == "1.1":
            raise Refused(400, "No Host is given.")
        if fields.confusing:
            raise Refused(400, "A field has underscores where it should have dashes.")
        has_body = fields.chunked or bool(fields.length)
        if method == "CONNECT":
            if not house.forward:
                raise Refused(405, "Tunnels are not served here.")
            if has_body or fields.length is not None:
                raise Refused(400, "A request for a tunnel has no body.")
            if house.tunnels >= house.limits.tunnels:
                raise Refused(503, "There are too many tunnels.")
        target = read_target(method, line, fields.hosts, house.scheme)
        if not target.host:
            raise Refused(400, "No host is given.")
        if not house.forward and target.scheme != house.scheme:
            raise Refused(400, "This is not how that scheme is spoken.")
        if house.forward and not target.absolute:
            raise Refused(400, "This is a forward proxy: ask it for whole addresses.")
        body = None
        if has_body:
            body = Incoming(self.wire, self._go_on, lambda: None)
        self._newest = message
        self._queue.append(Arrival(message, target))
        return body

    def _proceed(self) -> None:
        """Answer what has come, one request after another."""
        if self._proceeding:
            return
        self._proceeding = True
        while self._run is None and self._queue and not self.wire.gone and not self._deaf:
            self._serve(self._queue.popleft())
        self._proceeding = False
        if len(self._queue):
            self.wire.hold("queue")
        elif self.wire.held:
            self.wire.flow("queue")
        if self._run is None and not self._deaf and not self.switched:
            if self._refusal is not None:
                self.refuse(self._refusal)
            elif self._ended or (self.house.draining and not self._reader.in_head):
                self.wire.close()

    def _serve(self, arrival: Arrival) -> None:
        message = arrival.message
        house = self.house
        self.message = message
        self.begun = False
        self._since = house.now
        self.began = house.time()
        self.status = self.sent = 0
        self.keep = message.keep_alive and not house.draining
        self.request = request = arrival.request(self.wire.peer)
        self._run = run = Run(house.driver, house.handle(request), self, self._served)
        run.start()

    def _served(self, run: Run) -> None:
        """The proxy is done with the request."""
        self._run = None
        self._since = self.house.now
        message = self.message
        if self.switched or self._deaf or message is None:
            return
        if not self.status:
            self.refuse(Refused(500, "The proxy has failed."))
            return
        self.house.answered(self)
        self.message = None
        if self.wire.gone:
            return
        if message.switches and self.keep:
            self._restart()
        elif message.over:
            self._next()
        elif message.body is not None and not message.uninvited:
            message.body.skip(self._skipped)
        else:
            self._close_gently()

    def _restart(self) -> None:
        """What was asked for, something other than HTTP, was not given."""
        rest, self.wire.early = self.wire.early, b""
        self._switching = False
        self._reader.restart()
        self.wire.flow("switch")
        if rest:
            self._read(rest)
        else:
            self._proceed()

    def _next(self) -> None:
        if not self.keep:
            self._queue.clear()
            self._close_gently()
        else:
            self._proceed()

    def _skipped(self, whole: bool) -> None:
        if whole:
            self._next()
        else:
            self._close_gently()

    def _go_on(self) -> None:
        """Somebody wants the body: give leave to send it, where that was asked for."""
        message = self.message
        if message is None or message.version == "1.0" or self.begun:
            return
        if message.fields.expects:
            self.wire.write(CONTINUE)

    # Refusals, and ends.

    def _stop_at(self, refusal: Refused) -> None:
        """What has come is not taken; what came whole before it is still answered."""
        self._refusal = refusal
        newest = self._newest
        if newest is not None and not newest.over:
            self._break_off(newest)

    def _break_off(self, message: Message) -> None:
        """*message* will not come whole: whatever was begun for it ends."""
        if message.body is not None:
            message.body.fail("the client broke off")
        if message is self.message:
            run, self._run, self.message = self._run, None, None
            if run is not None:
                run.close()
            if self.begun:
                self.wire.abort()
        else:
            self._queue = deque(found for found in self._queue if found.message is not message)

    def _refuse_now(self, refusal: Refused) -> None:
        """Waiting any longer makes no sense."""
        if self._newest is None and not self._reader.in_head and not self.wire.early:
            self.wire.close()  # it has not said a word
            return
        self._stop_at(refusal)
        self._proceed()

    def refuse(self, refusal: Refused) -> None:
        """Answer *refusal*, for the proxy, and close."""
        self.keep = False
        if self.message is None:
            self.request = None
            self.began = self.house.time()
        self.message = None
        text = f"{refusal.status} {refusal.says}\n".encode()
        headers = Headers([("content-type", "text/plain; charset=utf-8")])
        if not self.wire.gone:
            effect = Send(Response(refusal.status, headers))
            self.send(effect, text, bare=self.bare(effect.response))
            self.house.answered(self)
        self._close_gently()

    def _close_gently(self) -> None:
        """Close, so that what was said last arrives: whatever still comes is thrown away first."""
        self._deaf = True
        self._since = self._heard = self.house.now
        wire, newest = self.wire, self._newest
        for reason in ("queue", "body", "switch", "greeting"):
            wire.flow(reason)
        # Under TLS nobody can be told of the end but by closing.
        sending = self._refusal is not None or (newest is not None and not newest.over)
        if self._ended or not (wire.end() or sending):
            wire.close()

    # Where answers end otherwise.

    def break_off(self) -> None:
        """The body will not be whole, and the client must not think that it is."""
        self.keep = False
        self._deaf = True
        self.house.answered(self)
        self.wire.abort()

    def switch(self, response: Response | None) -> None:
        """From here on the connection is no longer HTTP; *response* is said first."""
        self.switched = True
        self.house.tunnels += 1
        if response is not None:
            self.wire.write(self.head(response, None))

    def relayed(self, down: int) -> None:
        """What it was switched to is over; *down* bytes have gone to the client."""
        self.house.tunnels -= 1
        self.sent = down
        if self.request is not None:
            self.house.answered(self)
