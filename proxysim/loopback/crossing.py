"""Links imposed on real connections: what is sent, either way, is held up as the links would.

Both directions are imposed where a connection was opened: the opener holds back what it writes, and
what it reads. So TLS handshakes and tunnels are held up too, for this is below all that.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter, deque
from collections.abc import Callable, Sequence
from math import inf
from typing import Any, cast

from proxysim.loopback.alarm import Alarm
from proxysim.loopback.slow_start import SEGMENT, Window
from proxysim.topology.directions import RETRANSMISSION, Direction
from proxysim.workload.numbers import ANSWER

__all__ = ["Course", "Crossing", "Leg", "latency_of"]

#: A direction of a wire, and the code of the client whose lane it is (0 where that is nobody's).
Leg = tuple[Direction, int]

#: What has a lane to itself crosses it in pieces of so many seconds.
PIECE = 0.002
#: How much is under way before who sends it is made to wait.
WINDOW = 256 * 1024
END, LOST = b"", None
#: How an attempt of a request is known in what is sent without TLS, within so many bytes.
TAG = re.compile(rb"\r\nproxysim-request: (\d+) \S+ (\d+)", re.IGNORECASE)
HEAD = 16 * 1024


class Course:
    """One way of one connection, over *legs*: gives each piece to *deliver* when it has crossed.

    A piece joins each lane when it gets there, takes its share of the bandwidth, and gets further
    one latency later; pieces stay in order. ``under_way`` is in bytes.
    """

    def __init__(
        self,
        alarm: Alarm,
        legs: Sequence[Leg],
        carried: Counter[str],
        deliver: Callable[[bytes | None], None],
    ) -> None:
        self.alarm = alarm
        self.legs = legs
        self.deliver = deliver
        self.under_way = 0
        self.late = 0.0  # what chance adds to the latency of what is sent next
        self._carried = carried
        self._waiting: list[deque[bytes | None]] = [deque() for _ in legs]
        self._sending = [False] * len(legs)
        self._last = [0.0] * len(legs)
        self._broken = False
        self._window: Window | None = None

    def slow_start(self, back: Callable[[], float]) -> None:
        """Have it find its speed; *back* gives the latency of acknowledgements."""
        self._window = Window(self.alarm, back, lambda piece: self._enter(0, piece))

    def send(self, data: bytes | None) -> None:
        """Let *data* cross; END and LOST are told behind all that was sent before."""
        window = self._window
        if not data:
            if window is None:
                self._enter(0, data)
            else:
                window.send(data)
            return
        self.under_way += len(data)
        for direction, _ in self.legs:
            self._carried[direction.name] += len(data)
        if window is not None:
            for start in range(0, len(data), SEGMENT):
                window.send(data[start : start + SEGMENT])
            return
        for piece in self._pieces(data):
            self._enter(0, piece)

    def stop(self) -> None:
        """Nobody waits for it any more."""
        self._broken = True

    def _pieces(self, data: bytes) -> Sequence[bytes]:
        widths = [direction.bandwidth for direction, _ in self.legs if direction.bandwidth]
        if not widths:
            return (data,)
        size = max(SEGMENT, int(min(widths) * PIECE))
        return [data[start : start + size] for start in range(0, len(data), size)]

    def _enter(self, leg: int, piece: bytes | None) -> None:
        if self._broken:
            return
        if leg == len(self.legs):
            if piece:
                self.under_way -= len(piece)
                if self._window is not None:
                    self._window.delivered(len(piece))
            self.deliver(piece)
        elif self._sending[leg]:
            self._waiting[leg].append(piece)
        else:
            self._cross(leg, piece)

    def _cross(self, leg: int, piece: bytes | None) -> None:
        direction, member = self.legs[leg]
        lane = direction.lane(member) if piece else None
        if lane is None:
            self._left(leg, piece)
            return
        self._sending[leg] = True

        def done(_: Any) -> None:
            self._sending[leg] = False
            self._left(leg, piece)
            waiting = self._waiting[leg]
            while waiting and not self._sending[leg]:
                self._cross(leg, waiting.popleft())

        lane.join(len(piece or b""), done)

    def _left(self, leg: int, piece: bytes | None) -> None:
        """It has left the sender's end of *leg*."""
        direction, _ = self.legs[leg]
        now = self.alarm.time
        latency = direction.latency + direction.extra_latency
        if not leg:
            latency, self.late = latency + self.late, 0.0
        at = max(self._last[leg], now + latency)
        if at == inf:
            return  # the wire is dead
        if at <= now:
            self._enter(leg + 1, piece)
        else:
            self._last[leg] = at
            self.alarm.at(at, lambda _: self._enter(leg + 1, piece))


