"""What a forward proxy tells servers of its clients: the three modes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from proxysim.messages import Headers, Request, Response
from proxysim.policies.fields import hop_by_hop
from proxysim.policies.forwarded import forwarded_element, node_of
from proxysim.policies.identity.base import FORWARDED, KEPT, Identity
from proxysim.policies.memory import noted, remembered

__all__ = ["IDENTITIES", "TELLING", "Anonymous", "Elite", "Transparent"]

#: Request fields by which a client, or a proxy before, tells who is asking.
TELLING = frozenset(
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


class _Forward:
    """What the three forward modes share: the memory of fields already rewritten.

    Cost: O(length of the fields); those seen last are remembered with what was made of them.
    """

    __slots__ = ("__weakref__", "_asked", "_told", "pseudonym")

    def __init__(self, pseudonym: str = "proxysim") -> None:
        self.pseudonym = pseudonym
        self._asked: Callable[[Headers, str], Headers] = remembered(self._ask, KEPT)
        self._told: Callable[[Headers], Headers] = noted(self._tell)

    def rewrite(self, request: Request) -> Request:
        """*request* as the next in line is to see it."""
        return request.with_headers(self._asked(request.headers, request.hop or request.peer))

    def answer(self, response: Response) -> Response:
        """*response* as the client is to see it."""
        return Response(response.status, self._told(response.headers))

    def _ask(self, headers: Headers, peer: str) -> Headers:
        raise NotImplementedError

    def _tell(self, headers: Headers) -> Headers:
        return _passed(headers).append("via", f"1.1 {self.pseudonym}")


class Transparent(_Forward):
    """Tells all: the client's address joins X-Forwarded-For, the proxy names itself in Via.

    With *forwarded* it joins Forwarded instead, or both, or neither. Cost: see the base.

    Source: RFC 9110, section 7.6.3; RFC 7239; Squid ``forwarded_for on``.
    """

    __slots__ = ("_fields",)

    def __init__(self, pseudonym: str = "proxysim", forwarded: str = "x-forwarded-for") -> None:
        super().__init__(pseudonym)
        self._fields = FORWARDED[forwarded]

    def _ask(self, headers: Headers, peer: str) -> Headers:
        told = _passed(headers)
        if "x-forwarded-for" in self._fields:
            told = told.append("x-forwarded-for", peer or "unknown")
        if "forwarded" in self._fields:
            told = told.append("forwarded", forwarded_element({"for": node_of(peer)}))
        return told.append("via", f"1.1 {self.pseudonym}")


class Anonymous(_Forward):
    """Says that there is a proxy (Via), not for whom: fields that tell of the client are taken off.

    With *forwarded* it says there that the client is ``unknown``. Cost: see the base.

    Source: Squid ``forwarded_for delete``, or ``off``; RFC 7239, section 6.2.
    """

    __slots__ = ("_said",)

    def __init__(self, pseudonym: str = "proxysim", forwarded: str = "none") -> None:
        super().__init__(pseudonym)
        unknown = {"x-forwarded-for": "unknown", "forwarded": "for=unknown"}
        self._said = [(name, unknown[name]) for name in sorted(FORWARDED[forwarded])]

    def _ask(self, headers: Headers, peer: str) -> Headers:
        told = _passed(headers, TELLING).change((), self._said)
        return told.append("via", f"1.1 {self.pseudonym}")


class Elite(_Forward):
    """Looks like any client: no field tells of the client behind, nor of a proxy.

    Cost: see the base.

    Source: Squid ``forwarded_for delete`` with ``via off``.
    """

    __slots__ = ()

    def _ask(self, headers: Headers, peer: str) -> Headers:
        return _passed(headers, TELLING | {"via"})

    def _tell(self, headers: Headers) -> Headers:
        return _passed(headers)


#: Scenario name -> what a forward proxy tells.
IDENTITIES: dict[str, Callable[..., Identity]] = {
    "transparent": Transparent,
    "anonymous": Anonymous,
    "elite": Elite,
}


def _passed(headers: Headers, less: Iterable[str] = ()) -> Headers:
    return headers.without(hop_by_hop(headers).union(less))
