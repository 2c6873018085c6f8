"""How much of a client a proxy puts up with, before anybody has decided anything."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULT_LIMITS", "Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one client may send, hold and keep waiting; sizes in bytes, times in seconds.

    What breaks one is answered 408 (``header_time``, ``stall``), 413 (``body``), 414 (``target``),
    429 (``connections``), 431 (``header_bytes``, ``headers``) or 503 (``tunnels``), and the
    connection is closed. ``stall`` bounds how long a body may stand still in either direction,
    ``idle`` how long a kept-alive connection or a tunnel may say nothing. A client that has had its
    last answer may go on sending for ``linger``, and be silent for ``silence``, before the
    connection is closed: closed earlier, a reset could overtake the answer.

    Source: the sizes as in Apache (``LimitRequestLine``, ``LimitRequestFields``) and nginx
    (``large_client_header_buffers``), the times as in nginx.
    """

    target: int = 8 * 1024
    header_bytes: int = 32 * 1024
    headers: int = 100
    body: int | None = None
    header_time: float = 15.0
    stall: float = 60.0
    idle: float = 75.0
    linger: float = 30.0
    silence: float = 5.0
    connections: int = 4096
    tunnels: int = 4096


DEFAULT_LIMITS = Limits()
