"""Carries out, on one event loop, what a proxy's generators ask for.

Nothing is decided here. What can be done at once is done at once, without a task or a turn of the
loop: most requests that a cache answers never leave the call in which they came. To cancel a
generator is to close it; whatever bodies it had fetched and left unread are broken off with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from proxysim.sockets.run import Run

if TYPE_CHECKING:
    from proxysim.sockets.upstream import Upstreams

__all__ = ["Driver"]


class Driver:
    """The asyncio world: drives generators against sockets.

    ``beside`` are the runs under way that serve no client: what was spawned.

    A generator that raises is a mistake of ours; it is handed to the loop's exception handler.
    """

    def __init__(self, upstreams: Upstreams) -> None:
        self.upstreams = upstreams
        self.tasks: set[asyncio.Task[Any]] = set()
        self.beside: set[Run] = set()
        self._retired: list[Upstreams] = []

    @property
    def resting(self) -> bool:
        """Whether nothing runs beside requests."""
        return not self.beside

    async def run(self, generator: Generator[Any, Any, Any]) -> Any:
        """Drive *generator* to its end; what it returns.

        When this is cancelled, the generator is closed. Raises what the generator raises.
        """
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        run = Run(self, generator, None, lambda _: ended.set_result(None), quiet=True)
        try:
            run.start()
            await ended
        finally:
            run.close()
        if run.error is not None:
            raise run.error
        return run.value

    def spawn(self, generator: Generator[Any, Any, None]) -> Run:
        """Drive *generator* beside the caller; its first step is made at once."""
        run = Run(self, generator, None, _nothing)
        self.beside.add(run)
        run.start()
        return run

    def renew(self, upstreams: Upstreams) -> None:
        """Ask backends by *upstreams* from now on; what is under way ends as it began."""
        self.upstreams.retire()
        self._retired = [retired for retired in self._retired if retired.in_use]
        self._retired.append(self.upstreams)
        self.upstreams = upstreams

    async def close(self) -> None:
        """End all that runs beside, and the connections to backends."""
        for run in tuple(self.beside):
            run.close()
        while self.tasks:
            await asyncio.wait(self.tasks)
        for upstreams in (*self._retired, self.upstreams):
            await upstreams.close()


def _nothing(run: Run) -> None:
    pass
