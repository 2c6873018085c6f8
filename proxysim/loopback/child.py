"""A process of a live run: ``python -m proxysim.loopback.child FD``, begun by the crew.

It does what its parent says over the socket with the descriptor FD, and ends with it.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from typing import Any

from proxysim.errors import ProxysimError
from proxysim.loopback.client_part import ClientPart
from proxysim.loopback.orders import Begin, Crash, Moment, Ready, Still, Stop, Task
from proxysim.loopback.parts import Part, files_at_most
from proxysim.loopback.proxy_part import ProxyPart
from proxysim.loopback.server_part import ServerPart

__all__ = ["main"]

PARTS: dict[str, type[Part]] = {
    "clients": ClientPart,
    "proxy": ProxyPart,
    "servers": ServerPart,
}
#: How often a part is asked whether nothing goes on any more, in seconds.
ASKED_EVERY = 0.0002
FILES = 65_536


class _Child:
    """The process's end of the conversation."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.part: Part | None = None
        self.failed = False

    async def live(self) -> None:
        """Be what the parent says, until it says stop or is no more."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._mistake)
        try:
            task: Task = self.connection.recv()
            self.part = part = PARTS[task.part](task, self.tell)
            self.tell(Ready(part.prepare()))
            loop.add_reader(self.connection.fileno(), self._hear)
            await self.over
            loop.remove_reader(self.connection.fileno())
            await part.close()
        except ProxysimError as error:
            self.tell(Crash(error))
        except EOFError:
            pass
        except Exception:
            self.tell(Crash(None, traceback.format_exc()))

    def tell(self, said: Any) -> None:
        """Say something to the parent, if there is one."""
        self._wait_for_it()
        try:
            self.connection.send(said)
        except OSError:
            self._end()

    def _hear(self) -> None:
        assert self.part is not None
        self._wait_for_it()
        try:
            orders = [self.connection.recv()]
            while self.connection.poll():
                orders.append(self.connection.recv())
        except (EOFError, OSError):
            self._end()
            return
        try:
            for order in orders:
                self._obey(self.part, order)
        except Exception:
            self.tell(Crash(None, traceback.format_exc()))
            self._end()

    def _wait_for_it(self) -> None:
        """Read and write messages whole: libuv has made the socket one that does not wait."""
        os.set_blocking(self.connection.fileno(), True)

    def _obey(self, part: Part, order: Any) -> None:
        match order:
            case Begin():
                gc.freeze()
                part.begin(order)
            case Moment():
                part.turn_to(order.at)
                self._tell_when_idle(part)
            case Still():
                assert isinstance(part, ClientPart)
                part.go_on()
            case Stop():
                self.tell(part.report())
                self._end()

    def _tell_when_idle(self, part: Part) -> None:
        if part.idle:
            self.tell(Still())
        else:
            loop = asyncio.get_running_loop()
            loop.call_later(ASKED_EVERY, self._tell_when_idle, part)

    def _end(self) -> None:
        if not self.over.done():
            self.over.set_result(None)

    def _mistake(self, _: Any, context: dict[str, Any]) -> None:
        """Something went wrong that nobody waits for: it is ours, and the parent's to tell."""
        error = context.get("exception")
        if self.failed or isinstance(error, OSError):
            return  # of sockets that break, those who use them are told
        self.failed = True
        told = str(context.get("message"))
        if error is not None:
            told += "\n" + "".join(traceback.format_exception(error))
        self.tell(Crash(None, told))


def main() -> None:
    """Run the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("proxysim").setLevel(logging.CRITICAL)
    files_at_most(FILES)
    connection = Connection(int(sys.argv[1]))
    # A young collection finds next to nothing, and makes everything else late.
    gc.set_threshold(100_000, 50, 1000)

    async def live() -> None:
        await _Child(connection).live()

    try:
        import uvloop
    except ImportError:
        asyncio.run(live())
    else:
        uvloop.run(live())
    sys.stdout.flush()
    os._exit(0)  # nothing is left to be put in order, and a thread could keep it alive


if __name__ == "__main__":
    main()
