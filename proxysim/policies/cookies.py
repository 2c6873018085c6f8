"""Cookies that a request carries."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from proxysim.messages import Request

__all__ = ["cookie"]


def cookie(request: Request, name: str) -> str:
    """The value of the cookie *name*, empty where the request has none; of several the first.

    Source: RFC 6265, section 4.2.1.
    """
    text = request.headers.get("cookie")
    return _parsed(text).get(name, "") if text else ""


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for pair in text.replace(",", ";").split(";"):
        name, equals, value = pair.strip(" \t").partition("=")
        if equals:
            found.setdefault(name, value)
    return found