class Crossing(asyncio.Transport):
    """A connection over links, for *protocol*; the real one is given by :meth:`join`."""

    _start_tls_compatible = True

    def __init__(
        self,
        alarm: Alarm,
        up: Sequence[Leg],
        down: Sequence[Leg],
        carried: Counter[str],
        protocol: asyncio.Protocol,
    ) -> None:
        super().__init__()
        self.up = Course(alarm, up, carried, self._sent)
        self.down = Course(alarm, down, carried, self._arrived)
        if any(direction.slow_start for direction, _ in down):
            self.down.slow_start(lambda: latency_of(up))
        self.near = _Near(self)
        self._protocol = protocol
        self._closing = False
        self._lost = False
        self._paused = False
        self._full = False
        self._pending: deque[bytes | None] = deque()
        self._high = WINDOW

    def begin(self) -> None:
        """The connection is there."""
        self._protocol.connection_made(self)

    @property
    def real(self) -> asyncio.Transport:
        """What it stands on."""
        return self.near.transport

    def expect(self, request: int, attempt: int) -> None:
        """What is sent next is the head of an attempt of *request*: chance may hold it up.

        The numbers are those that the simulator asks chance with.
        """
        for course, number in ((self.up, attempt), (self.down, attempt + ANSWER)):
            course.late = sum(
                direction.chance_delay(request, number, RETRANSMISSION)
                for direction, _ in course.legs
            )

    # What the protocol calls.

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.real.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast("asyncio.Protocol", protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def is_closing(self) -> bool:
        return self._closing

    def write(self, data: Any) -> None:
        if self._closing or not data:
            return
        data = bytes(data)
        if any(direction.jitter or direction.loss for direction, _ in self.up.legs):
            found = TAG.search(data, 0, HEAD)
            if found is not None:
                self.expect(int(found[1]), int(found[2]))
        self.up.send(data)
        if not self._full and self.get_write_buffer_size() > self._high:
            self._full = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.up.send(END)

    def get_write_buffer_size(self) -> int:
        return self.up.under_way + self.real.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = WINDOW if high is None else high

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        while self._pending and not self._paused and not self._lost:
            self._tell(self._pending.popleft())
        self._flow()

    def is_reading(self) -> bool:
        return not self._paused and not self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self.up.send(LOST)

    def abort(self) -> None:
        self._force_close(None)

    def _force_close(self, exc: BaseException | None) -> None:
        self._closing = True
        self.up.stop()
        self.real.abort()
        self._end(exc)

    # What the courses bring.

    def _sent(self, piece: bytes | None) -> None:
        """It has reached the other end."""
        real = self.real
        if piece is LOST:
            real.close()
            self._end(None)
        elif real.is_closing():
            return
        elif piece:
            real.write(piece)
            if self._full and self.get_write_buffer_size() < self._high // 4:
                self._full = False
                self._protocol.resume_writing()
        else:
            real.write_eof()

    def _arrived(self, piece: bytes | None) -> None:
        """It has come here from the other end."""
        if self._lost or self._closing:
            return
        if self._paused and piece is not LOST:
            self._pending.append(piece)
        else:
            self._tell(piece)
        self._flow()

    def _tell(self, piece: bytes | None) -> None:
        if piece is LOST:
            self._closing = True
            self._end(None)
        elif piece:
            _hand(self._protocol, piece)
        elif not self._protocol.eof_received():
            self.close()

    def heard(self, data: bytes | None) -> None:
        """The other end has sent it, just now."""
        self.down.send(data)
        self._flow()

    def _flow(self) -> None:
        """Read on, unless too much is here already."""
        held = self.down.under_way + sum(len(piece or b"") for piece in self._pending)
        if self._lost or self.real.is_closing():
            return
        if held > WINDOW:
            self.real.pause_reading()
        else:
            self.real.resume_reading()

    def _end(self, exc: BaseException | None) -> None:
        if not self._lost:
            self._lost = True
            self.down.stop()
            protocol = self._protocol
            loop = asyncio.get_running_loop()
            loop.call_soon(protocol.connection_lost, cast("Exception | None", exc))


def latency_of(legs: Sequence[Leg]) -> float:
    """Seconds over all *legs*, now."""
    return sum(direction.latency + direction.extra_latency for direction, _ in legs)


def _hand(protocol: Any, piece: bytes) -> None:
    """Give *protocol* the *piece* in the way that it takes it."""
    if not isinstance(protocol, asyncio.BufferedProtocol):
        protocol.data_received(piece)
        return
    while piece:
        room: Any = protocol.get_buffer(len(piece))
        size = min(len(room), len(piece))
        room[:size] = piece[:size]
        protocol.buffer_updated(size)
        piece = piece[size:]


class _Near(asyncio.Protocol):
    """The real connection's owner: hands on what comes."""

    transport: asyncio.Transport

    def __init__(self, crossing: Crossing) -> None:
        self._crossing = crossing

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._crossing.heard(data)

    def eof_received(self) -> bool:
        self._crossing.heard(END)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._crossing.heard(LOST)
