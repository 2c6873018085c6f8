"""A proxy's place in simulated time: what reaches it becomes generators, which tasks run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any

from proxysim.costs import Costs
from proxysim.messages import Connection, Failure
from proxysim.policies.tls import Terms
from proxysim.proxies.effects import Connect, Fetch, Opening
from proxysim.proxies.forward import ForwardProxy
from proxysim.proxies.reverse import ReverseProxy
from proxysim.sim.channels import BROKEN, Channel, Endpoint
from proxysim.sim.cores import Cores
from proxysim.sim.deciphering import Deciphering
from proxysim.sim.dialling import Dial, as_connection
from proxysim.sim.exchange import Account, Call, Exchange
from proxysim.sim.mishaps import Mishaps
from proxysim.sim.names import Names
from proxysim.sim.pools import Pool
from proxysim.sim.probes import Probes
from proxysim.sim.tasks import Task

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["ProxyNode"]

Resolve = Callable[[str], Endpoint]


class ProxyNode(Mishaps):
    """A :class:`ForwardProxy` or :class:`ReverseProxy`, its cores, connections and faults.

    *resolve* finds the endpoint of a backend's name, or of a host for a forward proxy. *secure*
    says whether it speaks TLS to its backends; *lookup* and *ttl* what resolving a name costs.
    """

    def __init__(
        self,
        world: World,
        name: str,
        code: int,
        address: str,
        proxy: ForwardProxy | ReverseProxy,
        resolve: Resolve,
        costs: Costs,
        *,
        cores: int | None,
        keep_alive: float,
        tls: Terms,
        secure: bool = False,
        lookup: float = 0.0,
        ttl: float = 60.0,
    ) -> None:
        self.world = world
        self.env = world.env
        self.name = name
        self.code = code
        self.server_code = 0
        self.forward = isinstance(proxy, ForwardProxy)
        self.address = address
        self.proxy = proxy
        self.handle = proxy.handle
        self.resolve = resolve
        self.costs = costs
        if not costs.request and not lookup:
            self.fetch = self.reach  # type: ignore[method-assign]
        self.secure = secure
        self.deciphers = secure and costs.decrypt > 0
        self.names = Names(world, lookup, ttl)
        self.route = self._resolve if lookup else self.reach
        super().__init__(Cores(world.env, cores))
        self.keep_alive = keep_alive
        self.pool = Pool(world, keep_alive)
        self.tls = tls
        self.tls_seconds = 0.0
        self.handshakes = Counter[str]()
        self.received = 0
        self.sent_bytes = 0
        self.hits = self.misses = self.hit_bytes = self.miss_bytes = 0
        self.inside: dict[Exchange, Task | None] = {}
        self.beside: dict[Task, None] = {}
        self._inside_moments = 0.0  # ends less beginnings of all stays, so far
        self.probes = Probes(world, name, proxy)
        if world.teller is not None:
            world.teller.listen(self)
        self._return()

    # What the network brings.

    def open(self, dial: Dial) -> None:
        """Ask the proxy what it makes of a new connection."""
        opened = self.proxy.opened(Connection(dial.channel.peer, dial.sni, dial))
        try:
            effect = next(opened)
        except StopIteration as decided:  # as nearly always, at once: it needs no task
            _decide(dial, decided.value)
            return
        task = Task(self, _resumed(opened, effect), dial.account, dial.call)
        task.opening = dial
        task.ended = partial(_decide, dial)
        dial.undo = task.close
        self.adopt(task)
        task.start()

    def receive(self, exchange: Exchange) -> None:
        self._inside_moments -= self.env.time
        self.received += 1
        if self.silent:
            self.inside[exchange] = None
            self._held.append(partial(self._speak_to, exchange))
        else:
            self._handle(exchange)

    def _speak_to(self, exchange: Exchange) -> None:
        if exchange in self.inside:
            self._handle(exchange)

    def _handle(self, exchange: Exchange) -> None:
        channel = exchange.channel
        assert channel is not None
        request = exchange.request
        if request.peer != channel.peer or request.hop:
            request = request.with_peer(channel.peer)
        task = Task(self, self.handle(request), exchange, exchange.call, exchange)
        self.inside[exchange] = task
        task.run(None)

    def left(self, exchange: Exchange) -> None:
        """The task of *exchange* has ended."""
        if exchange in self.inside:
            del self.inside[exchange]
            self._inside_moments += self.env.time

    def cancelled(self, exchange: Exchange) -> None:
        task = self.inside.get(exchange)
        if task is not None:
            task.close()
        self.left(exchange)

    # What its tasks ask for.

    def fetch(self, task: Task, child: Exchange, effect: Fetch) -> None:
        """Send *child* to the backend, once what comes before it is done."""
        if self.costs.request:
            passed = (child, child.call, self.env.time, self.route, (task, child, effect))
            self.cores.run(self.costs.request, self._passed_on, passed)
        else:
            self.route(task, child, effect)

    def _passed_on(
        self,
        passed: tuple[Account, Call, float, Callable[..., None], tuple[Any, ...]],
        waited: float,
        took: float,
    ) -> None:
        account, call, began, then, further = passed
        account.cpu += took
        account.wait += waited
        if self.world.hop is not None:
            self.span(call, "cpu", began)
        then(*further)

    def _resolve(self, task: Task, child: Exchange, effect: Fetch) -> None:
        wait = self._lookup(effect.backend.name, child.call)
        if wait:
            self.env.after(wait, lambda _: self.reach(task, child, effect))
        else:
            self.reach(task, child, effect)

    def reach(self, task: Task, child: Exchange, effect: Fetch) -> None:
        """Send *child* to the backend, over a kept-alive connection or a new one."""
        if child.over:
            return
        if self.deciphers:
            child.asker = Deciphering(task)
        target = self.resolve(effect.backend.name)
        child.backend = target.server_code
        channel = self.pool.idle(target.name)
        if channel is None:
            self._dial(task, child, effect, target)
        else:
            if effect.deadlines.first_byte is not None:
                self._watch(child, effect.deadlines.first_byte)
            channel.ask(child)

    def _dial(self, task: Task, child: Exchange, effect: Fetch, target: Endpoint) -> None:
        def ready(channel: Channel) -> None:
            task.dial = None
            self.pool.adopt(target.name, channel)
            if child.deadline is not None:
                child.deadline.meet()
                child.deadline = None
            if child.over:
                self.pool.release(channel)
                return
            if effect.deadlines.first_byte is not None:
                self._watch(child, effect.deadlines.first_byte)
            channel.ask(child)

        def failed(failure: Failure) -> None:
            task.dial = None
            self.pool.unreserve(target.name)
            child.fail(failure)

        self.pool.reserve(target.name)
        channel = self.world.channel(self.name, target, 0, self.address, self.code)
        seconds = effect.deadlines.connect
        if seconds is not None:
            late = partial(_give_up, task, child, sent=False)
            child.deadline = self.world.deadlines.set(seconds, late)
        secure = self.secure and child.request.scheme == "https"
        resumed = secure and target.name in self.pool.tickets
        if secure:
            channel.ticket = target.name
        dial = Dial(
            self.world,
            channel,
            child,
            child.call,
            ready,
            failed,
            secure=secure,
            sni=child.request.host if secure else "",
            resumed=resumed,
            asker=self,
        )
        task.dial = dial
        dial.start()

    def _watch(self, child: Exchange, seconds: float) -> None:
        """Give up on *child* when its first byte has not come in *seconds*."""
        child.deadline = self.world.deadlines.set(seconds, _unanswered, child)

    def connect(self, task: Task, effect: Connect) -> None:
        """Open a transport connection for a tunnel, once what comes before it is done."""
        call = task.call
        if self.costs.request and call is not None:
            passed = (task.account, call, self.env.time, self._resolve_tunnel, (task, effect))
            self.cores.run(self.costs.request, self._passed_on, passed)
        else:
            self._resolve_tunnel(task, effect)

    def _resolve_tunnel(self, task: Task, effect: Connect) -> None:
        wait = self._lookup(effect.backend.name, task.call)
        if wait:
            self.env.after(wait, lambda _: self._connect(task, effect))
        else:
            self._connect(task, effect)

    def _connect(self, task: Task, effect: Connect) -> None:
        if task.over:
            return
        target = self.resolve(effect.backend.name)
        channel = self.world.channel(self.name, target, 0, self.address, self.code)

        def ready(channel: Channel) -> None:
            task.dial = None
            task.reply(as_connection(channel))

        def failed(failure: Failure) -> None:
            task.dial = None
            task.reply(failure)

        # What will be said through the tunnel begins with a hello to the host that was asked for.
        sni = task.opening.sni if task.opening is not None else ""
        if task.exchange is not None:
            sni = task.exchange.request.host
        dial = Dial(
            self.world,
            channel,
            task.account,
            task.call,
            ready,
            failed,
            sni=sni,
            ask=effect.ask,
        )
        task.dial = dial
        if effect.deadline is not None:

            def late() -> None:
                if not dial.over:
                    dial.refused(Failure("timeout"))

            self.world.deadlines.set(effect.deadline, late)
        dial.start()

    def adopt(self, task: Task) -> None:
        """Keep count of a task that runs beside requests."""
        self.beside[task] = None

    def _beside(self, generator: Any) -> None:
        task = Task(self, generator, Account(), None)
        self.adopt(task)
        self.env.soon(task.start)

    def _lookup(self, name: str, call: Call | None) -> float:
        """Seconds until *name* is resolved, none while the last answer holds."""
        if not self.names.lookup:
            return 0.0
        own = call is not None and call.asset.host == name
        return self.names.wait(name, self.code, call if own else None)

    def stop(self) -> None:
        """The run is over: end what has not ended by itself."""
        for task in [*self.inside.values(), *self.beside]:
            if task is not None:
                task.close()

    # Faults.

    def _lose(self) -> None:
        for exchange, task in list(self.inside.items()):
            if task is not None:
                task.close()
            self.left(exchange)
            if exchange.arriving is not None:
                exchange.arriving.break_off()
            elif exchange.channel is not None and not exchange.over:
                exchange.channel.lost(exchange, BROKEN)
        for task in list(self.beside):
            task.close()

    def _return(self) -> None:
        if not self.world.sequential:
            for resident in self.proxy.residents():
                self._beside(resident)

    def flush(self) -> None:
        """Empty the cache."""
        if self.proxy.cache is not None:
            self.proxy.cache.flush()

    # Meters.

    def count(self, state: int, size: int) -> None:
        """Book what the cache made of a request: its state's code and the answer's *size*."""
        if state in (3, 4):
            self.hits += 1
            self.hit_bytes += size
        elif state in (2, 5, 6):
            self.misses += 1
            self.miss_bytes += size

    def areas(self) -> tuple[float, float, float]:
        """Core-seconds busy, jobs' seconds queued, requests' seconds inside, since the start."""
        inside = self._inside_moments + self.env.time * len(self.inside)
        return (*self.cores.areas(), inside)

    def span(self, call: Call | None, step: str, start: float) -> None:
        """Record a span of this node."""
        self.world.span(call.id if call is not None else -1, self.code, step, start)


def _decide(dial: Dial, opening: Any) -> None:
    """The proxy has made up its mind about a connection."""
    if opening is Opening.ACCEPT:
        dial.accepted()
    elif opening is Opening.REFUSE:
        dial.refused(Failure("refused"))


def _resumed(generator: Generator[Any, Any, Any], effect: Any) -> Generator[Any, Any, Any]:
    """The rest of *generator*, which has asked for *effect* already."""
    try:
        while True:
            effect = generator.send((yield effect))
    except StopIteration as end:
        return end.value
    finally:
        generator.close()


def _unanswered(child: Exchange) -> None:
    _give_up(None, child, sent=True)


def _give_up(task: Task | None, child: Exchange, *, sent: bool) -> None:
    """The time for *child* is up: *task* is told so, and stops opening a connection for it."""
    if child.over:
        return
    if task is not None and task.dial is not None:
        task.dial.cancel()
        task.dial = None
    asker = child.asker
    child.cancel()
    asker.on_failure(child, Failure("timeout", sent=sent, retry_safe=not sent))
