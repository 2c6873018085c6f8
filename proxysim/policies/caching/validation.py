"""Validation: does a stored answer still hold, and does the client's copy?

Source: RFC 9111, section 4.3; RFC 9110, sections 8.8.3 and 13.
"""

from __future__ import annotations

import re

from proxysim.messages import Headers, Request, Response
from proxysim.policies.fields import hop_by_hop
from proxysim.policies.http_date import http_date
from proxysim.policies.memory import kept

__all__ = [
    "conditional",
    "confirms",
    "describes",
    "entity_tags",
    "not_modified",
    "not_modified_response",
    "unconditional",
    "updated",
    "validators",
]

_CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")

# Nothing is escaped inside an entity tag; what has no quotes is compared as it stands.
_TAG = re.compile(r'\s*((?:W/)?"[^"]*"|[^,]*)\s*(?:,|\Z)')


@kept(4096)
def entity_tags(text: str) -> tuple[str, ...]:
    """The members of an If-None-Match *text*, ``*`` among them (RFC 9110, section 8.8.3)."""
    return tuple(tag for found in _TAG.findall(text) if (tag := found.strip(" \t")))


def validators(response: Response) -> tuple[str, str]:
    """The entity tag and the date of the last change, each empty where there is none."""
    return response.headers.get("etag"), response.headers.get("last-modified")


def conditional(request: Request, tag: str, changed: str) -> Request:
    """*request* asking whether a stored answer still holds (section 4.3.1).

    *tag* and *changed* are its :func:`validators`; without any, *request* asks anew. The client's
    own conditions are left out, but for a Range and what belongs to it.
    """
    headers = request.headers.without(_CONDITIONS)
    if tag:
        headers = headers.add("if-none-match", tag)
    if changed:
        headers = headers.add("if-modified-since", changed)
    return request if headers is request.headers else request.with_headers(headers)


def unconditional(request: Request) -> Request:
    """*request* without any condition: its answer is the whole truth."""
    return conditional(request, "", "")


# The client's copy.


def not_modified(request: Request, stored: Response) -> bool:
    """Whether the client already has what is *stored* (section 4.3.2), so that 304 answers it.

    Only success can be unmodified (RFC 9110, section 13.2.1). If-None-Match goes before
    If-Modified-Since; a date that cannot be read is no condition.
    """
    said = request.headers.fields
    if "if-none-match" not in said and "if-modified-since" not in said:
        return False
    if not 200 <= stored.status < 300:
        return False
    tag, changed = validators(stored)
    if "if-none-match" in said:
        wanted = entity_tags(said["if-none-match"])
        if "*" in wanted:
            return True
        return bool(tag) and tag.removeprefix("W/") in {w.removeprefix("W/") for w in wanted}
    since = http_date(said["if-modified-since"])
    last = http_date(changed or stored.headers.get("date"))
    return since is not None and last is not None and last <= since


_OF_304 = frozenset(
    {
        "age",
        "cache-control",
        "cache-status",
        "content-location",
        "date",
        "etag",
        "expires",
        "last-modified",
        "vary",
        "via",
    }
)


def not_modified_response(stored: Response) -> Response:
    """The 304 that stands for *stored* (RFC 9110, section 15.4.5)."""
    return Response(304, Headers(pair for pair in stored.headers.pairs if pair[0] in _OF_304))


# The stored answer.


def confirms(new: Headers, tag: str, changed: str) -> bool:
    """Whether a 304 with the fields *new* is about the answer with these :func:`validators`.

    By the tags, compared as weakly as If-None-Match is; without tags on both sides by the date of
    the last change, where the 304 says one (section 4.3.4). A strong tag that confirms a weak one
    comes of a proxy on the way that codes, and so weakens tags, but passes a 304 on as it is.
    """
    said = new.get("etag")
    if said and tag:
        return tag.removeprefix("W/") == said.removeprefix("W/")
    date = new.get("last-modified")
    return not date or date == changed


def describes(new: Headers, stored: Response, tag: str, length: int | None) -> bool:
    """Whether a 200 to HEAD with the fields *new* is about the *stored* answer (section 4.3.5).

    Each of ETag, Last-Modified and Content-Length that *new* has must be the stored one; *tag* is
    the stored answer's as its origin gave it, *length* its body's.
    """
    return (
        new.get("etag", tag) == tag
        and new.get("last-modified", stored.headers.get("last-modified"))
        == stored.headers.get("last-modified")
        and ("content-length" not in new or new.get("content-length") == str(length))
    )


#: What a confirmation does not change, for the stored body depends on it (section 3.2).
_OF_CONTENT = frozenset({"content-encoding", "content-length", "content-range"})


def updated(stored: Headers, new: Headers) -> Headers:
    """The fields of a *stored* answer after its confirmation with the fields *new* (section 3.2).

    All of *new* replace what was stored, but for those of the connection and of the content. An
    Age that the confirmation does not repeat is not the confirmed answer's. A weak tag stays weak.
    """
    kept = hop_by_hop(new) | _OF_CONTENT
    if stored.get("etag") == f"W/{new.get('etag')}":
        kept |= {"etag"}
    changing = {name for name, _ in new.pairs} - kept
    return Headers(
        (
            *stored.without(changing | {"age"}).pairs,
            *(pair for pair in new.pairs if pair[0] in changing),
        )
    )
