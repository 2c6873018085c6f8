"""Ranges: a part of a stored answer for who wants no more.

Source: RFC 9110, sections 13.1.5, 14 and 15.3.7; RFC 9111, section 3.4.
"""

from __future__ import annotations

import re

from proxysim.messages import Headers, Request, Response, value
from proxysim.policies.caching.validation import validators
from proxysim.policies.http_date import http_date

__all__ = ["Part", "part_response", "unsatisfied_response", "wanted_part"]

_ONE_RANGE = re.compile(r"bytes=[ \t]*(\d{0,19})-(\d{0,19})[ \t]*", re.ASCII | re.IGNORECASE)


@value
class Part:
    """Bytes *first* to *last*, both included, of a body of *length* bytes.

    Where *first* is not less than *length* there are no such bytes.
    """

    first: int
    last: int
    length: int

    @property
    def satisfiable(self) -> bool:
        return self.first < self.length


def wanted_part(request: Request, stored: Response, length: int | None) -> Part | None:
    """The part of *stored*, a body of *length* bytes, that *request* wants; None for all of it.

    A Range of anything but bytes, of several parts, or that cannot be read, is as if it were not
    there (section 14.2), as is one whose If-Range does not hold. The part may be one that is not
    satisfiable (section 15.5.17).
    """
    if request.method != "GET" or stored.status != 200 or not length:
        return None
    found = _ONE_RANGE.fullmatch(request.headers.get("range").strip(" \t"))
    if found is None or not _if_range_holds(request, stored):
        return None
    start, end = found.groups()
    if not start:
        if not end:
            return None
        suffix = int(end)
        return Part(max(0, length - suffix) if suffix else length, length - 1, length)
    first, last = int(start), int(end) if end else length - 1
    if end and last < first:
        return None
    return Part(first, min(last, length - 1), length)


def _if_range_holds(request: Request, stored: Response) -> bool:
    """Whether the client's part is of the *stored* answer: strong comparison (section 13.1.5)."""
    named = request.headers.fields.get("if-range")
    if named is None:
        return True
    named = named.strip(" \t")
    tag, changed = validators(stored)
    if named.startswith(('"', "W/")):
        return named == tag and not tag.startswith("W/")
    when, made = http_date(changed), http_date(stored.headers.get("date"))
    # A date is a strong validator when the answer was made a second later (section 8.8.2.2).
    return named == changed and when is not None and made is not None and made >= when + 1


def part_response(stored: Response, part: Part) -> Response:
    """The head that goes with *part* of *stored*."""
    fields = (
        ("content-length", str(part.last - part.first + 1)),
        ("content-range", f"bytes {part.first}-{part.last}/{part.length}"),
    )
    return Response(206, stored.headers.change((), fields))


def unsatisfied_response(part: Part) -> Response:
    """The answer where there are no such bytes (section 15.5.17)."""
    fields = (("content-range", f"bytes */{part.length}"), ("content-length", "0"))
    return Response(416, Headers(fields))
