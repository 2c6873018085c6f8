"""Identity: what a proxy tells one side of the other.

Requests of one client carry equal fields, so what was worked out for the last many thousand
combinations of fields and peer is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Protocol

from proxysim.messages import Headers, Request, Response
from proxysim.policies.fields import hop_by_hop

__all__ = [
    "HIDDEN",
    "IDENTITIES",
    "Anonymous",
    "Elite",
    "Identity",
    "ReverseIdentity",
    "Transparent",
]

_KEPT = 16384

#: Request fields by which a client, or a proxy before, tells who is asking.
_TELLING = frozenset(
    {
        "cf-connecting-ip",
        "client-ip",
        "forwarded",
        "forwarded-for",
        "from",
        "true-client-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-real-ip",
    }
)

#: Response fields that tell of the servers.
HIDDEN = frozenset({"server", "via", "x-powered-by"})


class Identity(Protocol):
    """Rewrites the fields of what passes, both ways.

    Fields of a single connection never pass (RFC 9110, section 7.6.1).
    """

    def rewrite(self, request: Request) -> Request: ...

    def answer(self, response: Response) -> Response: ...


class _Forward:
    """What the three forward modes share: the memory of fields already rewritten."""

    __slots__ = ("_answered", "_asked", "pseudonym")

    def __init__(self, pseudonym: str = "proxysim") -> None:
        self.pseudonym = pseudonym
        self._asked: Callable[[Headers, str], Headers] = lru_cache(_KEPT)(self._ask)
        self._answered: Callable[[Headers], Headers] = lru_cache(_KEPT)(self._answer)

    def rewrite(self, request: Request) -> Request:
        """*request* as the next in line is to see it."""
        return _with(request, self._asked(request.headers, request.peer))

    def answer(self, response: Response) -> Response:
        """*response* as the client is to see it."""
        return Response(response.status, self._answered(response.headers))

    def _ask(self, headers: Headers, peer: str) -> Headers:
        raise NotImplementedError

    def _answer(self, headers: Headers) -> Headers:
        return _passed(headers).append("via", f"1.1 {self.pseudonym}")


class Transparent(_Forward):
    """Tells all: the client's address joins X-Forwarded-For, the proxy names itself in Via.

    Source: RFC 9110, section 7.6.3; Squid ``forwarded_for on``.
    """

    __slots__ = ()

    def _ask(self, headers: Headers, peer: str) -> Headers:
        told = _passed(headers).append("x-forwarded-for", peer or "unknown")
        return told.append("via", f"1.1 {self.pseudonym}")


class Anonymous(_Forward):
    """Says that there is a proxy (Via), not for whom: fields that tell of the client are taken off.

    Source: Squid ``forwarded_for delete``.
    """

    __slots__ = ()

    def _ask(self, headers: Headers, peer: str) -> Headers:
        return _passed(headers, _TELLING).append("via", f"1.1 {self.pseudonym}")


class Elite(_Forward):
    """Looks like any client: no field tells of the client behind, nor of a proxy.

    Source: Squid ``forwarded_for delete`` with ``via off``.
    """

    __slots__ = ()

    def _ask(self, headers: Headers, peer: str) -> Headers:
        return _passed(headers, _TELLING | {"via"})

    def _answer(self, headers: Headers) -> Headers:
        return _passed(headers)


class ReverseIdentity:
    """Tells the servers of the client, and the client as little as may be of the servers.

    Requests gain the peer in X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host (both set, so
    that a client cannot forge them) and Via; responses lose the fields in *hide*.

    Source: nginx ``proxy_set_header``/``proxy_hide_header`` as its guide sets them.
    """

    __slots__ = ("_answered", "_asked", "hide", "pseudonym")

    def __init__(self, pseudonym: str = "proxysim", hide: Iterable[str] = HIDDEN) -> None:
        self.pseudonym = pseudonym
        self.hide = frozenset(name.lower() for name in hide)
        self._asked: Callable[[Headers, str, str, str], Headers] = lru_cache(_KEPT)(self._ask)
        self._answered: Callable[[Headers], Headers] = lru_cache(_KEPT)(self._answer)

    def rewrite(self, request: Request) -> Request:
        """*request* as the backend is to see it."""
        return Request(
            request.method,
            request.scheme,
            request.host,
            request.port,
            request.path,
            self._asked(request.headers, request.peer, request.scheme, request.host),
            request.peer,
            request.body,
            request.world,
        )

    def answer(self, response: Response) -> Response:
        """*response* as the client is to see it."""
        return Response(response.status, self._answered(response.headers))

    def _ask(self, headers: Headers, peer: str, scheme: str, host: str) -> Headers:
        return headers.change(
            hop_by_hop(headers),
            (
                ("x-forwarded-for", _joined(headers, "x-forwarded-for", peer or "unknown")),
                ("x-forwarded-proto", scheme),
                ("x-forwarded-host", host),
                ("via", _joined(headers, "via", f"1.1 {self.pseudonym}")),
            ),
        )

    def _answer(self, headers: Headers) -> Headers:
        return _passed(headers, self.hide)


#: Scenario name -> what a forward proxy tells.
IDENTITIES: dict[str, Callable[..., Identity]] = {
    "transparent": Transparent,
    "anonymous": Anonymous,
    "elite": Elite,
}


def _joined(headers: Headers, name: str, text: str) -> str:
    """The list *name* with *text* as its last member."""
    before = headers.fields.get(name)
    return f"{before}, {text}" if before else text


def _passed(headers: Headers, less: Iterable[str] = ()) -> Headers:
    return headers.without(hop_by_hop(headers).union(less))


def _with(request: Request, headers: Headers) -> Request:
    return Request(
        request.method,
        request.scheme,
        request.host,
        request.port,
        request.path,
        headers,
        request.peer,
        request.body,
        request.world,
    )
