"""Origin servers in simulated time: workers, a bounded queue, a speed, faults."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from proxysim.costs import Costs
from proxysim.messages import Headers, Response
from proxysim.policies.tls import Terms
from proxysim.sim.bodies import Body, whole
from proxysim.sim.channels import BROKEN
from proxysim.sim.cores import Cores
from proxysim.sim.dialling import Dial
from proxysim.sim.exchange import Call, Exchange
from proxysim.sim.mishaps import Mishaps
from proxysim.sim.probes import Probe
from proxysim.workload.distributions import Distribution
from proxysim.workload.streams import Chance

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["Server"]

FULL = Response(503, Headers((("retry-after", "1"), ("content-length", "0"))))
ERROR = Response(500, Headers((("content-length", "0"),)))


class Server(Mishaps):
    """One member of a group of servers.

    *workers* serve one request each at a time; *limit* may wait (None: any number), who comes then
    is answered 503. A request takes its demand over *speed*. With *abort* a request whose asker has
    gone leaves at once; otherwise the server finishes what it has. *chance* gives the demands of
    second and later attempts, *luck* says which requests :meth:`fail` meets.
    """

    forward = False

    def __init__(
        self,
        world: World,
        name: str,
        code: int,
        address: str,
        service: Distribution,
        chance: Chance,
        luck: Chance,
        costs: Costs,
        *,
        workers: int,
        limit: int | None,
        speed: float,
        cores: int,
        abort: bool,
        keep_alive: float,
        tls: Terms,
    ) -> None:
        self.world = world
        self.env = world.env
        self.name = name
        self.code = self.server_code = code
        self.address = address
        self.service = service.of
        self.chance = chance
        self.luck = luck
        self.failing = 0.0
        self._failings: list[float] = []
        self.costs = costs
        self.workers = workers
        self.limit = limit
        self.speed = speed
        self.abort = abort
        self.keep_alive = keep_alive
        super().__init__(Cores(world.env, cores))
        self.tls = tls
        self.tls_seconds = 0.0
        self.handshakes = Counter[str]()
        self.received = 0
        self.sent_bytes = 0
        self.busy = 0
        self.queue: deque[tuple[float, Exchange]] = deque()
        self.serving: set[Exchange] = set()
        self.sending: dict[Exchange, None] = {}
        self._silenced: list[tuple[float, Exchange]] = []
        # Time spent so far is the sum of ends less beginnings, and of the time for what goes on.
        self._busy_moments = 0.0
        self._queue_moments = 0.0

    # What the network brings.

    def open(self, dial: Dial) -> None:
        dial.accepted()

    def receive(self, exchange: Exchange) -> None:
        self.received += 1
        exchange.backend = exchange.served_by = self.code
        if self.failing and not self.silent and self._breaks(exchange):
            return
        if self.busy < self.workers and not self.silent:
            self._serve(exchange)
        elif self.limit is None or len(self.queue) < self.limit or self.silent:
            now = self.env.time
            self._queue_moments -= now
            self.queue.append((now, exchange))
        else:
            self._decline(exchange, FULL)

    def _breaks(self, exchange: Exchange) -> bool:
        """Whether the request is one of those that fail; it is answered then."""
        breaks = self.luck(exchange.call.id, exchange.attempt) < self.failing
        if breaks:
            self._decline(exchange, ERROR)
        return breaks

    def _decline(self, exchange: Exchange, response: Response) -> None:
        """Answer at once, without a worker."""
        if exchange.channel is not None:
            exchange.channel.answer(exchange, response, whole(0, self.code))

    def cancelled(self, exchange: Exchange) -> None:
        if not self.abort:
            return
        if exchange in self.serving:
            self.busy -= 1
            self._busy_moments += self.env.time
            self.serving.discard(exchange)
            self._next()
        else:
            waiting = [entry for entry in self.queue if entry[1] is not exchange]
            self._queue_moments += self.env.time * (len(self.queue) - len(waiting))
            self.queue = deque(waiting)

    # Serving.

    def _serve(self, exchange: Exchange) -> None:
        self.busy += 1
        self._busy_moments -= self.env.time
        self.serving.add(exchange)
        call = exchange.call
        if exchange.attempt == 1:
            demand = self.service(call.u, call.asset.size)
        else:
            demand = self._demand(call, exchange.attempt)
        demand = demand / self.speed * self.slowdown
        exchange.service = demand
        self.env.after(demand, self._served, exchange)

    def _demand(self, call: Call, attempt: int) -> float:
        """What a probe takes, or an attempt after the first."""
        if isinstance(call, Probe):
            return self.service(call.u, 0) if call.demand is None else call.demand
        return self.service(self.chance(call.id, attempt), call.asset.size)

    def _served(self, exchange: Exchange) -> None:
        if exchange not in self.serving:
            return  # it was reset, or left
        now = self.env.time
        if self.silent:
            self._silenced.append((now, exchange))
            return
        self.serving.discard(exchange)
        self.busy -= 1
        self._busy_moments += now
        if self.queue:
            self._next()
        if self.world.hop is not None:
            self.world.span(exchange.call.id, self.code, "service", now - exchange.service)
        if not exchange.over:
            self._answer(exchange)

    def _next(self) -> None:
        while self.queue and self.busy < self.workers and not self.silent:
            since, exchange = self.queue.popleft()
            self._queue_moments += self.env.time
            if exchange.over and self.abort:
                continue
            exchange.wait += self.env.time - since
            if self.world.hop is not None:
                self.world.span(exchange.call.id, self.code, "queue", since)
            self._serve(exchange)

    def _answer(self, exchange: Exchange) -> None:
        call, channel = exchange.call, exchange.channel
        asset = call.asset
        if channel is None:
            return
        response, length = asset.answer(exchange.request, call.recorded)
        self.sent_bytes += length
        body = whole(length, self.code, asset.text)
        seconds = self.costs.encrypt * length if channel.secure else 0.0
        if seconds:
            self.cores.run(seconds, self._encrypted, (exchange, response, body))
        else:
            self._send(exchange, response, body)

    def _encrypted(
        self, answer: tuple[Exchange, Response, Body], waited: float, took: float
    ) -> None:
        exchange, response, body = answer
        self.tls_seconds += took
        exchange.cpu += took
        exchange.wait += waited
        if not exchange.over:
            self._send(exchange, response, body)

    def _send(self, exchange: Exchange, response: Response, body: Body) -> None:
        assert exchange.channel is not None
        if not exchange.channel.answer(exchange, response, body, self._sent):
            self.sending[exchange] = None

    def _sent(self, exchange: Exchange) -> None:
        self.sending.pop(exchange, None)

    # Faults.

    def fail(self, share: float) -> None:
        """Until :meth:`heal`, answer that *share* of the requests 500; the largest share counts."""
        self._failings.append(share)
        self.failing = max(self._failings)

    def heal(self, share: float) -> None:
        """Fail that *share* no longer."""
        self._failings.remove(share)
        self.failing = max(self._failings, default=0.0)

    def _lose(self) -> None:
        lost = [*self.serving, *(exchange for _, exchange in self.queue)]
        now = self.env.time
        self._busy_moments += now * self.busy
        self._queue_moments += now * len(self.queue)
        self.serving.clear()
        self.queue.clear()
        self._silenced.clear()
        self.busy = 0
        sending, self.sending = self.sending, {}
        for exchange in sending:
            if exchange.arriving is not None:
                exchange.arriving.break_off()
        for exchange in sorted(lost, key=lambda found: (found.call.id, found.attempt)):
            if exchange.channel is not None and not exchange.over:
                exchange.channel.lost(exchange, BROKEN)

    def _resume(self) -> None:
        held, self._silenced = self._silenced, []
        now = self.env.time
        for since, exchange in held:
            if exchange not in self.serving:
                continue  # it has left
            exchange.wait += now - since
            self.serving.discard(exchange)
            self.busy -= 1
            self._busy_moments += now
            if not exchange.over:
                self._answer(exchange)
        self._next()

    # Meters.

    def areas(self) -> tuple[float, float, float]:
        """Worker-seconds busy, request-seconds queued, request-seconds inside, since the start."""
        now = self.env.time
        busy = self._busy_moments + now * self.busy
        queued = self._queue_moments + now * len(self.queue)
        return busy, queued, busy + queued
