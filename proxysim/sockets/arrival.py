"""A request that has come and waits for its turn."""

from __future__ import annotations

from proxysim.messages import Content, Headers, Request
from proxysim.sockets.bodies import Stream
from proxysim.sockets.heads import Fields, Target, authority
from proxysim.sockets.reading import Message

__all__ = ["Arrival"]


class Arrival:
    """A request that waits for its turn."""

    __slots__ = ("message", "target")

    def __init__(self, message: Message, target: Target) -> None:
        self.message = message
        self.target = target

    def request(self, peer: str) -> Request:
        """The request, for the proxy; what of its body is here already goes along."""
        message, target = self.message, self.target
        fields, incoming = message.fields, message.body
        body: Content | Stream | None = None
        if incoming is not None:
            whole = incoming.whole()
            if whole is None:
                body = Stream(incoming, fields.length)
            elif whole:
                body = Content(whole)
        headers = fields.headers
        if target.absolute:
            headers = _with_host(headers, target, fields)
        return Request(
            message.line[0],
            target.scheme,
            target.host,
            target.port,
            target.path,
            headers,
            peer,
            body,
        )


def _with_host(headers: Headers, target: Target, fields: Fields) -> Headers:
    """The request line outranks Host (RFC 9112, section 3.2.2)."""
    default = 443 if target.scheme == "https" else 80
    if fields.hosts:
        host, port = authority(fields.hosts[0])
        if host == target.host and (port or default) == target.port:
            return headers
    name = f"[{target.host}]" if ":" in target.host else target.host
    return headers.set("host", name if target.port == default else f"{name}:{target.port}")
