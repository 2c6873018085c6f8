"""Where a host listens: it speaks TLS with who begins with TLS, and plainly with others."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

from proxysim.errors import ScenarioError
from proxysim.sockets.hello import is_hello
from proxysim.sockets.wire import Wire

__all__ = ["Door"]

BACKLOG = 1024
AT_ONCE = 64


class Door:
    """A listening socket on *address*; ``place`` is where, once it is :meth:`bound <bind>`.

    *plain* makes the wire of a connection without TLS, *secure* of one with *tls*; without *tls*
    all connections are taken as they come. A door that is shut refuses, and keeps its place.
    """

    def __init__(
        self,
        address: str,
        plain: Callable[[], Wire],
        secure: Callable[[], Wire] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.place = (address, 0)
        self._plain = plain
        self._secure = secure or plain
        self._tls = tls
        self._listening: socket.socket | None = None
        self._open = False
        self._held = False
        self._looked_at: set[socket.socket] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def bind(self) -> None:
        """Take a place. Raises ScenarioError where the address cannot be had."""
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listening.setblocking(False)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(self.place)
        except OSError as error:
            listening.close()
            address, port = self.place
            raise ScenarioError(
                f"{address}:{port} cannot be listened on: {error.strerror or error}",
                mend="Something else holds the port, or the address is none of this machine's.",
            ) from None
        self._listening = listening
        self.place = listening.getsockname()[:2]

    def listen(self) -> None:
        """Let connections come; they wait until it is open."""
        assert self._listening is not None
        self._listening.listen(BACKLOG)

    def open(self) -> None:
        """Take connections."""
        if self._listening is None:
            self.bind()
        assert self._listening is not None
        if not self._open:
            self._open = True
            self.listen()
            asyncio.get_running_loop().add_reader(self._listening, self._accept)

    def shut(self) -> None:
        """Refuse connections, those too that wait; the place is kept."""
        self.close()
        self.bind()

    def hold(self, held: bool) -> None:
        """Let connections wait, or take them again."""
        if self._listening is not None and self._open and held != self._held:
            loop = asyncio.get_running_loop()
            self._held = held
            if held:
                loop.remove_reader(self._listening)
            else:
                loop.add_reader(self._listening, self._accept)

    def close(self) -> None:
        """Give up the place."""
        loop = asyncio.get_running_loop()
        for task in tuple(self._tasks):
            task.cancel()
        for accepted in tuple(self._looked_at):
            self._drop(accepted)
        if self._listening is not None:
            loop.remove_reader(self._listening)
            self._listening.close()
            self._listening = None
        self._open = self._held = False

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            if self._listening is None:
                return
            try:
                accepted, _ = self._listening.accept()
            except OSError:
                return
            accepted.setblocking(False)
            if self._tls is None:
                self._begin(self._take(accepted, self._plain, None))
            else:
                self._looked_at.add(accepted)
                asyncio.get_running_loop().add_reader(accepted, self._look, accepted)

    def _look(self, accepted: socket.socket) -> None:
        try:
            first = accepted.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            first = b""
        if not first:
            self._drop(accepted)
            return
        self._looked_at.discard(accepted)
        asyncio.get_running_loop().remove_reader(accepted)
        if is_hello(first):
            self._begin(self._take(accepted, self._secure, self._tls))
        else:
            self._begin(self._take(accepted, self._plain, None))

    def _drop(self, accepted: socket.socket) -> None:
        self._looked_at.discard(accepted)
        asyncio.get_running_loop().remove_reader(accepted)
        accepted.close()

    async def _take(
        self, accepted: socket.socket, made: Callable[[], Wire], tls: ssl.SSLContext | None
    ) -> None:
        loop = asyncio.get_running_loop()
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await loop.connect_accepted_socket(made, accepted, ssl=tls)
        except (OSError, ValueError):
            accepted.close()
        except asyncio.CancelledError:
            accepted.close()
            raise

    def _begin(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
