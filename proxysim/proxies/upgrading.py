"""Upgrades: a client asks to speak something other than HTTP on its connection.

What a proxy is not told to relay it does not ask for, and the client is answered as if it had not
asked either.

Source: RFC 9110, section 7.8; RFC 6455, section 4 (WebSocket).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial

from proxysim.messages import Failure, Request, Response
from proxysim.policies.fields import members
from proxysim.proxies.effects import Fetch, Handling, Head, Relay, Switched

__all__ = ["upgraded", "wanted"]

Deliver = Callable[[Request, Head | Failure], Handling]


def wanted(request: Request, protocols: Collection[str]) -> str:
    """Which of *protocols* (lower case) the client asks to speak; empty where it is none."""
    fields = request.headers.fields
    if request.body is not None or "upgrade" not in fields:
        return ""
    named = {member.lower() for member in members(fields.get("connection", ""))}
    if "upgrade" not in named:
        return ""
    return next((name for name in members(fields["upgrade"]) if name.lower() in protocols), "")


def upgraded(
    request: Request,
    protocol: str,
    exchange: Callable[[Request, Deliver], Handling],
    otherwise: Deliver,
) -> Handling:
    """Ask a backend to speak *protocol*; relay that if it does, else answer by *otherwise*.

    *exchange* asks the backend. Its lease is held as long as the connection lasts.
    """
    handling = exchange(request, partial(_deliver, protocol, otherwise))
    reply = None
    try:
        while True:
            effect = handling.send(reply)
            if type(effect) is Fetch:
                asked = effect.request
                headers = asked.headers.set("connection", "upgrade").set("upgrade", protocol)
                asked = replace(asked, headers=headers)
                effect = Fetch(effect.backend, asked, effect.deadlines)
            reply = yield effect
    except StopIteration:
        return
    finally:
        handling.close()


def _deliver(
    protocol: str, otherwise: Deliver, request: Request, reply: Head | Failure
) -> Handling:
    if isinstance(reply, Head) and isinstance(reply.body, Switched):
        headers = reply.response.headers.set("connection", "upgrade").set("upgrade", protocol)
        yield Relay(reply.body.connection, Response(101, headers))
    else:
        yield from otherwise(request, reply)
