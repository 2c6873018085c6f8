"""Calls at exact times: the clock of a process that takes part in a live run.

An event loop's own timers wake a millisecond late or so, as ``epoll`` counts in milliseconds. Here
all that is due hangs on one timer of the kernel (Linux's ``timerfd``), set to an absolute time.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from collections.abc import Callable
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from typing import Any

__all__ = ["Alarm", "Entry"]

CLOCK_MONOTONIC = 1
TFD_NONBLOCK, TFD_CLOEXEC, TFD_TIMER_ABSTIME = 0o4000, 0o2000000, 1

#: What is due: when, its number, whom to call (None: nobody any more), and with what.
Entry = list[Any]


class _Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _Setting(ctypes.Structure):
    _fields_ = [("interval", _Time), ("value", _Time)]


class Alarm:
    """Calls what is due on the running event loop; ``time`` is in seconds from *origin*.

    *origin* is a time of CLOCK_MONOTONIC, which all processes of a machine share. What is due at
    the same time is called in the order in which it was asked for. O(log n) a call.
    """

    def __init__(self, origin: float = 0.0) -> None:
        self.origin = origin
        self._loop = asyncio.get_running_loop()
        self._due: list[Entry] = []
        self._number = count()
        self._armed = float("inf")
        self._timer: asyncio.TimerHandle | None = None
        self._fd = _timer()
        if self._fd is not None:
            self._loop.add_reader(self._fd, self._rang)

    @property
    def time(self) -> float:
        """Seconds from the origin until now."""
        return time.monotonic() - self.origin

    def at(self, when: float, call: Callable[[Any], Any], carries: Any = None) -> Entry:
        """Call *call* with *carries* at *when*; what is returned is for :meth:`cancel`."""
        entry: Entry = [when, next(self._number), call, carries]
        heappush(self._due, entry)
        if self._due[0] is entry:
            self._arm()
        return entry

    def after(self, delay: float, call: Callable[[Any], Any], carries: Any = None) -> Entry:
        """Call *call* with *carries* in *delay* seconds."""
        return self.at(self.time + delay, call, carries)

    @staticmethod
    def cancel(entry: Entry) -> None:
        """Do not call."""
        entry[2] = entry[3] = None

    def close(self) -> None:
        """Call nobody any more."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._fd is not None:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = None

    def _arm(self) -> None:
        due = self._due
        while due and due[0][2] is None:
            heappop(due)
        if not due or due[0][0] == self._armed:
            return
        self._armed = due[0][0]
        at = self._armed + self.origin
        if self._fd is not None:
            _set(self._fd, at)
        else:
            if self._timer is not None:
                self._timer.cancel()
            delay = max(0.0, at - time.monotonic())
            self._timer = self._loop.call_later(delay, self._rang)

    def _rang(self) -> None:
        if self._fd is not None:
            with suppress(BlockingIOError):
                os.read(self._fd, 8)
        self._armed = float("inf")
        due, now = self._due, self.time
        try:
            while due and due[0][0] <= now:
                _, _, call, carries = heappop(due)
                if call is not None:
                    call(carries)
        finally:
            self._arm()


def _timer() -> int | None:
    """A timer of the kernel's, as a file descriptor; None where there is no such thing."""
    try:
        fd = _libc().timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)
    except (AttributeError, OSError):
        return None
    return fd if fd >= 0 else None


def _set(fd: int, at: float) -> None:
    whole = max(1, int(at * 1e9))  # zero would disarm it
    setting = _Setting(_Time(0, 0), _Time(*divmod(whole, 1_000_000_000)))
    _libc().timerfd_settime(fd, TFD_TIMER_ABSTIME, ctypes.byref(setting), None)


def _libc() -> ctypes.CDLL:
    global _LIBC  # noqa: PLW0603 - one library a process
    if _LIBC is None:
        _LIBC = ctypes.CDLL(None, use_errno=True)
    return _LIBC


_LIBC: ctypes.CDLL | None = None
