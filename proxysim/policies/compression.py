"""Compression: whether and how an answer is coded on its way to the client."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from proxysim.messages import Headers, Request, Response
from proxysim.policies.caching.directives import parse_cache_control
from proxysim.policies.fields import members
from proxysim.policies.memory import kept, noted, remembered

__all__ = ["TYPES", "Compression", "acceptable", "to_be_left", "weights"]

#: Content types worth coding, beside ``text/*`` and all that end in +json, +xml or +text.
TYPES = frozenset(
    {
        "application/javascript",
        "application/json",
        "application/manifest+json",
        "application/x-javascript",
        "application/xhtml+xml",
        "application/xml",
        "image/svg+xml",
    }
)

_WEIGHT = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\Z", re.ASCII)


class Compression:
    """Choose a content coding of *codings* (the first preferred) for text worth the trouble.

    Of the codings that the client takes, the one it weighs most; of equal ones the first. A client
    that says nothing of codings gets none, as from all servers, though the RFC would allow any.

    An answer is left alone that is already coded, without content, a part (206), or marked
    ``no-transform``, as all are for a client that says so; and one that is short (under *minimum*
    bytes) or not of *types*, unless the client refuses what is not coded (``identity;q=0``). Where
    it refuses that and takes no coding either, it gets what there is. *types* are such as
    ``text/html`` or ``text/*``; by default :data:`TYPES`, all text, and what ends in +json, +xml or
    +text. *levels* say how hard a coding tries, where that is not left to the world. O(1): a text
    is parsed once.

    Source: RFC 9110, sections 8.4, 12.1 and 12.5.3; the minimum as in nginx's and CDNs' guides.
    """

    __slots__ = (
        "__weakref__",
        "_acceptable",
        "_worth",
        "codings",
        "levels",
        "minimum",
        "order",
        "types",
    )

    def __init__(
        self,
        codings: Sequence[str] = ("zstd", "br", "gzip"),
        minimum: int = 1024,
        types: Collection[str] | None = None,
        levels: Mapping[str, int] | None = None,
    ) -> None:
        self.codings = tuple(codings)
        self.minimum = minimum
        self.types = None if types is None else frozenset(text.lower() for text in types)
        self.levels = dict(levels or {})
        self._acceptable: Callable[[str], str | None] = remembered(self._best, 1024)
        #: In which codings a stored answer may be sent to who asks with such fields, best first.
        self.order: Callable[[Headers], tuple[str | None, ...]] = noted(self._order)
        self._worth: Callable[[str], bool] = remembered(self._compressible, 1024)

    def eligible(self, request: Request, response: Response, length: int | None) -> bool:
        """Whether the answer would be coded for a client that takes a coding.

        *length* is the content's in bytes; unknown counts as long.
        """
        if length is not None and length < self.minimum:
            return False
        if not self._worth(response.headers.fields.get("content-type", "")):
            return False
        return _may_be_coded(request, response)

    def choose(self, request: Request, response: Response, length: int | None) -> str | None:
        """The coding for the answer, or None to leave it as it is."""
        accepted = request.headers.fields.get("accept-encoding")
        if not accepted:
            return None
        if not self.eligible(request, response, length) and not (
            _refuses_plain(accepted) and length != 0 and _may_be_coded(request, response)
        ):
            return None
        return self._acceptable(accepted)

    def preferred(self, asked: Headers) -> str | None:
        """The coding that who *asked* gets for an eligible answer; None where it takes none."""
        accepted = asked.fields.get("accept-encoding")
        return self._acceptable(accepted) if accepted else None

    def _order(self, asked: Headers) -> tuple[str | None, ...]:
        codings = acceptable(asked)
        if to_be_left(asked):
            return (None,)
        best = self.preferred(asked)
        if best is None or best == codings[0]:
            return codings
        return (best, *(coding for coding in codings if coding != best))

    def marked(self, response: Response, coding: str | None) -> Response:
        """*response* with the fields of an answer in *coding*; None: of one that might be coded."""
        return Response(response.status, self.headers(response, coding))

    def headers(self, response: Response, coding: str | None) -> Headers:
        """The answer's fields when coded as *coding*; with None only ``Vary`` is added.

        The latter is for an :meth:`eligible` answer to a client that takes no coding. An entity
        tag becomes weak, for the bytes are no longer those it named.
        """
        return _CODED[coding](response.headers)

    def _best(self, accepted: str) -> str | None:
        weighed = weights(accepted)
        others = weighed.get("*", 0.0)
        best, most = None, weighed.get("identity", 0.0)
        for coding in self.codings:
            weight = weighed.get(coding, others)
            if weight > 0 and (weight > most or (best is None and weight == most)):
                best, most = coding, weight
        return best

    def _compressible(self, content_type: str) -> bool:
        base = content_type.partition(";")[0].strip().lower()
        if self.types is not None:
            return base in self.types or f"{base.partition('/')[0]}/*" in self.types
        return (
            base.startswith("text/") or base in TYPES or base.endswith(("+json", "+xml", "+text"))
        )


def _may_be_coded(request: Request, response: Response) -> bool:
    """Whether the answer has content, whole and not coded yet, that may be transformed."""
    status = response.status
    if status < 200 or status == 204 or status == 206 or status == 304:
        return False
    if request.method == "HEAD" or request.method == "CONNECT":
        return False
    headers = response.headers
    if "content-encoding" in headers.fields:
        return False
    return not (to_be_left(headers) or to_be_left(request.headers))


def to_be_left(headers: Headers) -> bool:
    """Whether the sender of *headers* wants content as its origin made it: ``no-transform``.

    Source: RFC 9111, sections 5.2.1.6 and 5.2.2.6.
    """
    said = headers.fields.get("cache-control")
    return said is not None and "no-transform" in parse_cache_control(said)


@kept(1024)
def _refuses_plain(accepted: str) -> bool:
    """Whether what is not coded is refused: identity;q=0, or *;q=0 and no word of identity."""
    weighed = weights(accepted)
    return not weighed.get("identity", weighed.get("*", 1.0))


def acceptable(asked: Headers) -> tuple[str | None, ...]:
    """The codings in which who *asked* takes an answer, the best first; None, uncoded, at the end.

    For a cache that keeps answers as their servers coded them.
    """
    accepted = asked.fields.get("accept-encoding")
    return _by_weight(accepted) if accepted else (None,)


@kept(1024)
def _by_weight(accepted: str) -> tuple[str | None, ...]:
    weighed = {coding: weight for coding, weight in weights(accepted).items() if weight > 0}
    named = (coding for coding in weighed if coding not in ("*", "identity"))
    return (*sorted(named, key=lambda coding: -weighed[coding]), None)


@kept(1024)
def weights(accepted: str) -> dict[str, float]:
    """Coding (lower case) -> q-value in an Accept-Encoding text, without unreadable members.

    Source: RFC 9110, section 12.5.3; ``x-gzip`` is ``gzip`` (section 8.4.1.3).
    """
    found: dict[str, float] = {}
    for member in members(accepted):
        coding, semicolon, parameter = member.partition(";")
        coding = coding.strip().lower()
        weight = 1.0
        if semicolon:
            name, _, text = parameter.strip().partition("=")
            if name.strip().lower() != "q" or not _WEIGHT.match(text.strip()):
                continue
            weight = float(text)
        found["gzip" if coding == "x-gzip" else coding] = weight
    return found


_OF_PLAIN_BYTES = ("accept-ranges", "content-digest", "content-length", "content-md5", "digest")


def _coded(headers: Headers, coding: str | None) -> Headers:
    varied = headers.get("vary")
    names = {name.lower() for name in members(varied)} if varied else set()
    more = []
    if names.isdisjoint(("*", "accept-encoding")):
        more.append(("vary", f"{varied}, Accept-Encoding" if varied else "Accept-Encoding"))
    if coding is None:
        return headers.change((), more)
    more.append(("content-encoding", coding))
    tag = headers.get("etag")
    if tag and not tag.startswith("W/"):
        more.append(("etag", f"W/{tag}"))
    return headers.change(_OF_PLAIN_BYTES, more)


class _Marking(dict[str | None, Callable[[Headers], Headers]]):
    """For each coding what marks the fields of an answer in it."""

    def __missing__(self, coding: str | None) -> Callable[[Headers], Headers]:
        marking = self[coding] = noted(partial(_coded, coding=coding))
        return marking


_CODED = _Marking()
