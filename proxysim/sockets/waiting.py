"""What a generator waits for: a signal, or the end of its patience."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from proxysim.proxies.effects import TIMED_OUT, Signal

__all__ = ["Waiting"]


class Waiting:
    """A generator that waits for a signal: resumed once, on the next turn, or told of the time."""

    __slots__ = ("_handle", "_reply", "_signal", "_timer")

    def __init__(
        self, signal: Signal, deadline: float | None, reply: Callable[[Any], None]
    ) -> None:
        self._signal = signal
        self._reply = reply
        self._handle: asyncio.Handle | None = None
        self._timer: asyncio.Handle | None = None
        signal.waiters.append(self._tell)
        if deadline is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(deadline, self._late)

    def stop(self) -> None:
        """Wait no more."""
        if self._tell in self._signal.waiters:
            self._signal.waiters.remove(self._tell)
        for handle in (self._handle, self._timer):
            if handle is not None:
                handle.cancel()

    def _tell(self, value: Any) -> None:
        self._handle = asyncio.get_running_loop().call_soon(self._now, value)

    def _now(self, value: Any) -> None:
        self.stop()
        self._reply(value)

    def _late(self) -> None:
        if self._handle is None:
            self._now(TIMED_OUT)
