"""The reverse side's identity: servers are told of the client, clients nothing of the servers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from proxysim.messages import Headers, Request, Response, value
from proxysim.policies.fields import HOP_BY_HOP, hop_by_hop
from proxysim.policies.forwarded import forwarded_element, node_of
from proxysim.policies.hosts import canonical
from proxysim.policies.identity.base import FORWARDED, KEPT
from proxysim.policies.memory import noted, remembered

__all__ = ["HIDDEN", "ReverseIdentity"]

#: Answer fields that tell what the servers are and which of them it was: after the list of fields
#: to remove of the OWASP Secure Headers Project.
HIDDEN = frozenset(
    {
        "powered-by",
        "server",
        "via",
        "x-aspnet-version",
        "x-aspnetmvc-version",
        "x-backend",
        "x-backend-server",
        "x-generator",
        "x-php-version",
        "x-powered-by",
        "x-powered-cms",
        "x-runtime",
        "x-served-by",
        "x-server-powered-by",
        "x-upstream",
        "x-varnish-backend",
        "x-varnish-server",
    }
)

#: Fields that only the nearest proxy may write: a client that sends them forges them.
_OURS = frozenset(
    {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "forwarded"}
)
_WRITTEN = _OURS | {"via"}
_ADDRESSED = frozenset({"location", "content-location"})
_ADDRESS = re.compile(
    r"(?:https?:)?//(?:[^/?#@\s]*@)?(\[[^\]/?#]*\]|[^/?#:@\s]+)(?::\d*)?(?=[/?#]|\Z)", re.IGNORECASE
)
_DOMAIN = re.compile(r";[ \t]*domain[ \t]*=[ \t]*([^;]*)", re.IGNORECASE)


@value
class _Left:
    """The fields of a request that pass as they are, and the lists that the proxy goes on with.

    Each list is empty or ends in a comma; ``via`` has the proxy in it already.
    """

    headers: Headers
    chain: str
    elements: str
    via: tuple[str, str]


class ReverseIdentity:
    """Tells the servers of the client, and the client as little as may be of the servers.

    Requests gain the peer in *forwarded*: X-Forwarded-For, with X-Forwarded-Proto and
    X-Forwarded-Host beside it (set, not added to); or Forwarded; or both, or none. Such fields that
    it does not write itself are taken off, for they would be the client's to forge. Via is
    added. Answers lose the fields in *hide*. Where they name one of *servers* in Location or
    Content-Location, only the path is left, which leads back through the proxy; a cookie for a
    domain of *servers* is one for the proxy's own host.

    O(length of the fields); those seen last are remembered with what was made of them.

    Source: nginx ``proxy_hide_header``, ``proxy_redirect`` and ``proxy_cookie_domain``; Apache
    ``ProxyPassReverse``; RFC 9110, sections 7.6.3 and 10.2.2; RFC 7239.
    """

    __slots__ = (
        "__weakref__",
        "_asked",
        "_domains",
        "_fields",
        "_left",
        "_less",
        "_passed",
        "_servers",
        "hide",
        "pseudonym",
    )

    def __init__(
        self,
        pseudonym: str = "proxysim",
        hide: Iterable[str] = HIDDEN,
        *,
        forwarded: str = "x-forwarded-for",
        servers: Iterable[str] = (),
        sites: Iterable[str] = (),
    ) -> None:
        self.pseudonym = pseudonym
        self.hide = frozenset(name.lower() for name in hide)
        self._less = self.hide | HOP_BY_HOP
        self._fields = FORWARDED[forwarded]
        self._servers = frozenset(map(canonical, servers))
        shared = {domain for site in sites for domain in _domains(canonical(site))}
        self._domains = {d for server in self._servers for d in _domains(server)} - shared
        self._asked: Callable[[Headers, str, str, str, int], Headers] = remembered(self._ask, KEPT)
        self._left: Callable[[Headers], _Left] = noted(self._leave)
        self._passed: Callable[[Headers], Headers] = noted(self._pass)

    def rewrite(self, request: Request) -> Request:
        """*request* as the backend is to see it."""
        hop, at = request.hop or request.peer, (request.scheme, request.host, request.port)
        return request.with_headers(self._asked(request.headers, hop, *at))

    def answer(self, response: Response) -> Response:
        """*response* as the client is to see it."""
        return Response(response.status, self._passed(response.headers))

    def _ask(self, headers: Headers, peer: str, scheme: str, host: str, port: int) -> Headers:
        left = self._left(headers)
        more: tuple[tuple[str, str], ...] = ()
        if "x-forwarded-for" in self._fields:
            more = (
                ("x-forwarded-for", left.chain + (peer or "unknown")),
                ("x-forwarded-proto", scheme),
                ("x-forwarded-host", host),
            )
        if "forwarded" in self._fields:
            at = host if port == (443 if scheme == "https" else 80) else f"{host}:{port}"
            element = forwarded_element({"for": node_of(peer), "host": at, "proto": scheme})
            more = (*more, ("forwarded", left.elements + element))
        return left.headers.plus((*more, left.via))

    def _leave(self, headers: Headers) -> _Left:
        headers = headers.without(hop_by_hop(headers))
        return _Left(
            headers.change(_WRITTEN, ()),  # another object, even where none of them is there
            _begun(headers, "x-forwarded-for"),
            _begun(headers, "forwarded"),
            ("via", f"{_begun(headers, 'via')}1.1 {self.pseudonym}"),
        )

    def _pass(self, headers: Headers) -> Headers:
        less = self._less
        if "connection" in headers.fields:
            less = hop_by_hop(headers).union(less)
        passed = headers.without(less)
        if self._servers and not passed.fields.keys().isdisjoint(_REWRITTEN):
            passed = Headers((name, self._public(name, text)) for name, text in passed.pairs)
        return passed

    def _public(self, name: str, text: str) -> str:
        if name in _ADDRESSED:
            return self._relative(text)
        if name == "set-cookie":
            return _DOMAIN.sub(lambda found: "" if self._inner(found[1]) else found[0], text)
        return text

    def _relative(self, address: str) -> str:
        """*address* less the name of a server, as a reference that leads back to the proxy."""
        found = _ADDRESS.match(address)
        if found is None or canonical(found[1]) not in self._servers:
            return address
        rest = address[found.end() :]
        if rest.startswith("//"):
            return f"/.{rest}"  # by itself it would name another host
        return rest if rest.startswith("/") else f"/{rest}"

    def _inner(self, domain: str) -> bool:
        return canonical(domain.strip(' \t."')) in self._domains


_REWRITTEN = _ADDRESSED | {"set-cookie"}


def _domains(host: str) -> list[str]:
    """*host* and all domains that it lies in."""
    labels = host.split(".")
    return [".".join(labels[first:]) for first in range(len(labels))]


def _begun(headers: Headers, name: str) -> str:
    """The list *name* up to where its next member goes."""
    before = headers.fields.get(name)
    return f"{before}, " if before else ""
