"""The heads of messages: which are taken, and which refused because two readers might differ.

httptools is strict about the bytes: bare line feeds, folded lines, control characters, spaces
before a colon, lengths that are no numbers or come twice. What it lets pass is judged here. Heads
repeat from request to request, so what was made of the last few thousand is kept.
"""

from __future__ import annotations

import re
from functools import lru_cache

from proxysim.messages import Headers, value
from proxysim.policies.fields import HOP_BY_HOP, hop_by_hop
from proxysim.policies.identity import HIDDEN
from proxysim.policies.identity.forward import TELLING

__all__ = [
    "Fields",
    "Refused",
    "Target",
    "authority",
    "read_fields",
    "read_target",
    "read_trailers",
]

RawFields = tuple[tuple[bytes, bytes], ...]

DEFAULT_PORTS = {"http": 80, "https": 443}
#: What is longer, in bytes, is not remembered.
_KEPT_FIELDS = 4096
_KEPT_TARGET = 512

_ABSOLUTE = re.compile(r"(https?)://([^/?#]*)([^#]*)\Z", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:([A-Za-z0-9._-]+)|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{1,5}))?\Z")

#: What CGI programs cannot tell from names with dashes: of fields that frame, or tell who asks.
_CONFUSED = frozenset(
    {
        "content_length",
        "transfer_encoding",
        "x_forwarded_for",
        "x_forwarded_host",
        "x_forwarded_proto",
    }
)

#: What may not come behind a body (RFC 9110, section 6.5.1): framing, routing, authentication; nor
#: what an identity would have taken off, or written itself, had it stood in the head.
_NEVER_TRAILERS = frozenset(
    {
        "authorization",
        "cache-control",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "cookie",
        "expect",
        "host",
        "max-forwards",
        "range",
        "set-cookie",
        "via",
        "www-authenticate",
    }
).union(HOP_BY_HOP, TELLING, HIDDEN, _CONFUSED)


class Refused(Exception):  # noqa: N818 - what it is, not what went wrong
    """A message that is not taken: *status* for whoever sent it, and what it is told."""

    def __init__(self, status: int, says: str) -> None:
        super().__init__(says)
        self.status = status
        self.says = says


@value
class Fields:
    """The fields of a head, and what they say of the message.

    ``length`` of the body in bytes, None where they give none; ``chunked``: its end comes with it.
    ``hosts`` are the lines of Host. ``headers`` are free of how the body was framed. ``confusing``:
    one of them might be taken for another behind us.
    """

    headers: Headers
    length: int | None
    chunked: bool
    hosts: tuple[str, ...]
    expects: bool
    upgrades: bool
    trailers: bool
    confusing: bool


def read_fields(raw: RawFields, size: int) -> Fields:
    """What the fields *raw*, of *size* bytes, say; raises :class:`Refused`.

    O(len(raw)), and no more than a look-up for heads that come again.
    """
    return _kept_fields(raw) if size <= _KEPT_FIELDS else _fields(raw)


def _fields(raw: RawFields) -> Fields:
    pairs = [
        (name.decode("ascii").lower(), text.decode("latin-1").rstrip(" \t")) for name, text in raw
    ]
    headers = Headers(pairs)
    coded = headers.all("transfer-encoding")
    if coded and (len(coded) > 1 or coded[0].lower() != "chunked"):
        raise Refused(400, "Only the transfer coding chunked is understood, once.")
    lengths = headers.all("content-length")
    if coded and lengths:
        raise Refused(400, "Both a length and a transfer coding are given.")
    if len(lengths) > 1 or (lengths and not (lengths[0].isascii() and lengths[0].isdigit())):
        raise Refused(400, "The length cannot be read.")
    expected = headers.get("expect").lower()
    if expected not in ("", "100-continue"):
        raise Refused(417, "Only 100-continue can be expected.")
    connection = headers.get("connection").lower()
    return Fields(
        headers.without(("transfer-encoding",)) if coded else headers,
        int(lengths[0]) if lengths else None,
        bool(coded),
        tuple(headers.all("host")),
        bool(expected),
        "upgrade" in headers and "upgrade" in connection,
        "trailers" in headers.get("te").lower(),
        not _CONFUSED.isdisjoint(headers.fields),
    )


_kept_fields = lru_cache(maxsize=2048)(_fields)


def read_trailers(raw: RawFields, headers: Headers) -> tuple[tuple[str, str], ...]:
    """The fields behind a body that may be passed on; *headers* stood before it. O(len(raw))."""
    never = _NEVER_TRAILERS.union(hop_by_hop(headers))
    pairs = ((name.decode("ascii").lower(), text.decode("latin-1")) for name, text in raw)
    return tuple(pair for pair in pairs if pair[0] not in never)


@value
class Target:
    """Where a request line aims (RFC 9112, section 3.2).

    ``absolute``: the line itself named the host, so the field Host is not to be believed.
    """

    scheme: str
    host: str
    port: int
    path: str
    absolute: bool


def read_target(method: str, target: str, hosts: tuple[str, ...], scheme: str) -> Target:
    """What the line ``method target`` and the *hosts* named in fields mean; raises Refused.

    *scheme* is that of the connection. *hosts* may be empty, as HTTP/1.0 has no need of Host.
    """
    if len(target) <= _KEPT_TARGET:
        return _kept_target(method, target, hosts, scheme)
    return _target(method, target, hosts, scheme)


def _target(method: str, target: str, hosts: tuple[str, ...], scheme: str) -> Target:
    if len(hosts) > 1:
        raise Refused(400, "More than one Host is given.")
    named = hosts[0] if hosts else ""
    if method == "CONNECT":
        host, port = authority(target)
        if not port:
            raise Refused(400, "A tunnel needs a port.")
        if hosts:
            authority(named)
        return Target(scheme, host, port, "", absolute=True)
    if target.startswith("/") or (target == "*" and method == "OPTIONS"):
        if "#" in target:
            raise Refused(400, "The target has a fragment.")
        if not hosts:
            return Target(scheme, "", DEFAULT_PORTS[scheme], target, absolute=False)
        host, port = authority(named)
        return Target(scheme, host, port or DEFAULT_PORTS[scheme], target, absolute=False)
    found = _ABSOLUTE.match(target)
    if found is None:
        raise Refused(400, "The target cannot be read.")
    scheme, path = found[1].lower(), found[3]
    host, port = authority(found[2])
    if hosts:
        authority(named)
    if not path.startswith("/"):
        path = f"/{path}"
    return Target(scheme, host, port or DEFAULT_PORTS[scheme], path, absolute=True)


_kept_target = lru_cache(maxsize=4096)(_target)


def authority(text: str) -> tuple[str, int]:
    """Host (lower case, no dot at its end) and port (0: none given); raises Refused."""
    found = _AUTHORITY.match(text)
    if found is None:
        raise Refused(400, "The host cannot be read.")
    port = int(found[3] or 0)
    host = (found[1] or found[2]).lower()
    host = host.removesuffix(".")
    if not host or port > 65535 or (found[3] is not None and port == 0):
        raise Refused(400, "The host cannot be read.")
    return host, port
