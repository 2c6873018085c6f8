"""Pools of kept-alive connections in simulated time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from proxysim.sim.channels import Channel

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["Pool"]

#: Is offered a free connection, or None for the right to open one; says whether it takes it.
Waiter = Callable[[Channel | None], bool]


class Pool:
    """The kept-alive connections of one asker, by where they lead.

    *keep_alive* in seconds; *most* connections at a time to one place, None without bound: then
    further requests wait in turn.
    """

    def __init__(self, world: World, keep_alive: float, most: int | None = None) -> None:
        self.world = world
        self.env = world.env
        self.keep_alive = keep_alive
        self.most = most
        self.opened = 0
        self.tickets: set[Hashable] = set()  # the TLS sessions that may be resumed
        self._idle: dict[Hashable, list[Channel]] = {}
        self._count: dict[Hashable, int] = {}
        self._waiting: dict[Hashable, deque[Waiter]] = {}

    def idle(self, key: Hashable) -> Channel | None:
        """The connection to *key* that was used last, if one is open and free."""
        idle = self._idle.get(key)
        while idle:
            channel = idle.pop()
            if channel.timer is not None:
                channel.timer.meet()
            if (
                channel.generation == channel.endpoint.generation
                and self.env.time - channel.idle_since <= channel.lasts
                and not channel.closed
            ):
                return channel
            channel.close()
        return None

    def full(self, key: Hashable) -> bool:
        """Whether no further connection to *key* may be opened."""
        return self.most is not None and self._count.get(key, 0) >= self.most

    def wait(self, key: Hashable, call: Waiter) -> None:
        """Let *call* be offered the next free connection, or the right to open one."""
        self._waiting.setdefault(key, deque()).append(call)

    def reserve(self, key: Hashable) -> None:
        """A connection to *key* is being opened."""
        self.opened += 1
        if self.most is not None:
            self._count[key] = self._count.get(key, 0) + 1

    def adopt(self, key: Hashable, channel: Channel) -> None:
        """A reserved connection is open."""
        channel.pool, channel.key = self, key
        channel.home = self._idle.setdefault(key, [])
        channel.lasts = min(self.keep_alive, channel.endpoint.keep_alive)

    def unreserve(self, key: Hashable) -> None:
        """A reserved connection could not be opened, or is closed."""
        if self.most is None:
            return
        self._count[key] -= 1
        waiting = self._waiting.get(key)
        while waiting and not waiting.popleft()(None):
            pass

    def release(self, channel: Channel) -> None:
        """The answer is whole: the next request may use the connection.

        With the first comes the ticket by which the next connection resumes the session (RFC 8446,
        section 4.6.1).
        """
        if channel.ticket is not None:
            self.tickets.add(channel.ticket)
            channel.ticket = None
        if channel.closed or channel.generation != channel.endpoint.generation:
            channel.close()
            return
        if self._waiting:
            waiting = self._waiting.get(channel.key)
            while waiting:
                if waiting.popleft()(channel):
                    return
        channel.current = None  # no cycle is left for the collector
        channel.idle_since = self.env.time
        if channel.relays:
            channel.timer = self.world.deadlines.set(channel.lasts, channel.close)
        channel.home.append(channel)

    def forget(self) -> None:
        """Keep no connection any longer, without closing any: each holds what holds it."""
        for home in self._idle.values():
            for channel in home:
                if channel.timer is not None:
                    channel.timer.meet()
            home.clear()

    def gone(self, channel: Channel) -> None:
        """A connection of the pool was closed."""
        if channel in channel.home:
            channel.home.remove(channel)
        self.unreserve(channel.key)
