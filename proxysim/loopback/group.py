"""A group of clients on sockets: they ask when their time has come, and note what they got."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from proxysim.loopback.alarm import Alarm
from proxysim.loopback.errand import Errand, Road
from proxysim.loopback.pool import Pool
from proxysim.loopback.records import Asked
from proxysim.loopback.sessions import Sessions
from proxysim.loopback.telling import Teller
from proxysim.loopback.ways import Ways
from proxysim.messages import Headers
from proxysim.scenario import nodes as said
from proxysim.workload.content import Library
from proxysim.workload.draws import ClosedGroup, Draw, Group

__all__ = ["Clients"]


class Clients:
    """All members of one *group*; *code* is the number of the first one's lanes.

    *roads* lead to each site by its number, *connect* are the fields of CONNECT. *sessions*
    say what they speak over TLS. *lookup* gives the seconds that a member waits for a host's name.
    """

    def __init__(
        self,
        alarm: Alarm,
        ways: Ways,
        group: Group,
        node: said.Clients,
        roads: Mapping[int, Road],
        libraries: list[Library],
        *,
        code: int,
        address: Callable[[int], str],
        connect: Headers,
        sessions: Sessions | None,
        lookup: Callable[[int, str, int], float] | None,
        sources: bool,
        done: Callable[[], Any],
        teller: Teller | None = None,
    ) -> None:
        self.alarm = alarm
        self.ways = ways
        self.group = group
        self.name = group.name
        self.roads = roads
        self.libraries = libraries
        self.code = code
        self.address = address
        self.connect = connect
        self.sessions = sessions
        self.lookup = lookup
        self.sources = sources
        self.patience = node.patience
        self.done = done
        self.teller = teller
        self.duration = 0.0
        self.log: list[Asked] = []
        self.under_way: set[Errand] = set()
        self.arrived = 0
        self.coming = False  # requests are still to come
        self.handshakes: list[tuple[int, str, float, float]] = []
        self.pool = Pool(node.connections, lambda: alarm.time)
        self.tasks: set[asyncio.Task[None]] = set()
        self.jar: dict[tuple[int, str], Headers] = {}

    def begin(self, duration: float) -> None:
        """Ask until *duration*, in seconds of the run."""
        self.duration = duration
        if isinstance(self.group, ClosedGroup):
            for member in range(self.group.count):
                _User(self, self.group, member).think()
        else:
            self.coming = True
            self._draws = iter(self.group.draws())
            self._following()

    def _following(self) -> None:
        draw = next(self._draws, None)
        if draw is None or draw.at >= self.duration:
            self.coming = False
            self.done()
        else:
            self.alarm.at(draw.at, self._arrival, draw)

    def _arrival(self, draw: Draw) -> None:
        self.ask(draw, draw.at, None)
        self._following()

    def ask(self, draw: Draw, at: float, then: Callable[[], Any] | None) -> None:
        """Send the request that *draw* wants, which was due *at*; *then* is called at its end."""
        self.arrived += 1
        request = Errand(self, draw, at, then)
        self.under_way.add(request)
        request.begin()

    def over(self, request: Errand, asked: Asked) -> None:
        """A request has come to its end."""
        self.under_way.discard(request)
        self.log.append(asked)
        if request.then is not None:
            request.then()
        self.done()

    def beside(self, coroutine: Any) -> asyncio.Task[None]:
        """Let *coroutine* run."""
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            context = {"message": "A client has failed", "exception": error}
            task.get_loop().call_exception_handler(context)

    def leave(self) -> None:
        """What is under way is left so."""
        for request in tuple(self.under_way):
            request.leave()

    async def close(self) -> None:
        """The run is over."""
        self.leave()
        for task in tuple(self.tasks):
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks)
        self.pool.close()


class _User:
    """A member of a closed loop: thinks, asks, waits for the answer, and thinks again."""

    def __init__(self, clients: Clients, group: ClosedGroup, member: int) -> None:
        self.clients = clients
        self.turns = group.think(member)

    def think(self) -> None:
        pause, draw = next(self.turns)
        clients = self.clients
        at = clients.alarm.time + pause
        if at < clients.duration:
            clients.alarm.at(at, lambda _: clients.ask(draw, at, self.think))
