"""The kept-alive connections of a group of clients."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable

from proxysim.loopback.asking import Line

__all__ = ["Pool"]

#: Is offered a free connection, or None for the right to open one; says whether it takes it.
Waiter = Callable[[Line | None], bool]


class Pool:
    """Connections by *key*: who they are of, and where they lead.

    *most* connections at a time under one key, None without bound: then
    further requests wait in turn.
    """

    def __init__(self, most: int | None, clock: Callable[[], float]) -> None:
        self.most = most
        self.clock = clock
        self.lines: set[Line] = set()
        self._idle: dict[Hashable, list[Line]] = {}
        self._count: dict[Hashable, int] = {}
        self._waiting: dict[Hashable, deque[Waiter]] = {}

    def idle(self, key: Hashable) -> Line | None:
        """The connection that was used last, if one is open and free."""
        idle = self._idle.get(key)
        while idle:
            line = idle.pop()
            if line.usable and self.clock() - line.since <= line.kept:
                return line
            line.drop()
        return None

    def full(self, key: Hashable) -> bool:
        """Whether no further connection may be opened."""
        return self.most is not None and self._count.get(key, 0) >= self.most

    def wait(self, key: Hashable, call: Waiter) -> None:
        """Let *call* be offered the next free connection, or the right to open one."""
        self._waiting.setdefault(key, deque()).append(call)

    def reserve(self, key: Hashable) -> None:
        """A connection is being opened."""
        self._count[key] = self._count.get(key, 0) + 1

    def unreserve(self, key: Hashable) -> None:
        """It could not be opened, or is closed."""
        self._count[key] -= 1
        if not self._count[key]:
            del self._count[key]
        waiting = self._waiting.get(key)
        while waiting and not waiting.popleft()(None):
            pass

    def adopt(self, line: Line) -> None:
        """A reserved connection is open."""
        self.lines.add(line)

    def release(self, line: Line) -> None:
        """The answer is whole: the next request may use the connection."""
        if not line.usable:
            line.drop()
            return
        waiting = self._waiting.get(line.key)
        while waiting:
            if waiting.popleft()(line):
                return
        self._idle.setdefault(line.key, []).append(line)

    def gone(self, line: Line) -> None:
        """A connection is no more."""
        if line in self.lines:
            self.lines.discard(line)
            idle = self._idle.get(line.key)
            if idle and line in idle:
                idle.remove(line)
            self.unreserve(line.key)

    def sweep(self) -> None:
        """Close what has been idle for too long; called now and then."""
        now = self.clock()
        for key, idle in tuple(self._idle.items()):
            for line in tuple(idle):
                if now - line.since > line.kept:
                    line.drop()
            if not idle:
                self._idle.pop(key, None)

    def close(self) -> None:
        """Break everything off."""
        for line in tuple(self.lines):
            line.drop()
