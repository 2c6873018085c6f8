"""One generator under way: its effects carried out, at once where that can be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any

from proxysim.messages import Connection, Content, Failure, Response
from proxysim.proxies.effects import (
    Closed,
    Connect,
    Cut,
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
    Switched,
    Wait,
    Won,
    Work,
)
from proxysim.sockets.bodies import BodyError, Stream, drained, keep_copy, part_of, read_body
from proxysim.sockets.coding import encoded
from proxysim.sockets.tunnel import relayed
from proxysim.sockets.waiting import Waiting
from proxysim.sockets.wire import WINDOW, Wire

if TYPE_CHECKING:
    from proxysim.sockets.client import Client
    from proxysim.sockets.driver import Driver

__all__ = ["Run"]

#: What carrying out an effect gives when the reply comes later.
LATER: Any = object()


class Run:
    """One generator under way, for *client* where there is one; *done* is told of its end.

    ``value`` is what it returned, ``error`` what it raised. One that is closed has no end to tell
    of.
    """

    __slots__ = (
        "_done",
        "_generator",
        "_quiet",
        "_sending",
        "_undo",
        "client",
        "closed",
        "error",
        "heir",
        "streams",
        "value",
        "world",
    )

    def __init__(
        self,
        world: Driver,
        generator: Generator[Any, Any, Any],
        client: Client | None,
        done: Callable[[Run], Any],
        *,
        quiet: bool = False,
    ) -> None:
        self.world = world
        self.client = client
        self.value: Any = None
        self.error: BaseException | None = None
        self.streams: list[Stream | Wire] = []
        self.closed = False
        #: Who takes over the bodies that it leaves when it ends.
        self.heir: Run | None = None
        self._generator = generator
        self._done = done
        self._quiet = quiet
        self._undo: Callable[[], Any] | None = None
        self._sending: asyncio.Task[Any] | None = None

    def start(self) -> None:
        """Make the first step."""
        self.advance(None)

    def advance(self, reply: Any) -> None:
        """Send the generator *reply*, and carry out what it asks, until that takes time."""
        self._undo = None
        send = self._generator.send
        try:
            while True:
                effect = send(reply)
                reply = CARRY[type(effect)](self, effect)
                if reply is LATER or self.closed:
                    return
        except StopIteration as end:
            self.value = end.value
        except Exception as error:
            self._fail(error)
        self._end()

    def _fail(self, error: BaseException) -> None:
        self.error = error
        if not self._quiet:
            _report(error)

    def _end(self) -> None:
        if self.heir is not None and not self.heir.closed:
            self.heir.streams += self.streams
            self.streams = []
        self.close()
        self._done(self)

    def close(self) -> None:
        """Close the generator, undo what it waits for, break off bodies that it left half read."""
        if self.closed:
            return
        self.closed = True
        self.world.beside.discard(self)
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()
        self._generator.close()
        for stream in self.streams:
            stream.abort()
        self.streams.clear()

    def left(self) -> None:
        """The client has gone: a Send comes to its end; anything else is cancelled."""
        if self._sending is not None:
            self._sending.cancel()
        else:
            self.close()

    def _later(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Let *coroutine* find the reply."""
        self._task(coroutine)
        return LATER

    def _task(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self.world.tasks.add(task)
        self._undo = task.cancel
        task.add_done_callback(self._told)
        return task

    def _told(self, task: asyncio.Task[Any]) -> None:
        self.world.tasks.discard(task)
        if task.cancelled():
            self.close()
            return
        error = task.exception()
        if self.closed:
            return
        if error is not None:
            self._fail(error)
            self._end()
        else:
            self.advance(task.result())

    def _reply(self, reply: Any) -> None:
        """The reply that was to come later."""
        if not self.closed:
            self.advance(reply)

    # Exchanges with backends.

    def fetch(self, effect: Fetch) -> Any:
        hint = None if self.client is None else self._hinted
        self._undo = self.world.upstreams.fetch(effect, self._fetched, hint)
        return LATER

    def _hinted(self, response: Response) -> None:
        """An interim answer has come."""
        client = _present(self.client)
        told = client.house.interim(response)
        if told is not None:
            client.interim(told)

    def _fetched(self, reply: Head | Failure) -> None:
        body = reply.body if isinstance(reply, Head) else None
        left = body.connection.world if isinstance(body, Switched) else body
        if isinstance(left, Stream | Wire):
            if self.closed:
                left.abort()
            self.streams.append(left)
        self._reply(reply)

    def connect(self, effect: Connect) -> Any:
        return self._later(self._connected(effect))

    async def _connected(self, effect: Connect) -> Connection | Failure:
        upstreams = self.world.upstreams
        reply = await upstreams.connect(effect.backend, effect.deadline, effect.ask)
        if isinstance(reply, Connection):
            self.streams.append(reply.world)
        return reply

    # Bodies.

    def send(self, effect: Send) -> Any:
        client, body = _present(self.client), effect.body
        if effect.store is not None:
            keep_copy(body, effect.store)
        wire = client.wire
        if wire.gone:
            return Sent(0, not isinstance(body, Stream) or body.complete, True)
        bare = client.bare(effect.response)
        if body is None:
            client.send(effect, b"", bare=bare)
            return Sent(0)
        if isinstance(body, Content) and not wire.full and (bare or len(body.data) <= WINDOW):
            return Sent(client.send(effect, body.data, bare=bare))
        if bare:
            client.begin(effect, body.length)
            return Sent(0, not isinstance(body, Stream) or body.complete)
        self._sending = self._task(self._stream(client, effect))
        return LATER

    async def _stream(self, client: Client, effect: Send) -> Sent:
        body, wire = effect.body, client.wire
        reader = read_body(body)
        client.begin(effect, body.length if body is not None else 0)
        try:
            while piece := await reader.read():
                client.data(piece)
                if wire.full or wire.gone:
                    await wire.drained()
            client.end(body.trailers if isinstance(body, Stream) else ())
        except BodyError:
            client.break_off()
        except OSError:
            pass
        except asyncio.CancelledError:
            # A client that leaves cancels its request; from a Send that comes back as a reply.
            if not wire.gone or self.closed:
                raise
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
        finally:
            self._sending = None
            reader.close()
        complete = not isinstance(body, Stream) or body.complete
        return Sent(client.sent, complete, wire.gone)

    def drain(self, effect: Drain) -> Any:
        body, store = effect.body, effect.store
        if store is not None:
            keep_copy(body, store)
        if not isinstance(body, Stream):
            return Sent((body.length or 0) if body is not None else 0)
        return self._later(drained(body, store))

    def discard(self, effect: Discard) -> None:
        if isinstance(effect.body, Stream):
            effect.body.abort()

    def encode(self, effect: Encode) -> Any:
        body = encoded(effect.body, effect.coding, effect.level)
        if isinstance(body, Stream):
            self.streams.append(body)
        return body

    def cut(self, effect: Cut) -> Any:
        return part_of(effect.body, effect.first, effect.last)

    def relay(self, effect: Relay) -> Any:
        return self._later(self._relayed(_present(self.client), effect))

    async def _relayed(self, client: Client, effect: Relay) -> Closed:
        server = effect.connection.world
        self.streams = [stream for stream in self.streams if stream is not server]
        client.switch(effect.response)
        return await relayed(client, server, client.house.limits.idle)

    # Time, and one another.

    def wait(self, effect: Wait) -> Any:
        signal = effect.signal
        if signal.is_set:
            return signal.value
        self._undo = Waiting(signal, effect.deadline, self._reply).stop
        return LATER

    def race(self, effect: Race) -> Any:
        return self._later(self._raced(effect))

    async def _raced(self, effect: Race) -> Won:
        runners = [self._enter(effect.first)]
        try:
            await asyncio.wait([ended for _, ended in runners], timeout=effect.after)
            if not runners[0][1].done():
                runners.append(self._enter(effect.second()))
            await asyncio.wait([ended for _, ended in runners], return_when=asyncio.FIRST_COMPLETED)
            who = next(i for i, (_, ended) in enumerate(runners) if ended.done())
            runner, ended = runners[who]
            await ended
            return Won(who, runner.value)
        finally:
            for runner, _ in runners:
                runner.close()

    def _enter(self, generator: Generator[Any, Any, Any]) -> tuple[Run, asyncio.Future[None]]:
        """Drive *generator* as a runner of a race; what it fetched is ours when it arrives."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def over(run: Run) -> None:
            if run.error is not None:
                ended.set_exception(run.error)
            else:
                ended.set_result(None)

        run = Run(self.world, generator, self.client, over, quiet=True)
        run.heir = self
        run.start()
        return run, ended

    def spawn(self, effect: Spawn) -> Run:
        return self.world.spawn(effect.generator)

    def sleep(self, effect: Sleep) -> Any:
        loop = asyncio.get_running_loop()
        self._undo = loop.call_later(effect.seconds, self._reply, None).cancel
        return LATER

    def work(self, effect: Work) -> None:
        """Nothing: on real sockets the work is really done."""


CARRY: dict[type, Callable[[Run, Any], Any]] = {
    Fetch: Run.fetch,
    Send: Run.send,
    Drain: Run.drain,
    Discard: Run.discard,
    Encode: Run.encode,
    Cut: Run.cut,
    Connect: Run.connect,
    Relay: Run.relay,
    Wait: Run.wait,
    Race: Run.race,
    Spawn: Run.spawn,
    Sleep: Run.sleep,
    Work: Run.work,
}


def _report(error: BaseException) -> None:
    """Hand *error*, a mistake of ours, to the loop's exception handler."""
    context = {"message": "A proxy's generator has failed", "exception": error}
    asyncio.get_running_loop().call_exception_handler(context)


def _present(client: Client | None) -> Client:
    if client is None:
        raise RuntimeError("a generator that serves no client has asked to answer one")
    return client
