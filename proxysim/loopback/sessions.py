"""TLS sessions taken up again: who has been at a host before shakes hands without certificates."""

from __future__ import annotations

import ssl
from collections.abc import Hashable
from typing import cast

from proxysim.sockets.wire import Wire

__all__ = ["Sessions", "handshake_of"]


class Sessions:
    """What *context* has clients speak, and the newest session of each key: who asks, and whom.

    A server gives tickets behind the handshake (RFC 8446, section 4.6.1), so that there is one to
    be kept only when something has come by the connection.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._kept: dict[Hashable, ssl.SSLSession] = {}

    def context(self, key: Hashable) -> ssl.SSLContext:
        """What a connection under *key* begins with: it resumes where a session is kept."""
        session = self._kept.get(key)
        if session is None:
            return self._context
        return cast("ssl.SSLContext", _Resuming(self._context, session))

    def keep(self, key: Hashable, wire: Wire) -> None:
        """Keep the session of *wire* under *key*, if it can be resumed."""
        session = wire.transport.get_extra_info("ssl_object").session
        if session is not None and session.has_ticket:
            self._kept[key] = session


class _Resuming:
    """Stands for a context on one connection: event loops have no other way to hand in a session.

    A session belongs to its context (OpenSSL), so that a context of its own would not do.
    """

    def __init__(self, context: ssl.SSLContext, session: ssl.SSLSession) -> None:
        self._context = context
        self._session = session

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
    ) -> ssl.SSLObject:
        """What asyncio and uvloop make of a context."""
        return self._context.wrap_bio(
            incoming, outgoing, server_side, server_hostname, self._session
        )


def handshake_of(wire: Wire) -> str:
    """How TLS began on *wire*, at either end: ``full`` or ``resumed``."""
    reused = wire.transport.get_extra_info("ssl_object").session_reused
    return "resumed" if reused else "full"
