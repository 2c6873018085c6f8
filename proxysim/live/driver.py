"""Carries out, on one event loop, what a proxy's generators ask for.

Nothing is decided here. To cancel a generator is to close it; whatever bodies it had fetched and
left unread are broken off with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import h11

from proxysim.live.bodies import BodyError, Stream, keep_copy, read_body
from proxysim.live.coding import encoded
from proxysim.live.http import Client
from proxysim.live.upstream import Upstreams
from proxysim.live.wire import Wire
from proxysim.messages import Connection, Failure
from proxysim.proxies.effects import (
    TIMED_OUT,
    Closed,
    Connect,
    Discard,
    Drain,
    Encode,
    Fetch,
    Head,
    Race,
    Relay,
    Send,
    Sent,
    Sleep,
    Spawn,
    Wait,
    Won,
    Work,
)

__all__ = ["Driver", "Run"]


class Driver:
    """The asyncio world: drives generators against sockets.

    A generator that raises is a mistake of ours; it is handed to the loop's exception handler.
    """

    def __init__(self, upstreams: Upstreams) -> None:
        self.upstreams = upstreams
        self._beside: set[Beside] = set()

    async def run(self, generator: Generator[Any, Any, Any], client: Client | None = None) -> Any:
        """Drive *generator* to its end, for *client* where there is one; what it returns.

        When this is cancelled, the generator is closed.
        """
        run = Run(self, generator, client)
        try:
            run.advance(None)
            return await run.drive()
        finally:
            run.close()

    def spawn(self, generator: Generator[Any, Any, None]) -> Beside:
        """Drive *generator* beside the caller; its first step is made at once."""
        beside = Beside(Run(self, generator), self._beside.discard)
        self._beside.add(beside)
        return beside

    async def close(self) -> None:
        """End all that runs beside, and the connections to backends."""
        for beside in tuple(self._beside):
            beside.close()
        while self._beside:
            await asyncio.wait([beside.task for beside in self._beside])
        await self.upstreams.close()


class Run:
    """One generator under way."""

    def __init__(
        self, world: Driver, generator: Generator[Any, Any, Any], client: Client | None = None
    ) -> None:
        self.world = world
        self.client = client
        self.ended = False
        self.value: Any = None
        self.streams: list[Stream] = []
        self._generator = generator
        self._effect: Any = None

    def advance(self, reply: Any) -> None:
        """Send the generator *reply*, and learn what it asks next."""
        try:
            self._effect = self._generator.send(reply)
        except StopIteration as end:
            self.ended, self.value = True, end.value

    async def drive(self) -> Any:
        """Carry out effect after effect, to the end."""
        while not self.ended:
            self.advance(await CARRY[type(self._effect)](self, self._effect))
        return self.value

    def close(self) -> None:
        """Close the generator, and break off the bodies that it has left half read."""
        self._generator.close()
        for stream in self.streams:
            stream.abort()
        self.streams.clear()

    # Exchanges with backends.

    async def fetch(self, effect: Fetch) -> Head | Failure:
        upstreams = self.world.upstreams
        reply = await upstreams.fetch(effect.backend, effect.request, effect.deadlines)
        if isinstance(reply, Head) and isinstance(reply.body, Stream):
            self.streams.append(reply.body)
        return reply

    async def connect(self, effect: Connect) -> Connection | Failure:
        return await self.world.upstreams.connect(effect.backend, effect.deadline, effect.ask)

    # Bodies.

    async def send(self, effect: Send) -> Sent:
        client = _present(self.client)
        body, count = effect.body, 0
        reader = read_body(body)
        if effect.store is not None:
            keep_copy(body, effect.store)
        try:
            if await client.begin(effect.response, body):
                while chunk := await reader.read():
                    await client.data(chunk)
                    count += len(chunk)
            await client.end()
        except (BodyError, h11.LocalProtocolError):
            client.wire.abort()
        except OSError:
            client.wire.has_left()
        except asyncio.CancelledError:
            # A client that leaves cancels its request; from a Send that comes back as a reply.
            if not client.wire.gone:
                raise
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
        finally:
            reader.close()
        complete = not isinstance(body, Stream) or body.complete
        return Sent(count, complete, client.wire.gone)

    async def drain(self, effect: Drain) -> Sent:
        """Be the reader of last resort: pull only while nobody else reads.

        A copy that was given up and has no readers left is not worth reading to its end.
        """
        body, store = effect.body, effect.store
        if store is not None:
            keep_copy(body, store)
        if not isinstance(body, Stream):
            return Sent((body.length or 0) if body is not None else 0)
        # Those who were told of this body in the same step become its readers within two turns;
        # until then its beginning is held for them.
        beginning = body.reader()
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        finally:
            beginning.close()
        while not body.over and (body.being_read or store is None or body.keeps(store)):
            try:
                await (body.changed() if body.being_read else body.advance())
            except BodyError:
                break
        return Sent(body.size, body.complete)

    async def discard(self, effect: Discard) -> None:
        if isinstance(effect.body, Stream):
            effect.body.abort()

    async def encode(self, effect: Encode) -> Stream:
        stream = encoded(effect.body, effect.coding)
        self.streams.append(stream)
        return stream

    async def relay(self, effect: Relay) -> Closed:
        client, server = _present(self.client), effect.connection.world
        client.wire.on_gone = None
        try:
            if effect.response is not None:
                await client.begin(effect.response, None)
                client.switched()
            return await _relay(client.wire, server)
        except OSError:
            return Closed(0, 0, "client")
        finally:
            client.wire.close()
            server.close()

    # Time, and one another.

    async def wait(self, effect: Wait) -> Any:
        signal = effect.signal
        if signal.is_set:
            return signal.value
        told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def tell(value: Any) -> None:
            if not told.done():
                told.set_result(value)

        signal.waiters.append(tell)
        try:
            async with asyncio.timeout(effect.deadline):
                return await told
        except TimeoutError:
            return TIMED_OUT
        finally:
            if tell in signal.waiters:
                signal.waiters.remove(tell)

    async def race(self, effect: Race) -> Won:
        runners = [self._enter(effect.first)]
        try:
            await asyncio.wait(runners, timeout=effect.after)
            if not runners[0].done():
                runners.append(self._enter(effect.second()))
            await asyncio.wait(runners, return_when=asyncio.FIRST_COMPLETED)
            who = next(i for i, runner in enumerate(runners) if runner.done())
            return Won(who, runners[who].result())
        finally:
            for runner in runners:
                runner.cancel()
            await asyncio.gather(*runners, return_exceptions=True)

    def _enter(self, generator: Generator[Any, Any, Any]) -> asyncio.Task[Any]:
        """Drive *generator* as a runner of a race; what it fetched is ours when it arrives."""
        run = Run(self.world, generator, self.client)
        run.advance(None)

        async def drive() -> Any:
            try:
                value = await run.drive()
                self.streams += run.streams
                run.streams.clear()
                return value
            finally:
                run.close()

        task = asyncio.create_task(drive())
        task.add_done_callback(lambda _: run.close())
        return task

    async def spawn(self, effect: Spawn) -> Beside:
        return self.world.spawn(effect.generator)

    async def sleep(self, effect: Sleep) -> None:
        await asyncio.sleep(effect.seconds)

    async def work(self, effect: Work) -> None:
        """Nothing: on real sockets the work is really done."""


CARRY: dict[type, Callable[[Run, Any], Coroutine[Any, Any, Any]]] = {
    Fetch: Run.fetch,
    Send: Run.send,
    Drain: Run.drain,
    Discard: Run.discard,
    Encode: Run.encode,
    Connect: Run.connect,
    Relay: Run.relay,
    Wait: Run.wait,
    Race: Run.race,
    Spawn: Run.spawn,
    Sleep: Run.sleep,
    Work: Run.work,
}


class Beside:
    """A generator that runs beside the one that spawned it."""

    def __init__(self, run: Run, done: Callable[[Beside], None]) -> None:
        self._run = run
        # At once: a generator that has not begun would not notice being closed.
        run.advance(None)
        self.task = asyncio.create_task(run.drive())
        self.task.add_done_callback(self._settle)
        self._done = done

    def close(self) -> None:
        """End it now."""
        self._run.close()
        self.task.cancel()

    def _settle(self, task: asyncio.Task[Any]) -> None:
        self._run.close()
        self._done(self)
        report(task)


def report(task: asyncio.Task[Any]) -> None:
    """Hand what *task* died of, if anything, to the loop's exception handler."""
    if not task.cancelled() and (error := task.exception()) is not None:
        context = {"message": "A proxy's generator has failed", "exception": error, "task": task}
        task.get_loop().call_exception_handler(context)


async def _relay(client: Wire, server: Wire) -> Closed:
    """Pass bytes both ways, half-closed too, until both sides have ended or one has broken off."""
    moved = {"client": 0, "server": 0}
    ended: list[str] = []

    async def pass_on(who: str, one: Wire, other: Wire) -> None:
        try:
            while data := await one.read():
                await other.write(data)
                moved[who] += len(data)
            other.end()
        finally:
            ended.append(who)

    ways = [
        asyncio.create_task(pass_on("client", client, server)),
        asyncio.create_task(pass_on("server", server, client)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
    return Closed(moved["client"], moved["server"], ended[0])


def _present(client: Client | None) -> Client:
    if client is None:
        raise RuntimeError("a generator that serves no client has asked to answer one")
    return client
